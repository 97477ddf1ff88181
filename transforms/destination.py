"""A destination: a named stream of events into one connection, as the configuration names it."""

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field, StrictBool, StrictInt, WithJsonSchema

from transforms.bucket_rules import Text, text_like, valid_prefix
from transforms.keys import MAX_KEY_BYTES, longest_key_bytes
from transforms.records import ManifestMode
from transforms.refusals import Refusal, Section, quote
from transforms.units import parse_size

_NAME: Final = "[a-z0-9][a-z0-9-]{0,62}"
_LEAST_OBJECT: Final = 2**20
_MOST_OBJECT: Final = 5 * 2**30  # S3 User Guide, "Uploading objects": the most of one put


def _destination_name(name: str) -> str:
    if not re.fullmatch(_NAME, name):
        raise ValueError(
            f"{quote(name)} is no destination's name: it has 1 to 63 lower-case letters, digits "
            "and hyphens and starts with a letter or a digit, since it is part of every key"
        )
    return name


def _as_tuple(value: object) -> object:
    return (value,) if isinstance(value, str) else value


def _once_each(values: tuple[str, ...]) -> tuple[str, ...]:
    if not values:
        raise ValueError("must not be empty")
    return tuple(dict.fromkeys(values))


def _as_bytes(value: object) -> object:
    return parse_size(value) if isinstance(value, str) else value


def _object_size(size: int) -> int:
    if not _LEAST_OBJECT <= size <= _MOST_OBJECT:
        raise ValueError(f"{size} bytes is out of bounds: from 1MiB to 5GiB, the most of one put")
    return size


_TEXTS: Final = {"type": "array", "items": {"type": "string"}, "minItems": 1}
_SIZE: Final = {"type": "integer", "minimum": _LEAST_OBJECT, "maximum": _MOST_OBJECT}
_SIZE_TEXT: Final = {"type": "string", "pattern": r"^\d+ ?([kKMG]?B|[KMG]iB)?$"}

DestinationName = Annotated[str, AfterValidator(_destination_name), text_like(_NAME)]
Prefix = Annotated[str, AfterValidator(valid_prefix)]
OneOrMore = Annotated[
    tuple[Text, ...],
    BeforeValidator(_as_tuple),
    AfterValidator(_once_each),
    WithJsonSchema({"anyOf": [{"type": "string"}, _TEXTS]}),
]
ObjectSize = Annotated[
    StrictInt,
    BeforeValidator(_as_bytes),
    AfterValidator(_object_size),
    WithJsonSchema({"anyOf": [_SIZE, _SIZE_TEXT]}),
]


class Match(Section):
    """Which events a destination gets: those that agree with every field given here."""

    write_key: OneOrMore = Field(
        description="The write keys of the customer's sources, one or a list. Required: without it "
        "a destination would get every customer's events.",
        examples=[["wk_acme_web", "wk_acme_ios"]],
    )
    type: OneOrMore | None = Field(
        None,
        description="The types of event to deliver, one or a list. Without it: all.",
        examples=[["track", "page"]],
    )
    event: OneOrMore | None = Field(
        None,
        description="The names of `track` events to deliver, one or a list. Without it: all, of "
        "every type; with it only events that have one of these names.",
        examples=["Order Completed"],
    )


class Destination(Section):
    """A named stream of events into one connection under one path prefix."""

    name: DestinationName = Field(
        description="Part of every object key. Unique among the destinations.",
        examples=["acme-web"],
    )
    connection: Text = Field(
        description="The name of the connection whose bucket the events go to.",
        examples=["acme-events"],
    )
    prefix: Prefix = Field(
        "",
        description="The folder in the bucket, without a `/` at its start; one at its end makes no "
        "difference. No key may grow longer than 1,024 bytes. Empty: the bucket's top.",
        examples=["Astronomer-logs"],
    )
    match: Match = Field(
        description="Which events it gets.", examples=[{"write_key": "wk_acme_web"}]
    )
    enabled: StrictBool = Field(
        default=True,
        description="Whether it gets anything. `false` leaves it in the file and delivers nothing.",
        examples=[False],
    )
    shards: StrictInt = Field(
        1,
        ge=1,
        le=99_999,
        description="How many objects a window's events are spread over, so that a large "
        "customer's are packed and put in parallel.",
        examples=[4],
    )
    compression: Literal["gzip", "none", "zstd"] = Field(
        "gzip",
        description="How objects are compressed: one gzip member, one zstd frame, or not at all.",
        examples=["zstd"],
    )
    max_object_bytes: ObjectSize = Field(
        64 * 2**20,
        description="Where an object is cut into parts, in stored bytes: a number, or a size like "
        "`64MiB`; from 1 MiB to 5 GiB.",
        examples=["128MiB"],
    )
    layout: Literal["plain", "hive"] = Field(
        "plain",
        description="The folders of a key: `2026/11/20/10/`, or `date=2026-11-20/hour=10/` for "
        "Hive and Athena.",
        examples=["hive"],
    )

    manifest: ManifestMode = Field(
        "with_data",
        description="Whether each window's objects are listed in a manifest beside them, once the "
        "window has closed: `with_data` for windows with events, `off` for none, `always` also for "
        "windows without events, so that a quiet hour and a broken one differ: those between the "
        "first and the last of a bounded run; in a stream, by the wall clock, every window that "
        "begins after the job's start.",
        examples=["always"],
    )

    @classmethod
    def across(cls, fields: Mapping[str, Any]) -> Iterator[Refusal]:
        """The longest key must be one that S3 takes."""
        yield from long_keys(fields.get("prefix") or "", fields.get("name") or "")


def long_keys(prefix: str, name: str) -> Iterator[Refusal]:
    """Refuses a prefix under which a stream's keys could grow longer than S3 takes them."""
    longest = longest_key_bytes(prefix.removesuffix("/"), name)
    if longest > MAX_KEY_BYTES:
        yield Refusal(
            ("prefix",), f"makes keys of up to {longest} bytes; S3 takes at most {MAX_KEY_BYTES}"
        )
