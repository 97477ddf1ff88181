"""One reading of a partition: what is done between a resume and the next checkpoint."""

import bisect
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import msgspec
from apache_beam.utils.timestamp import Duration

from transforms.kafka.blocks import (
    DEFAULT_BLOCK_RECORDS,
    BlockCutter,
    Common,
    Records,
    records_of,
)
from transforms.kafka.consumers import PartitionReader
from transforms.kafka.offsets import OffsetTracker
from transforms.kafka.partitions import Partition
from transforms.kafka.watermark import PartitionWatermark, watermark_of_records
from transforms.read import DEFAULT_BLOCK_BYTES
from transforms.records import Block

DEFAULT_MAX_OUT_OF_ORDERNESS_SECONDS: Final = 10

_FETCH_RECORDS: Final = 1024
_FETCH_SECONDS: Final = 0.1


class Pace(msgspec.Struct, frozen=True):
    """How a partition is read.

    Attributes:
        block_records: N: a block holds records of offsets within [k·N, (k+1)·N).
        block_bytes: A longer block is several.
        max_out_of_orderness_seconds: How much older than one before it a record may be, and not be
            late.
        checkpoint_seconds: How long it is read before the source checkpoints itself.
        checkpoint_records: About how many records it reads at most by then.
        pause_seconds: How long a partition rests that was read to its end. Flink takes off what
            passes meanwhile, and cuts it to whole seconds: of a second nothing would be left.
    """

    block_records: int = DEFAULT_BLOCK_RECORDS
    block_bytes: int = DEFAULT_BLOCK_BYTES
    max_out_of_orderness_seconds: int = DEFAULT_MAX_OUT_OF_ORDERNESS_SECONDS
    checkpoint_seconds: float = 1.0
    checkpoint_records: int = 65_536
    pause_seconds: float = 1.25


class Reading:
    """One reading of a partition, from a resume to the next checkpoint.

    Args:
        partition: What is read.
        pace: How.
        reader: What it is read from; stands at the start of the tracker's offsets.
        tracker: What is claimed before it is given out.
        watermark: What is told after it was.
    """

    def __init__(
        self,
        partition: Partition,
        pace: Pace,
        reader: PartitionReader,
        tracker: OffsetTracker,
        watermark: PartitionWatermark,
    ) -> None:
        self._pace = pace
        self._reader = reader
        self._tracker = tracker
        self._watermark = watermark
        offsets = tracker.current_restriction()
        self._stop = offsets.stop
        self._unclaimed = offsets.start
        self._refused = False
        common = Common(
            reader.place.name,
            partition.run,
            watermark.before_seconds() if self._stop is None else None,
            partition.found,
        )
        self._cutter = BlockCutter(common, pace.block_records, pace.block_bytes)

    def blocks(self) -> Iterator[Block]:
        """What is read; then the rest, if there is one, is left for the next reading."""
        for records in self._read():
            yield from self._give(self._cutter.add(records))
        yield from self._give(self._cutter.rest())
        reached = self._reader.next if self._stop is None else min(self._reader.next, self._stop)
        if reached > self._unclaimed and not self._refused:  # offsets without records
            self._claim(reached - 1)
        paused = self._reader.at_end()
        if paused and self._stop is None:
            asked = _now_millis()
            if self._reader.is_drained():
                self._watermark.advance(asked - self._out_of_order_millis)
        self._tracker.defer_remainder(Duration(self._pace.pause_seconds) if paused else None)

    def _read(self) -> Iterator[Records]:
        until = time.monotonic() + self._pace.checkpoint_seconds
        left = self._pace.checkpoint_records
        ended = False
        while not ended:
            messages = self._reader.read(min(left, _FETCH_RECORDS), _FETCH_SECONDS)
            left -= len(messages)
            if messages and (records := self._before_stop(records_of(messages))).offsets:
                yield records
            ended = (
                left <= 0
                or self._refused
                or self._reader.at_end()
                or time.monotonic() >= until
                or (self._stop is not None and self._reader.next >= self._stop)
            )

    def _before_stop(self, records: Records) -> Records:
        if self._stop is None or records.offsets[-1] < self._stop:
            return records
        return records.part(0, bisect.bisect_left(records.offsets, self._stop))

    def _give(self, cut: Iterable[Records]) -> Iterator[Block]:
        for records in cut:
            if not self._refused and self._claim(records.offsets[-1]):
                yield self._cutter.block(records)
                # Told before, the block itself could be late.
                self._advance(records.times)

    def _claim(self, offset: int) -> bool:
        if not self._tracker.try_claim(offset):
            self._refused = True  # the runner has given what follows to another reading
            return False
        self._unclaimed = offset + 1
        return True

    def _advance(self, times: Sequence[int]) -> None:
        """Moves the watermark, but for a bounded run, which waits for all of its input.

        Its windows have one pane each then, the same on every replay.
        """
        if self._stop is None:
            now, out_of_order = _now_millis(), self._out_of_order_millis
            self._watermark.advance(watermark_of_records(times, now, out_of_order))

    @property
    def _out_of_order_millis(self) -> int:
        return self._pace.max_out_of_orderness_seconds * 1000


def _now_millis() -> int:
    return time.time_ns() // 1_000_000
