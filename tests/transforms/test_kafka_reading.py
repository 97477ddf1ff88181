"""A reading over a fake of the client, which hands out a log in batches of any size."""

from collections.abc import Callable, Iterator
from typing import Final, cast

from apache_beam.runners.sdf_utils import RestrictionTrackerView, ThreadsafeRestrictionTracker
from confluent_kafka import TIMESTAMP_CREATE_TIME, Message
from hypothesis import given
from hypothesis import strategies as st

from transforms.kafka.consumers import PartitionReader, Place
from transforms.kafka.offsets import OffsetRange, OffsetTracker
from transforms.kafka.partitions import Partition
from transforms.kafka.reading import Pace, Reading
from transforms.kafka.settings import KafkaSettings
from transforms.kafka.watermark import LOWEST_SECONDS, PartitionWatermark, WatermarkState
from transforms.records import Block

SECOND: Final = 1000
LONG_AGO: Final = 1_600_000_000


class Log:
    """A partition whose last offsets may hold no records, and one who reads it."""

    def __init__(self, offsets: list[int], end: int, batches: list[int]) -> None:
        self.place = Place(KafkaSettings("b:1"), "t", 0)
        self.next = 0
        self._offsets = offsets
        self._end = end
        self._batches = batches
        self.drained = True

    def read(self, most: int, seconds: float) -> list[Message]:
        assert seconds < 1
        size = min(most, self._batches.pop(0)) if self._batches else most
        found = [offset for offset in self._offsets if offset >= self.next][:size]
        self.next = found[-1] + 1 if len(found) == size else self._end
        stamps = [(TIMESTAMP_CREATE_TIME, (LONG_AGO + offset) * SECOND) for offset in found]
        return [
            Message("t", 0, offset, value=b"%d" % offset, timestamp=stamp)
            for offset, stamp in zip(found, stamps, strict=True)
        ]

    def at_end(self) -> bool:
        return self.next == self._end

    def is_drained(self) -> bool:
        return self.drained


class Run:
    """Readings, each resumed from what the last one left."""

    def __init__(self, log: Log, pace: Pace, stop: int | None = None) -> None:
        self.log = log
        self.pace = pace
        self.left: OffsetRange | None = OffsetRange(0, stop)
        self.state = WatermarkState()

    def resume(
        self, during: Callable[[ThreadsafeRestrictionTracker], object] | None = None
    ) -> Iterator[Block]:
        assert self.left is not None
        tracker = ThreadsafeRestrictionTracker(OffsetTracker(self.left))
        watermark = PartitionWatermark(self.state)
        self.log.next = self.left.start
        reading = Reading(
            Partition("t", 0, 0, run="run00000", found=LONG_AGO),
            self.pace,
            cast("PartitionReader", self.log),
            cast("OffsetTracker", RestrictionTrackerView(tracker)),
            watermark,
        )
        for block in reading.blocks():
            yield block
            if during is not None:
                during(tracker)
        assert tracker.check_done()
        status = tracker.deferred_status()
        self.left = status and status[0]
        self.state = watermark.get_estimator_state()


def positions(blocks: list[Block]) -> list[int]:
    return [position for block in blocks for position in block.record_positions()]


@given(
    gaps=st.lists(st.integers(1, 5), max_size=40),
    batches=st.lists(st.integers(1, 9), max_size=40),
    checkpoint_records=st.integers(1, 20),
    trailing=st.integers(0, 3),
)
def test_however_a_range_is_cut_by_checkpoints_its_records_and_starts_are_the_same(
    gaps: list[int], batches: list[int], checkpoint_records: int, trailing: int
) -> None:
    offsets = [sum(gaps[: at + 1]) for at in range(len(gaps))]
    stop = max(offsets, default=-1) + 1 + trailing
    pace = Pace(block_records=10, checkpoint_records=checkpoint_records)
    run = Run(Log(offsets, stop, batches), pace, stop)
    blocks: list[Block] = []
    while run.left is not None:
        blocks += run.resume()
    assert positions(blocks) == offsets
    assert all(
        {position // 10 * 10 for position in block.record_positions()} == {block.start}
        for block in blocks
    )
    assert run.state == WatermarkState()  # windows of a bounded run close at its end
    assert {block.watermark for block in blocks} <= {None}


@given(batches=st.lists(st.integers(1, 9), max_size=20), checkpoint_records=st.integers(1, 20))
def test_a_streams_blocks_are_told_a_watermark_that_never_goes_back_nor_passes_what_was_told(
    batches: list[int], checkpoint_records: int
) -> None:
    run = Run(Log([*range(50)], 50, batches), Pace(10, checkpoint_records=checkpoint_records))
    told = [LOWEST_SECONDS]
    while run.left is not None and run.left.start < 50:
        known = run.state.millis
        for block in run.resume():
            assert block.watermark == (LOWEST_SECONDS if known is None else known // SECOND)
            assert block.found == LONG_AGO  # for as long as no watermark is known
            told.append(block.watermark)
    assert told == sorted(told)


def test_a_stream_that_is_not_drained_holds_its_watermark() -> None:
    log = Log([0, 1], 2, [])
    log.drained = False
    run = Run(log, Pace())
    assert positions([*run.resume()]) == [0, 1]
    assert run.state.millis == (LONG_AGO + 1 - 10) * SECOND


def test_records_are_left_for_the_next_reading_where_the_runner_asks_for_a_checkpoint() -> None:
    run = Run(Log([*range(30)], 30, [10] * 9), Pace(block_records=10))
    residuals: list[OffsetRange] = []

    def checkpoint(tracker: ThreadsafeRestrictionTracker) -> None:
        if not residuals:
            residuals.append(tracker.try_split(0)[1])

    assert positions([*run.resume(checkpoint)]) == [*range(10)]
    assert residuals == [OffsetRange(10)]
    assert run.left is None


def test_a_range_whose_end_was_compacted_away_ends() -> None:
    run = Run(Log([0, 1, 20], 21, []), Pace(), stop=10)
    assert positions([*run.resume()]) == [0, 1]
    assert run.left is None
