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
from transforms.progress import counters
from transforms.records import Block, DeadLetter

STAGE: Final = "parse"

MAX_DEPTH: Final = 512
"""How deeply an event may nest. Parsers differ in where they give up, and on how full the stack is;
a limit of our own makes the same event the same case everywhere."""

DEFAULT_MAX_EVENT_BYTES: Final = 2**20
DEFAULT_TIME_FIELDS: Final = ("receivedAt", "timestamp")

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_SPACE: Final = b" \t\r\n"
_STRING: Final = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
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
    lines = _unframed(block)
    faults = dict(_refused(lines, max_event_bytes))
    envelopes, failures = _decode_all(lines, decoder)
    blanks: set[int] = set()
    for index in failures:
        if index not in faults:
            try:
                lines[index], envelopes[index] = _decode_patiently(lines[index], decoder)
            except _NotAnEventError as error:
                faults[index] = error.reason, error.detail
            except _BlankError:
                blanks.add(index)
    kept: Sequence[int] = range(len(lines))
    if faults or blanks:
        kept = [i for i in kept if i not in faults and i not in blanks]
        lines = [lines[i] for i in kept]
        envelopes = [envelopes[i] for i in kept]
    letters = dead_letters(block, STAGE, faults)
    return Parsed(block, lines, kept, envelopes, len(blanks), letters)


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


def _unframed(block: Block) -> list[bytes]:
    """The records without what belongs to their framing: a CR before the LF, breaks in a value."""
    if block.positions is not None:
        return [line.strip(_SPACE).translate(_LINE_BREAKS) for line in block.lines]
    # Most files hold no CR at all, and to look for one costs less than to strip each line.
    return [line[:-1] if line.endswith(b"\r") else line for line in block.lines]


def _refused(lines: Sequence[bytes], max_event_bytes: int) -> Iterator[tuple[int, Fault]]:
    """Faults that a look at a line's bytes finds, whatever the decoder makes of it."""
    # Most lines are short and ASCII, and neither too long, nor too deep, nor invalid UTF-8.
    short = min(2 * MAX_DEPTH, max_event_bytes)  # so many brackets need two bytes each
    for index, line in enumerate(lines):
        if len(line) > short or not line.isascii():
            fault = _fault(line, max_event_bytes)
            if fault is not None:
                yield index, fault


def _fault(line: bytes, max_event_bytes: int) -> Fault | None:
    if len(line) > max_event_bytes:
        return "oversized", f"{len(line)} bytes; max_event_bytes is {max_event_bytes}"
    try:
        if not line.isascii():
            line.decode()
    except UnicodeDecodeError as error:
        return "malformed", f"invalid UTF-8 at byte {error.start}"
    if line.count(b"{") + line.count(b"[") > MAX_DEPTH and _depth(line) > MAX_DEPTH:
        return "too_deep", f"nested deeper than {MAX_DEPTH} levels"
    return None


def _depth(line: bytes) -> int:
    steps = ((byte in b"{[") - (byte in b"}]") for byte in _STRING.sub(b"", line))
    return max(itertools.accumulate(steps), default=0)


def _decode_all(
    lines: Sequence[bytes], decoder: EnvelopeDecoder
) -> tuple[list[Envelope], list[int]]:
    """The first opinion on all lines; those that need another hold a place with an empty envelope.

    A `map` goes on after the item that raised, and `extend` keeps what came before it: a block
    without faults is one call, and a fault costs no more than itself.
    """
    envelopes: list[Envelope] = []
    failures: list[int] = []
    pending = map(decoder.decode, lines)
    while len(envelopes) < len(lines):
        try:
            envelopes.extend(pending)
        except (msgspec.DecodeError, RecursionError):  # noqa: PERF203 - a turn is a fault
            failures.append(len(envelopes))
            envelopes.append(_NO_ENVELOPE)
    failures += [i for i, envelope in enumerate(envelopes) if envelope.time is None]
    return envelopes, sorted(set(failures)) if failures else failures


_NO_ENVELOPE: Final = Envelope()


def _decode_patiently(line: bytes, decoder: EnvelopeDecoder) -> tuple[bytes, Envelope]:
    if not line.strip(_SPACE):
        raise _BlankError
    line = line.removeprefix(_BYTE_ORDER_MARK)
    try:
        return line, decoder.decode_patiently(line)
    except RecursionError:
        raise _NotAnEventError("too_deep", "nested deeper than the parser can follow") from None
    except ValueError as error:
        raise _NotAnEventError("malformed", str(error)) from None
