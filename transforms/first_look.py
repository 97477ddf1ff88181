"""The first look at a block's lines: nearly all of them are plain events, and need no other.

Lines are looked at some at a time: what holds for many at once is asked once, while they are in a
processor's nearest cache, and a block is larger than that.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec

from transforms.envelope import Envelope, EnvelopeDecoder
from transforms.utf8 import is_utf8

MAX_DEPTH: Final = 512
"""How deeply an event may nest. Parsers differ in where they give up, and on how full the stack is;
a limit of our own makes the same event the same case everywhere."""

_AT_A_TIME: Final = 128
_CARRIAGE_RETURN: Final = ord("\r")
_NOT_DECODED: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class FirstLook(NamedTuple):
    """What was found.

    Attributes:
        envelopes: One for each line; an empty one where there is none yet.
        suspects: The indices of the lines that need a second look, rising: they do not decode or
            are no UTF-8, have no time at first sight, end in a carriage return, or may be too long
            or too deep.
        has_breaks: Whether a line feed is in any of the lines.
    """

    envelopes: list[Envelope]
    suspects: list[int]
    has_breaks: bool


def first_look(lines: Sequence[bytes], decoder: EnvelopeDecoder, max_event_bytes: int) -> FirstLook:
    """Decodes what is plain, and finds what needs a second look."""
    short = min(2 * MAX_DEPTH, max_event_bytes)  # so many brackets need two bytes each
    envelopes: list[Envelope] = []
    suspects: list[int] = []
    has_breaks = False
    for start in range(0, len(lines), _AT_A_TIME):
        some = lines[start : start + _AT_A_TIME]
        joined = b"\n".join(some)
        found = _decoded(some, decoder)
        plain = b"\r" not in joined and is_utf8(joined)
        suspects += [
            index
            for index, (line, envelope) in enumerate(zip(some, found, strict=True), start)
            if envelope.time is None
            or (len(line) > short and _may_exceed(line, max_event_bytes))
            or not (plain or _is_plain(line))
        ]
        envelopes += found
        has_breaks = has_breaks or joined.count(b"\n") >= len(some)
    return FirstLook(envelopes, suspects, has_breaks)


def _decoded(lines: Sequence[bytes], decoder: EnvelopeDecoder) -> list[Envelope]:
    try:
        return [*map(decoder.decode, lines)]
    except _NOT_DECODED:
        return [_decoded_alone(line, decoder) for line in lines]


def _decoded_alone(line: bytes, decoder: EnvelopeDecoder) -> Envelope:
    try:
        return decoder.decode(line)
    except _NOT_DECODED:
        return _NO_ENVELOPE


def _is_plain(line: bytes) -> bool:
    return line[-1] != _CARRIAGE_RETURN and is_utf8(line)


def _may_exceed(line: bytes, max_event_bytes: int) -> bool:
    """Whether it may be too long or too deep; objects are only counted where they can be too many.

    An array takes two bytes, and an object that holds another level five: braces, a name and a
    colon.
    """
    if len(line) > max_event_bytes:
        return True
    arrays = line.count(b"[")
    return len(line) > 5 * MAX_DEPTH - 3 * arrays and arrays + line.count(b"{") > MAX_DEPTH


_NO_ENVELOPE: Final = Envelope()
