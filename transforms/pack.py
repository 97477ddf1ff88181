"""pack: a block's matched events → one deflated piece for each (target, window).

Each piece is deflated once, here, before the shuffle, which then moves a seventh of what was read.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import Final

import apache_beam as beam
from apache_beam.transforms.window import TimestampedValue
from apache_beam.typehints.decorators import no_annotations

from transforms.dead_letters import DeadLetters
from transforms.deflate import crc32, deflate
from transforms.fixed_windows import Windows
from transforms.records import Piece, Tally, Target, Window
from transforms.route import Routed
from transforms.span import EVERYTHING, Span, within
from transforms.spool import SpoolingDoFn
from transforms.targets import with_run, with_shard
from transforms.window import DEFAULT_LATENESS, Lateness, Placed, ops_time, place

PIECES: Final = "pieces"
TALLIES: Final = "tallies"
DEAD_LETTERS: Final = "dead_letters"

TargetedPiece = tuple[Target, Piece]


def make_piece(source: str, first: int, lines: Sequence[bytes]) -> Piece:
    """Packs lines, none of which holds a line feed, into a piece."""
    data = b"\n".join((*lines, b""))
    return Piece(source, first, len(lines), len(data), crc32(data), deflate(data))


def pack(placed: Placed, windows: Windows) -> Iterator[tuple[Target, Window, Piece]]:
    """Packs a block's events, each group in the block's order.

    Args:
        placed: The events with their matches, and the numbers of their windows.
        windows: The windows that the numbers are of.
    """
    routed, block = placed.routed, placed.routed.block
    groups: defaultdict[tuple[int, int], list[bytes]] = defaultdict(list)
    for event, number, match in zip(routed.events, placed.numbers, routed.matches, strict=True):
        for index in match:
            groups[index, number].append(event)
    for (index, number), lines in groups.items():
        # Of those that got something: there may be 10,000, and few of them in a block of a stream.
        target = with_run(routed.targets[index], block.run)
        target = with_shard(target, block.source, block.start)
        yield target, windows.window(number), make_piece(block.source, block.first, lines)


def tally(routed: Routed) -> Tally:
    """Counts what became of a block's records, whose matched events all have a window."""
    by_match = Counter(routed.matches)
    pairs: Counter[str] = Counter()
    for match, events in by_match.items():
        for index in match:
            pairs[routed.targets[index].destination] += events
    matched = len(routed.events)
    faults = Counter(letter.reason for letter in routed.dead_letters)
    return Tally(
        source=routed.block.source,
        first=routed.block.first,
        read=len(routed.block.lines) - routed.blank,  # as read, not as it should come out
        blank=routed.blank,
        matched=matched,
        unmatched=routed.unmatched,
        opted_out=routed.opted_out,
        dead_letters=dict(sorted(faults.items())),
        pairs=dict(sorted(pairs.items())),
        outside=routed.outside,
        run=routed.block.run,
    )


class Pack(beam.PTransform):
    """`Routed` → pieces by target, with a tally and the dead letters of each block beside them.

    Args:
        window_seconds: The windows' length.
        spool_folder: Where pieces wait on the local disk; `None` shuffles them whole.
        lateness: In a stream, what its events may deviate from its own times.
        span: Of a backfill, the times that it asks for.
    """

    def __init__(
        self,
        window_seconds: int,
        spool_folder: str | None = None,
        lateness: Lateness = DEFAULT_LATENESS,
        span: Span = EVERYTHING,
    ) -> None:
        super().__init__()
        self._block_packer = _PackBlock(window_seconds, lateness, span, spool_folder)

    @no_annotations  # Beam has no hint for several outputs
    def expand(self, routed: beam.PCollection[Routed]) -> beam.pvalue.DoOutputsTuple:
        """Gives `PIECES` (timestamped into their windows), `TALLIES` and `DEAD_LETTERS`."""
        packed = beam.ParDo(self._block_packer).with_output_types(TargetedPiece)
        outputs = routed | packed.with_outputs(TALLIES, DEAD_LETTERS, main=PIECES)
        outputs[DEAD_LETTERS].element_type = DeadLetters
        return outputs


class _PackBlock(SpoolingDoFn):
    def __init__(
        self,
        window_seconds: int,
        lateness: Lateness,
        span: Span,
        spool_folder: str | None,
    ) -> None:
        super().__init__(spool_folder)
        self._window_seconds = window_seconds
        self._lateness = lateness
        self._span = span

    def setup(self) -> None:
        super().setup()
        self._windows = Windows(self._window_seconds)

    def process(self, routed: Routed) -> Iterator[object]:
        placed = place(routed, self._windows, self._lateness)
        placed = within(placed, self._span, self._window_seconds)
        for target, window, piece in pack(placed, self._windows):
            yield TimestampedValue((target, self.keep(piece)), window.start)
        time = ops_time(routed.block, self._windows, self._lateness)
        counted = TimestampedValue(tally(placed.routed), time)
        yield beam.pvalue.TaggedOutput(TALLIES, counted)
        if letters := placed.routed.dead_letters:
            stamped = TimestampedValue(DeadLetters(letters), time)
            yield beam.pvalue.TaggedOutput(DEAD_LETTERS, stamped)
