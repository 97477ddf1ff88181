"""parse: block → events with their envelopes, and dead letters for what is no event.

Only the envelope is decoded; an event's bytes are left as they are. A record is an event when it is
one JSON object by the grammar of RFC 8259, in valid UTF-8, within the limits of size and depth.
"""

import itertools
import re
from collections.abc import Iterator, Sequence
from typing import Final

import apache_beam as beam
import msgspec

from transforms.coders import BundleCoder
from transforms.dead_letters import Fault, dead_letters
from transforms.envelope import Envelope, EnvelopeDecoder
from transforms.first_look import MAX_DEPTH, first_look
from transforms.progress import counters
from transforms.records import Block, DeadLetter

STAGE: Final = "parse"

DEFAULT_MAX_EVENT_BYTES: Final = 2**20
DEFAULT_TIME_FIELDS: Final = ("receivedAt", "timestamp")

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_SPACE: Final = b" \t\r\n"
_STRING: Final = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_NO_BRACKETS: Final = bytes(set(range(256)).difference(b"{}[]"))
_TOMBSTONE: Final = "tombstone", "a record without a value"
_EMPTY: Final = "empty", "a value of no bytes, or of nothing but white space"
_LINE_BREAKS: Final = bytes.maketrans(b"\r\n", b"  ")


class Parsed(msgspec.Struct, frozen=True):
    """A block's events, one envelope each, and what else was in the block.

    `events`, `indices` and `envelopes` run side by side; an index is the record's in the block.
    """

    block: Block
    events: list[bytes]
    indices: Sequence[int]
    envelopes: list[Envelope]
    blank: int
    dead_letters: list[DeadLetter]

    @property
    def size_bytes(self) -> int:
        """The block's size; events and envelopes are of the same bytes."""
        return self.block.size_bytes


beam.coders.registry.register_coder(Parsed, BundleCoder)


def parse(block: Block, decoder: EnvelopeDecoder, max_event_bytes: int) -> Parsed:
    """Tells a block's events from its blank lines and its dead letters, in the block's order."""
    lines = block.lines
    envelopes, suspects, has_breaks = first_look(lines, decoder, max_event_bytes)
    indices: Sequence[int] = range(len(lines))
    faults: dict[int, Fault] = {}
    blanks: set[int] = set()
    if suspects:
        lines = lines.copy()
        for index in suspects:
            try:
                found = _second_look(lines[index], decoder, max_event_bytes)
                lines[index], envelopes[index] = found
            except _NotAnEventError as error:  # noqa: PERF203 - suspects are few
                faults[index] = error.reason, error.detail
            except _BlankError:
                if block.tombstones is None:
                    blanks.add(index)
                else:
                    faults[index] = _TOMBSTONE if index in block.tombstones else _EMPTY
        indices = [i for i in indices if i not in faults and i not in blanks]
        lines = [lines[i] for i in indices]
        envelopes = [envelopes[i] for i in indices]
    if has_breaks:
        lines = [*map(_on_one_line, lines)]
    letters = dead_letters(block, STAGE, faults)
    return Parsed(block, lines, indices, envelopes, len(blanks), letters)


class Parse(beam.PTransform):
    """Blocks → `Parsed`."""

    def __init__(
        self,
        time_fields: Sequence[str] = DEFAULT_TIME_FIELDS,
        max_event_bytes: int = DEFAULT_MAX_EVENT_BYTES,
    ) -> None:
        super().__init__()
        self._time_fields = tuple(time_fields)
        self._max_event_bytes = max_event_bytes

    def expand(self, blocks: beam.PCollection[Block]) -> beam.PCollection[Parsed]:
        """Applies `parse` to each block."""
        return blocks | beam.ParDo(_ParseBlock(self._time_fields, self._max_event_bytes))


class _ParseBlock(beam.DoFn):
    def __init__(self, time_fields: tuple[str, ...], max_event_bytes: int) -> None:
        self._time_fields = time_fields
        self._max_event_bytes = max_event_bytes

    def setup(self) -> None:
        self._decoder = EnvelopeDecoder(self._time_fields)

    def process(self, block: Block) -> Iterator[Parsed]:
        parsed = parse(block, self._decoder, self._max_event_bytes)
        counters.events += len(parsed.events)
        yield parsed


class _NotAnEventError(Exception):
    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


class _BlankError(Exception):
    pass


def _on_one_line(value: bytes) -> bytes:
    """An event that came without line framing: its line breaks can only be white space in it.

    One that could be a line as it is keeps all of its bytes.
    """
    return value.strip(_SPACE).translate(_LINE_BREAKS) if b"\n" in value else value


def _second_look(
    line: bytes, decoder: EnvelopeDecoder, max_event_bytes: int
) -> tuple[bytes, Envelope]:
    """Judges a line without haste.

    Returns:
        The event, without a carriage return or a byte-order mark around it, and its envelope.
    """
    event = line.removesuffix(b"\r").removeprefix(_BYTE_ORDER_MARK)
    if not event.strip(_SPACE):
        raise _BlankError
    if len(event) > max_event_bytes:
        raise _NotAnEventError(
            "oversized", f"{len(event)} bytes; max_event_bytes is {max_event_bytes}"
        )
    try:
        event.decode()
        if event.count(b"{") + event.count(b"[") > MAX_DEPTH and _depth(event) > MAX_DEPTH:
            raise _NotAnEventError("too_deep", f"nested deeper than {MAX_DEPTH} levels")
        return event, decoder.decode_patiently(event)
    except UnicodeDecodeError as error:
        raise _NotAnEventError("malformed", f"invalid UTF-8 at byte {error.start}") from None
    except RecursionError:
        raise _NotAnEventError("too_deep", "nested deeper than the parser can follow") from None
    except ValueError as error:
        raise _NotAnEventError("malformed", str(error)) from None


def _depth(line: bytes) -> int:
    brackets = _STRING.sub(b"", line).translate(None, _NO_BRACKETS)
    steps = (1 if byte in b"{[" else -1 for byte in brackets)
    return max(itertools.accumulate(steps), default=0)
