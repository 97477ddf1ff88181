"""read, from Kafka: an element for each partition, resumed where it stopped, for ever or to an end.

A partition is read for about a second at a time, or until nothing is left; then the source
checkpoints itself and the runner resumes it. Its client goes on fetching meanwhile.
"""

from collections.abc import Iterator, Sequence
from typing import Final

import apache_beam as beam
import msgspec
from apache_beam.io.iobase import WatermarkEstimator
from apache_beam.transforms.core import RestrictionProvider, WatermarkEstimatorProvider

from transforms.coders import StructCoder
from transforms.kafka.consumers import MissingOffsets, Place
from transforms.kafka.discovery import DiscoverPartitions, Submitted
from transforms.kafka.offsets import OffsetRange, OffsetTracker
from transforms.kafka.partitions import Partition
from transforms.kafka.pool import readers
from transforms.kafka.reading import Pace, Reading
from transforms.kafka.settings import KafkaSettings
from transforms.kafka.watermark import PartitionWatermark, WatermarkState
from transforms.records import Block


class ReadKafka(beam.PTransform):
    """Partitions into blocks of their records.

    Args:
        settings: How to reach the brokers; no secret is in it.
        partitions: What `list_partitions` found; all with an end, or none.
        run: The run's id, carried by the elements: a run that is resumed keeps its own.
        missing: What happens where the next records are gone.
        pace: How partitions are read.
    """

    def __init__(
        self,
        settings: KafkaSettings,
        partitions: Sequence[Partition],
        run: str,
        missing: MissingOffsets = "fail",
        pace: Pace | None = None,
    ) -> None:
        """Nothing is read before the pipeline runs."""
        super().__init__()
        ends = {partition.stop is not None for partition in partitions}
        if len(ends) != 1:
            raise ValueError("partitions must be given, all with an end, or none")
        self._elements = [msgspec.structs.replace(each, run=run) for each in partitions]
        self._settings, self._missing, self._pace = settings, missing, pace or Pace()
        self._is_bounded = ends == {True}

    def expand(self, pbegin: beam.pvalue.PBegin) -> "beam.PCollection[Block]":
        """The partitions, each read by one worker at a time; of a stream, also those to come."""
        how = (self._settings, self._missing, self._pace)
        if self._is_bounded:
            found = pbegin | "Partitions" >> beam.Create(self._elements)
            return found | "Blocks" >> beam.ParDo(ReadPartition(*how)).with_output_types(Block)
        found = (
            pbegin
            | "Run" >> beam.Create([Submitted(tuple(self._elements))])
            | "Partitions"
            >> beam.ParDo(DiscoverPartitions(self._settings)).with_output_types(Partition)
        )
        return found | "Blocks" >> beam.ParDo(ReadPartitionForEver(*how)).with_output_types(Block)


class OffsetsOfPartition(RestrictionProvider):
    """The offsets of a partition are one restriction, however many they are."""

    def initial_restriction(self, element: Partition) -> OffsetRange:
        """All that is to be read."""
        return OffsetRange(element.start, element.stop)

    def create_tracker(self, restriction: OffsetRange) -> OffsetTracker:
        """A tracker of what of them is read."""
        return OffsetTracker(restriction)

    def restriction_size(self, element: Partition, restriction: OffsetRange) -> int:  # noqa: ARG002 - Beam's signature
        """How many offsets there are; 1 where there is no end."""
        return restriction.length

    def restriction_coder(self) -> beam.coders.Coder:
        """As it lies in savepoints."""
        return StructCoder(OffsetRange)


class WatermarkOfPartition(WatermarkEstimatorProvider):
    """A watermark for each partition."""

    def initial_estimator_state(self, element: Partition, restriction: OffsetRange) -> object:  # noqa: ARG002 - Beam's signature
        """Nothing is known."""
        return WatermarkState()

    def create_watermark_estimator(self, estimator_state: WatermarkState) -> WatermarkEstimator:
        """The watermark where the last reading left it."""
        return PartitionWatermark(estimator_state)

    def estimator_state_coder(self) -> beam.coders.Coder:
        """As it lies in savepoints."""
        return StructCoder(WatermarkState)


_OFFSETS: Final = beam.DoFn.RestrictionParam(OffsetsOfPartition())
_WATERMARK: Final = beam.DoFn.WatermarkEstimatorParam(WatermarkOfPartition())


class ReadPartition(beam.DoFn):
    """Reads a partition to an end."""

    def __init__(self, settings: KafkaSettings, missing: MissingOffsets, pace: Pace) -> None:
        self._settings = settings
        self._missing = missing
        self._pace = pace

    def process(
        self,
        element: Partition,
        tracker: OffsetTracker = _OFFSETS,
        watermark: PartitionWatermark = _WATERMARK,
    ) -> Iterator[Block]:
        """A second or so of it, resumed where the last one ended."""
        offsets = tracker.current_restriction()
        if offsets.start == offsets.stop:
            return
        place = Place(self._settings, element.topic, element.partition, self._missing)
        with readers.reader(place, offsets.start) as reader:
            if offsets.stop is None:
                reader.commit(offsets.start)
            yield from Reading(element, self._pace, reader, tracker, watermark).blocks()


class ReadPartitionForEver(ReadPartition):
    """Reads a partition that has no end."""

    @beam.DoFn.unbounded_per_element()
    def process(
        self,
        element: Partition,
        tracker: OffsetTracker = _OFFSETS,
        watermark: PartitionWatermark = _WATERMARK,
    ) -> Iterator[Block]:
        """A second or so of it, resumed where the last one ended."""
        yield from super().process(element, tracker, watermark)
