"""Parked objects: what a bucket refused, whole, in one Avro file of the ops path each.

The file holds one record with all that a redrive needs; the same but the body stands in the file's
metadata, so that it is known what is parked without reading it all.
"""

import io
from collections.abc import Iterator
from typing import Any, Final

import fastavro
import msgspec
from fastavro.schema import SchemaParseException

from transforms.keys import digest
from transforms.records import Kind, Part, Window
from transforms.store import Failure

PARKED: Final = "parked"
REDRIVEN: Final = "redriven"

AVRO: Final = "application/avro"
"""What a parked object's file is stored as."""

HEAD_BYTES: Final = 2**16
"""So much from the beginning of a parked object's file holds all of its metadata."""

_METADATA: Final = "s3-event-logs.parked"
_DIGEST_CHARACTERS: Final = 16
_CAUSES: Final = {"type": "array", "items": "string"}

# What reading a damaged file raises, beside `ValueError`.
_DAMAGES: Final = (
    KeyError,
    EOFError,
    IndexError,
    TypeError,
    OverflowError,
    SchemaParseException,
)
_SCHEMA: Final = fastavro.parse_schema(
    {
        "type": "record",
        "name": "ParkedObject",
        "doc": "An object that its bucket refused.",
        "fields": [
            {"name": "version", "type": "int"},
            {"name": "kind", "type": "string", "doc": "events or manifest"},
            {"name": "destination", "type": "string"},
            {"name": "bucket", "type": "string"},
            {"name": "owner", "type": ["null", "string"], "doc": "the account that must own it"},
            {"name": "key", "type": "string"},
            {"name": "content_type", "type": "string"},
            {"name": "headers", "type": {"type": "map", "values": "string"}},
            {"name": "window_start", "type": "long"},
            {"name": "window_end", "type": "long"},
            {"name": "run", "type": "string"},
            {"name": "revision", "type": "string"},
            {"name": "prefix", "type": "string"},
            {"name": "layout", "type": "string"},
            {"name": "compression", "type": "string"},
            {"name": "pane", "type": "int"},
            {"name": "shard", "type": "int"},
            {"name": "shards", "type": "int"},
            {"name": "part", "type": "int"},
            {"name": "events", "type": "long"},
            {"name": "raw_bytes", "type": "long"},
            {"name": "stored_bytes", "type": "long"},
            {"name": "sha256", "type": "string", "doc": "of the body, in hexadecimal"},
            {"name": "error", "type": "string", "doc": "what was answered"},
            {"name": "advice", "type": "string"},
            {"name": "possible_causes", "type": _CAUSES},
            {"name": "transient", "type": "boolean", "doc": "may pass by itself"},
            {"name": "attempts", "type": "int", "doc": "requests sent before it was parked"},
            {"name": "answered", "type": "boolean", "doc": "whether S3 said the error"},
            {"name": "body", "type": "bytes"},
        ],
    }
)


class Parked(msgspec.Struct, frozen=True, kw_only=True):
    """A parked object without its body; times are seconds since 1970.

    Attributes:
        headers: What was sent with it beside its content, by S3's parameter names; no secrets.
        answered: Whether S3 said the error; files of older versions do not tell.
    """

    version: int = 1
    kind: Kind
    destination: str
    bucket: str
    owner: str | None
    key: str
    content_type: str
    headers: dict[str, str]
    window_start: int
    window_end: int
    run: str
    revision: str
    prefix: str
    layout: str
    compression: str
    pane: int
    shard: int
    shards: int
    part: int
    events: int
    raw_bytes: int
    stored_bytes: int
    sha256: str
    error: str
    advice: str
    possible_causes: list[str]
    transient: bool
    attempts: int
    answered: bool = True

    @property
    def window(self) -> Window:
        """The object's window."""
        return Window(self.window_start, self.window_end)

    @property
    def failure(self) -> Failure:
        """Why it was refused."""
        return Failure(
            said=self.error,
            transient=self.transient,
            answered=self.answered,
            advice=self.advice,
            causes=tuple(self.possible_causes),
            attempts=self.attempts,
        )


def parked(
    part: Part, sha256: str, content_type: str, headers: dict[str, str], failure: Failure
) -> Parked:
    """What is to be kept of a part that was refused, beside its body."""
    target = part.target
    return Parked(
        kind=part.kind,
        destination=target.destination,
        bucket=target.bucket,
        owner=target.owner,
        key=part.key,
        content_type=content_type,
        headers=headers,
        window_start=part.window.start,
        window_end=part.window.end,
        run=target.run,
        revision=target.revision,
        prefix=target.prefix,
        layout=target.layout,
        compression=target.compression,
        pane=part.pane,
        shard=target.shard,
        shards=target.shards,
        part=part.part,
        events=part.events,
        raw_bytes=part.raw_bytes,
        stored_bytes=len(part.body),
        sha256=sha256,
        error=failure.said,
        advice=failure.advice,
        possible_causes=list(failure.causes),
        transient=failure.transient,
        attempts=failure.attempts,
        answered=failure.answered,
    )


def parked_key(bucket: str, owner: str | None, key: str, destination: str) -> str:
    """Where an object is parked, below the ops path: one place for each bucket and key.

    The name is the object's own with a digest of where it belongs, since two buckets may hold the
    same key.
    """
    name = key.rpartition("/")[2]
    where = digest(_DIGEST_CHARACTERS, bucket, owner, key)
    return f"{PARKED}/{destination}/{name}.{where}.avro"


def encode_parked(record: Parked, body: bytes) -> bytes:
    """The parked object as an Avro object container file."""
    fields = msgspec.to_builtins(record)
    file = io.BytesIO()
    metadata = {_METADATA: msgspec.json.encode(record).decode()}
    fastavro.writer(file, _SCHEMA, [fields | {"body": body}], metadata=metadata)
    return file.getvalue()


def decode_parked(content: bytes) -> tuple[Parked, bytes]:
    """The parked object again, with its body.

    Raises:
        ValueError: The file is no parked object, or damaged.
    """
    try:
        reader: Iterator[Any] = iter(fastavro.reader(io.BytesIO(content)))
        fields: dict[str, Any] = next(reader)
        body: bytes = fields.pop("body")
        return msgspec.convert(fields, Parked), body
    except (*_DAMAGES, StopIteration) as error:
        raise ValueError(f"is no parked object, or damaged: {error!r}") from error


def parked_head(start: bytes) -> Parked:
    """The parked object without its body, from the first `HEAD_BYTES` of its file.

    Raises:
        ValueError: They are no beginning of a parked object.
    """
    try:
        metadata = fastavro.reader(io.BytesIO(start)).metadata
        return msgspec.json.decode(metadata[_METADATA], type=Parked)
    except _DAMAGES as error:
        raise ValueError(f"is no parked object, or damaged: {error!r}") from error
