"""The configuration: connections, the destinations that use them, and the operator's own place.

How an error is worded is in `refusals`. The reference in `docs/configuration.md` and the JSON
Schema are made from the fields of these models.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import Annotated, Any, Final, NamedTuple, TypeVar

from pydantic import AfterValidator, Field

from transforms.bucket_rules import Text
from transforms.connection import KMS, Connection
from transforms.destination import Destination, Match, Prefix, long_keys
from transforms.refusals import Refusal, Section, listing, nearest, place_text, quote

__all__ = ["Caution", "Configuration", "Connection", "Destination", "Match", "Ops", "warnings"]

_MOST_HINTS: Final = 20
_LONGEST_OPS_STREAM: Final = "dead_letters"

S = TypeVar("S", bound=Section)


def _some(sections: tuple[S, ...]) -> tuple[S, ...]:
    # Not min_length: pydantic counts what it accepted, and would call a list of mistakes empty.
    if not sections:
        raise ValueError("must not be empty")
    return sections


class Ops(Section):
    """The operator's own place, for dead letters, receipts and tallies."""

    path: Text | None = Field(
        None,
        description="A folder on any filesystem of Beam's but S3: there name a connection, so that "
        "what is written is encrypted. Either this or `connection`.",
        examples=["/var/lib/s3-event-logs/ops"],
    )
    connection: Text | None = Field(
        None,
        description="The name of a connection, which must have `server_side_encryption`: here lies "
        "every customer's refused data.",
        examples=["ops"],
    )
    prefix: Prefix = Field(
        "", description="The folder in the connection's bucket.", examples=["s3-event-logs"]
    )

    @classmethod
    def across(cls, fields: Mapping[str, Any]) -> Iterator[Refusal]:
        """One place, not two and not none; on S3 with a connection's encryption."""
        path = fields.get("path", "refused")
        if (path is None) == (fields.get("connection", "refused") is None):
            yield Refusal((), "needs a path or a connection: one of them, not both")
        elif path is not None and fields.get("prefix"):
            yield Refusal(("prefix",), "stands with a connection alone; a path holds it itself")
        if isinstance(path, str) and path.lower().startswith(("s3://", "s3a://", "s3n://")):
            yield Refusal(
                ("path",), "on S3 it must be encrypted: name a connection, which says how"
            )
        prefix = fields.get("prefix") or ""
        yield from long_keys(
            f"{prefix.removesuffix('/')}/{_LONGEST_OPS_STREAM}", _LONGEST_OPS_STREAM
        )


class Configuration(Section):
    """All connections and destinations of a job, checked against each other."""

    connections: Annotated[tuple[Connection, ...], AfterValidator(_some)] = Field(
        json_schema_extra={"minItems": 1},
        description="The buckets, each with its region and encryption.",
        examples=[[{"name": "acme-events", "bucket": "acme-events", "region": "us-east-1"}]],
    )
    destinations: Annotated[tuple[Destination, ...], AfterValidator(_some)] = Field(
        json_schema_extra={"minItems": 1},
        description="The streams of events into those buckets.",
        examples=[
            [
                {
                    "name": "acme-web",
                    "connection": "acme-events",
                    "match": {"write_key": "wk_acme_web"},
                }
            ]
        ],
    )
    ops: Ops | None = Field(
        None,
        description="The operator's own place; the option `--ops_path` overrides it.",
        examples=[{"path": "/var/lib/s3-event-logs/ops"}],
    )

    def connection_of(self, user: Destination | Ops) -> Connection:
        """The connection that a destination, or an ops place on S3, names.

        Raises:
            KeyError: The ops place is a folder, or the destination is not of this configuration.
        """
        return self._connections[user.connection]

    @cached_property
    def _connections(self) -> dict[str | None, Connection]:
        return {connection.name: connection for connection in self.connections}

    @classmethod
    def across(cls, fields: Mapping[str, Any]) -> Iterator[Refusal]:
        """Names are unique and known, and the ops place is encrypted on S3."""
        for kind in ("connections", "destinations"):
            yield from _taken_names(kind, _items(fields.get(kind)))
        if "connections" in fields:
            connections = {
                name: section
                for section in _items(fields["connections"])
                if isinstance(name := _get(section, "name"), str)
            }
            yield from _unknown_connections(fields, connections)
            yield from _open_ops(fields.get("ops"), connections)
            yield from _shared_ops(fields, connections)


