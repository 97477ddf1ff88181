"""Partitions as a topic gets them: those of the submission at once, new ones while the job runs.

One element for the whole run stands before the reading, and looks again every few minutes. What it
has given out lies in its restriction, and so in every checkpoint: a run that is resumed goes on
with the partitions that it has, and finds what came in the meantime.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from typing import Final

import apache_beam as beam
import msgspec
from apache_beam.io.iobase import RestrictionProgress, RestrictionTracker
from apache_beam.io.watermark_estimators import ManualWatermarkEstimator
from apache_beam.metrics import Metrics
from apache_beam.transforms.core import RestrictionProvider
from apache_beam.utils.timestamp import Duration, Timestamp

from transforms.coders import StructCoder
from transforms.kafka.errors import KafkaReadError
from transforms.kafka.partitions import Partition, list_partitions
from transforms.kafka.settings import KafkaSettings

REFRESH: Final = "topic.metadata.refresh.interval.ms"
"""The client's own setting for how often it looks for what is new."""

DEFAULT_REFRESH_MILLIS: Final = 300_000

# Far ahead, so that it holds up no window; not the end of time, after which nothing may come.
_FAR: Final = Timestamp(4_102_444_800)

_LOG: Final = logging.getLogger(__name__)

Lister = Callable[[KafkaSettings, Sequence[str]], Sequence[Partition]]


class Submitted(msgspec.Struct, frozen=True, array_like=True):
    """The one element: the partitions that the job was submitted with.

    It lies in savepoints: a field may be added at the end, with a default, and none taken away.
    """

    partitions: tuple[Partition, ...]

    @property
    def topics(self) -> tuple[str, ...]:
        """The topics that are read."""
        return tuple(dict.fromkeys(each.topic for each in self.partitions))


class Given(msgspec.Struct, frozen=True, array_like=True):
    """How many partitions of each topic were given out: a restriction in Beam's sense.

    It lies in savepoints: a field may be added at the end, with a default, and none taken away.
    """

    counts: tuple[tuple[str, int], ...] = ()

    def of(self, topic: str) -> int:
        """How many of one topic; partitions are numbered from 0, and none is ever taken away."""
        return dict(self.counts).get(topic, 0)


beam.coders.registry.register_coder(Submitted, StructCoder)


class GivenTracker(RestrictionTracker):
    """Knows which partitions were given out; there may always be more."""

    def __init__(self, given: Given) -> None:
        self._given = given
        self._ended = False

    def current_restriction(self) -> Given:
        """What was given out so far."""
        return self._given

    def try_claim(self, position: Given) -> bool:
        """Claims the partitions up to these counts."""
        if self._ended:
            return False
        self._given = position
        return True

    def try_split(self, fraction_of_remainder: float) -> tuple[Given, Given] | None:
        """Leaves the looking for more to another time; it cannot be shared."""
        if fraction_of_remainder != 0 or self._ended:
            return None
        self._ended = True
        return self._given, self._given

    def check_done(self) -> bool:
        """True.

        Raises:
            ValueError: Nobody will look for more.
        """
        if not self._ended:
            raise ValueError("new partitions are no longer looked for")
        return True

    def current_progress(self) -> RestrictionProgress:
        """There is always one more look to take."""
        return RestrictionProgress(completed=0, remaining=1)

    def is_bounded(self) -> bool:
        """Never."""
        return False


class GivenOfRun(RestrictionProvider):
    """What was given out, by topic."""

    def initial_restriction(self, element: Submitted) -> Given:  # noqa: ARG002 - Beam's signature
        """Nothing yet."""
        return Given()

    def create_tracker(self, restriction: Given) -> GivenTracker:
        """A tracker of what was given out."""
        return GivenTracker(restriction)

    def restriction_size(self, element: Submitted, restriction: Given) -> int:  # noqa: ARG002 - Beam's signature
        """One look."""
        return 1

    def restriction_coder(self) -> beam.coders.Coder:
        """As it lies in savepoints."""
        return StructCoder(Given)


def not_given(found: Sequence[Partition], given: Given) -> list[Partition]:
    """Of the partitions that are there, those that were not given out."""
    return [each for each in found if each.partition >= given.of(each.topic)]


def with_given(given: Given, new: Sequence[Partition]) -> Given:
    """What is given out when these are, too."""
    counts = dict(given.counts)
    for each in new:
        counts[each.topic] = max(counts.get(each.topic, 0), each.partition + 1)
    return Given(tuple(sorted(counts.items())))


def refresh_seconds(settings: KafkaSettings) -> float:
    """How often new partitions are looked for, by the client's own setting."""
    millis = dict(settings.properties).get(REFRESH, "")
    # Negative is for never, which is not for us: what is not read would be lost.
    return max(int(millis) if millis.isdigit() else DEFAULT_REFRESH_MILLIS, 1000) / 1000


_GIVEN: Final = beam.DoFn.RestrictionParam(GivenOfRun())
_WATERMARK: Final = beam.DoFn.WatermarkEstimatorParam(ManualWatermarkEstimator.default_provider())


class DiscoverPartitions(beam.DoFn):
    """The submitted partitions, then whatever the topics get, from its first record on.

    Args:
        settings: How to reach the cluster.
        lister: Asks it; for tests.
    """

    def __init__(self, settings: KafkaSettings, lister: Lister = list_partitions) -> None:
        self._settings = settings
        self._lister = lister

    @beam.DoFn.unbounded_per_element()
    def process(
        self,
        element: Submitted,
        tracker: GivenTracker = _GIVEN,
        watermark: ManualWatermarkEstimator = _WATERMARK,
    ) -> Iterator[Partition]:
        """One look; the next comes after a while."""
        given = tracker.current_restriction()
        new = self._new(element, given)
        if new and tracker.try_claim(with_given(given, new)):
            yield from new
        watermark.set_watermark(_FAR)
        tracker.defer_remainder(Duration(refresh_seconds(self._settings)))

    def _new(self, submitted: Submitted, given: Given) -> Sequence[Partition]:
        if not given.counts:
            return submitted.partitions
        try:
            found = not_given(self._lister(self._settings, submitted.topics), given)
        except KafkaReadError as error:
            _LOG.warning("new partitions cannot be looked for now: %s", error)
            return ()
        if found:
            names = ", ".join(f"{each.topic}/{each.partition}" for each in found)
            _LOG.warning("new partitions are read from their first record on: %s", names)
            Metrics.counter("kafka", "partitions_found").inc(len(found))
        run = submitted.partitions[0].run
        return [msgspec.structs.replace(each, run=run) for each in found]
