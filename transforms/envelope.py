r"""The envelope: the few fields of an event that decide where it goes, read without the rest.

Three opinions, from the fastest to the most patient, since almost all events need only the first:
a typed decoder; one that takes the same fields whatever their type; and the standard library's
strict parser, which alone accepts what RFC 8259 allows and the others refuse (lone surrogate
escapes such as `"\ud83d"`, half an emoji that a client cut off, and numbers out of range).
"""

import contextlib
import datetime as dt
import json
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Final, NoReturn, cast

import msgspec

AwareTime = Annotated[dt.datetime, msgspec.Meta(tz=True)]  # RFC 3339 demands an offset

ENVELOPE_FIELDS: Final = frozenset({"writeKey", "type", "event", "integrations"})

_OPT_OUT: Final = "S3 Event Logs"


class Integrations(msgspec.Struct, frozen=True, gc=False):
    """The one switch of an event's `integrations` that is ours."""

    s3_event_logs: Any = msgspec.field(default=True, name=_OPT_OUT)


class Envelope(msgspec.Struct, frozen=True, gc=False):
    """What is read of an event; nothing else in it is looked at.

    Attributes:
        write_key: The sender's key; `None` where it is missing or no string.
        type: `track`, `page`, … or `None`.
        event: The name of a tracked event, or `None`.
        time: The first of the event-time fields that is an RFC 3339 time, or `None`.
        integrations: Where the event may opt out.
    """

    write_key: str | None = None
    type: str | None = None
    event: str | None = None
    time: AwareTime | None = None
    integrations: Integrations | None = None


def opts_out(integrations: Integrations) -> bool:
    """`integrations["S3 Event Logs"] === false`: nothing else counts as opting out."""
    return integrations.s3_event_logs is False


class EnvelopeDecoder:
    """Decodes envelopes; event time is the first usable one of the fields that it is given."""

    def __init__(self, time_fields: Sequence[str]) -> None:
        self._time_fields = tuple(time_fields)
        self.decode, *self._decode_by_later_fields = map(_typed_decoder, self._time_fields)
        """The first opinion: raises what `msgspec` raises for all that is not as expected."""
        untyped = msgspec.defstruct(
            "UntypedEnvelope",
            [
                (f"field_{index}", Any, msgspec.field(default=None, name=name))
                for index, name in enumerate(self._names())
            ],
        )
        self._untyped = msgspec.json.Decoder(untyped)

    def decode_patiently(self, line: bytes) -> Envelope:
        """The second and third opinion, for where the first gave none, or no time.

        Raises:
            ValueError: The line is not one JSON object by the grammar of RFC 8259.
            RecursionError: It nests too deeply for the parser.
        """
        try:
            with contextlib.suppress(msgspec.ValidationError):
                for decode in self._decode_by_later_fields:
                    if (envelope := decode(line)).time is not None:
                        return envelope
            fields = msgspec.structs.asdict(self._untyped.decode(line)).values()
        except msgspec.DecodeError as error:
            if _is_final(error, line):
                raise ValueError(str(error)) from None
            document = _parse_strictly(line)
            fields = [document.get(name) for name in self._names()]  # type: ignore[assignment]
        return self._envelope(dict(zip(self._names(), fields, strict=True)))

    def _names(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*sorted(ENVELOPE_FIELDS), *self._time_fields)))

    def _envelope(self, fields: dict[str, Any]) -> Envelope:
        integrations = fields["integrations"]
        opted_out = isinstance(integrations, dict) and integrations.get(_OPT_OUT) is False
        times = (_time(fields[name]) for name in self._time_fields)
        return Envelope(
            write_key=_string(fields["writeKey"]),
            type=_string(fields["type"]),
            event=_string(fields["event"]),
            time=next((time for time in times if time is not None), None),
            integrations=Integrations(s3_event_logs=False) if opted_out else None,
        )


def _typed_decoder(time_field: str) -> Callable[[bytes], Envelope]:
    names = {"write_key": "writeKey", "time": time_field}
    typed = msgspec.defstruct(
        "TypedEnvelope",
        [
            (name, kind, msgspec.field(default=None, name=names.get(name, name)))
            for name, kind in Envelope.__annotations__.items()
        ],
        # The names of its fields are the job's, so the class is made here; pickled it is plain.
        namespace={"__reduce__": lambda self: (Envelope, msgspec.structs.astuple(self))},
        frozen=True,
        gc=False,
    )
    return cast("Callable[[bytes], Envelope]", msgspec.json.Decoder(typed).decode)


def _string(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _time(value: object) -> dt.datetime | None:
    if not isinstance(value, str):
        return None
    try:
        return msgspec.convert(value, AwareTime)
    except (msgspec.ValidationError, UnicodeEncodeError):  # the second for a lone surrogate
        return None


def _is_final(error: msgspec.DecodeError, line: bytes) -> bool:
    """Whether the strict parser would refuse the line too.

    Of the grammar `msgspec` refuses nothing but lone surrogate escapes wrongly; a number that is
    out of range is no fault of grammar. To ask again is most of what a malformed line costs.
    """
    return not isinstance(error, msgspec.ValidationError) and b"\\u" not in line


def _parse_strictly(line: bytes) -> dict[str, Any]:
    document = _STRICT.decode(line.decode())
    if not isinstance(document, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004 - a wrong value, not a wrong call
    return document


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


# Integers stay text: of any length they are valid, and turning them into numbers has a limit.
_STRICT: Final = json.JSONDecoder(parse_constant=_refuse_constant, parse_int=str)
