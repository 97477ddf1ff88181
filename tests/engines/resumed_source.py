"""A partition's source without a runner: what resumes it stands for one."""

import time
from typing import NamedTuple

from apache_beam.runners.sdf_utils import (
    RestrictionTrackerView,
    ThreadsafeRestrictionTracker,
    ThreadsafeWatermarkEstimator,
)

from examples.engines.kafka_broker import KafkaBroker
from transforms.kafka.consumers import MissingOffsets
from transforms.kafka.offsets import OffsetRange, OffsetTracker
from transforms.kafka.partitions import Partition, list_partitions
from transforms.kafka.reading import Pace
from transforms.kafka.settings import KafkaSettings
from transforms.kafka.source import ReadPartition, ReadPartitionForEver
from transforms.kafka.watermark import PartitionWatermark, WatermarkState
from transforms.records import Block

PACE = Pace(block_records=100)


class Left(NamedTuple):
    """What a runner keeps between two readings."""

    offsets: OffsetRange
    state: WatermarkState
    delay_seconds: float = 0.0


class Source:
    """A partition's source, resumed as a runner would."""

    def __init__(
        self,
        settings: KafkaSettings,
        partition: Partition,
        pace: Pace = PACE,
        missing: MissingOffsets = "fail",
    ) -> None:
        self.partition = partition
        reads = ReadPartitionForEver if partition.stop is None else ReadPartition
        self._reads = reads(settings, missing, pace)
        self.left: Left | None = Left(
            OffsetRange(partition.start, partition.stop), WatermarkState()
        )

    def resume(self) -> list[Block]:
        """One reading, from what was left."""
        assert self.left is not None
        tracker = ThreadsafeRestrictionTracker(OffsetTracker(self.left.offsets))
        watermark = ThreadsafeWatermarkEstimator(PartitionWatermark(self.left.state))
        view = RestrictionTrackerView(tracker)
        blocks = [*self._reads.process(self.partition, view, watermark)]
        assert tracker.check_done()
        status = tracker.deferred_status()
        self.left = None
        if status is not None:
            offsets, delay = status
            self.left = Left(offsets, watermark.get_estimator_state(), delay.micros / 1e6)
        return blocks

    def until(self, records: int) -> list[Block]:
        """Readings until so many records have come."""
        blocks: list[Block] = []
        deadline = time.monotonic() + 30
        while sum(len(block.lines) for block in blocks) < records:
            assert time.monotonic() < deadline, f"{len(lines(blocks))} of {records} records"
            blocks += self.resume()
        return blocks


def lines(blocks: list[Block]) -> list[bytes]:
    """The records of blocks."""
    return [line for block in blocks for line in block.lines]


def produce(
    broker: KafkaBroker, topic: str, *values: bytes | None, partition: int = 0, at: int = 0
) -> None:
    """Produces values a second apart from a time on, in milliseconds; 0 is now."""
    producer = broker.producer()
    for number, value in enumerate(values):
        stamp = at + number * 1000 if at else 0
        producer.produce(topic, value, partition=partition, timestamp=stamp)
    assert producer.flush(30) == 0


def numbered(start: int, stop: int) -> list[bytes]:
    """Records that are told apart by a number."""
    return [b'{"n":%d}' % number for number in range(start, stop)]


def only(settings: KafkaSettings, topic: str, **bounds: object) -> Partition:
    """The one partition of a topic."""
    (partition,) = list_partitions(settings, [topic], **bounds)  # type: ignore[arg-type]
    return partition