def _taken_names(kind: str, items: Iterable[object]) -> Iterator[Refusal]:
    first: dict[str, int] = {}
    for index, item in enumerate(items):
        name = _get(item, "name")
        if isinstance(name, str) and first.setdefault(name, index) != index:
            taken = f"{quote(name)} is taken by {kind}[{first[name]}]; names are unique"
            yield Refusal((kind, index, "name"), taken)


def _unknown_connections(
    fields: Mapping[str, Any], connections: Mapping[str, object]
) -> Iterator[Refusal]:
    users: list[tuple[tuple[str | int, ...], object]] = [
        (("destinations", index), item)
        for index, item in enumerate(_items(fields.get("destinations")))
    ]
    known = [name for name in connections if isinstance(name, str)]
    allowed, lost = listing(known), 0
    for place, user in [*users, (("ops",), fields.get("ops"))]:
        name = _get(user, "connection")
        if isinstance(name, str) and name.strip() and name not in connections:
            lost += 1
            # Each hint compares with all names: where thousands are lost, twenty will do.
            hint = nearest(name, known) if lost <= _MOST_HINTS else ""
            reason = f"no connection is named {quote(name)}{hint}; known: {allowed}"
            yield Refusal((*place, "connection"), reason)


def _open_ops(ops: object, connections: Mapping[str, object]) -> Iterator[Refusal]:
    name = _get(ops, "connection")
    if (
        isinstance(name, str)
        and name in connections
        and _get(connections[name], "server_side_encryption") is None
    ):
        reason = (
            f"the connection {quote(name)} has no server_side_encryption: on S3 the ops place, "
            "which holds every customer's refused data, must be encrypted"
        )
        yield Refusal(("ops", "connection"), reason)


def _shared_ops(fields: Mapping[str, Any], connections: Mapping[str, object]) -> Iterator[Refusal]:
    used = [_get(each, "connection") for each in _items(fields.get("destinations"))]
    ops = _get(fields.get("ops"), "connection")
    # What was refused stands here as it was given, and may be anything.
    buckets = [_get(connections.get(name), "bucket") for name in used if isinstance(name, str)]
    own = _get(connections.get(ops), "bucket") if isinstance(ops, str) else None
    if own is not None and own in buckets:
        reason = (
            f"the bucket of {quote(ops)} is a destination's: the ops place holds every customer's "
            "refused data, and needs a bucket of its own"
        )
        yield Refusal(("ops", "connection"), reason)


def _items(sections: object) -> list[object]:
    return list(sections) if isinstance(sections, (list, tuple)) else []


def _get(section: object, field: str) -> object:
    # A section that was refused stands here as it was given.
    if isinstance(section, Mapping):
        return section.get(field)
    return getattr(section, field, None) if isinstance(section, Section) else None


class Caution(NamedTuple):
    """What is allowed but likely not meant: where (`connections[0].kms_key_id`), and why."""

    path: str
    reason: str


def warnings(configuration: Configuration) -> list[Caution]:
    """What to tell the operator about a configuration that is right, in its order."""
    used = {destination.connection for destination in configuration.destinations}
    if configuration.ops is not None and configuration.ops.connection is not None:
        used.add(configuration.ops.connection)
    found: list[Caution] = []
    for index, connection in enumerate(configuration.connections):
        for field, reason in _doubts(connection, used):
            found.append(Caution(place_text(("connections", index, field)), reason))
    return found


def _doubts(connection: Connection, used: set[str]) -> Iterator[tuple[str, str]]:
    if connection.name not in used:
        yield "name", f"no destination uses the connection {quote(connection.name)}"
    if connection.server_side_encryption in KMS and connection.kms_key_id is None:
        reason = (
            f"{connection.server_side_encryption} without a key takes the AWS managed key aws/s3 "
            "of the account that writes, not of the one that owns the bucket: nobody outside the "
            "writer's account will be able to read the objects, the bucket's owner included"
        )
        yield "kms_key_id", reason
    if connection.expected_bucket_owner is None:
        reason = (
            f"is missing: if the bucket {quote(connection.bucket)} is deleted and its name taken "
            "by another account, the events would go there"
        )
        yield "expected_bucket_owner", reason
