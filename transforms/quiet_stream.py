"""quiet, in a stream: an element for the whole run, which speaks up when a window begins.

A stream has no last window, and where nothing is read nothing would ever ask for a manifest. So a
source of its own follows the wall clock. The clock decides only which windows are spoken of: what
their manifests say, and their keys, are the windows' own, and a replay puts the same again.
"""

import math
import time
from collections.abc import Callable, Iterator
from typing import Final

import apache_beam as beam
import msgspec
from apache_beam.io.watermark_estimators import ManualWatermarkEstimator
from apache_beam.transforms.core import RestrictionProvider
from apache_beam.transforms.window import TimestampedValue
from apache_beam.utils.timestamp import Duration, Timestamp

from transforms.coders import StructCoder
from transforms.edition import Editions
from transforms.kafka.offsets import OffsetRange, OffsetTracker
from transforms.quiet import quiet
from transforms.receipts import TargetedReceipt
from transforms.targets import with_run

MOST_AT_ONCE: Final = 10_000
"""About how many receipts a bundle holds where the job was down for long."""


class QuietFrom(msgspec.Struct, frozen=True, array_like=True):
    """The one element: a run, and the second of its submission.

    It lies in savepoints: a field may be added at the end, with a default, and none taken away.
    """

    run: str
    start: int


beam.coders.registry.register_coder(QuietFrom, StructCoder)


def begun(start: int, seconds: int, now: float, most: int) -> range:
    """The numbers of the windows that have begun since a second, `most` of them at the most.

    A window that had begun before then is not among them: nobody knows what was missed of it.
    """
    first = math.ceil(start / seconds)
    return range(first, max(first, min(int(now // seconds) + 1, first + most)))


def pause(until: int, now: float) -> Duration | None:
    """How long to rest until a second comes; `None` where it has come.

    Flink cuts it to whole seconds, and Beam takes off before what passes meanwhile: without a
    second more, the source would be resumed too early again and again.
    """
    return Duration(math.ceil(until - now) + 1) if until > now else None


class QuietStream(beam.PTransform):
    """For each destination that wants it, every window from the job's submission on, as it begins.

    The windows are those that begin after the submission; a job that was down makes up for them.

    Args:
        editions: The configuration that is in force: which destinations want it.
        run: The run's id, carried by the element: a run that is resumed keeps its own.
        window_seconds: The windows' length.
    """

    def __init__(self, editions: Editions, run: str, window_seconds: int) -> None:
        super().__init__()
        self._element = QuietFrom(run, math.ceil(time.time()))
        self._windows = BeginWindows(editions, window_seconds)

    def expand(self, pbegin: beam.pvalue.PBegin) -> beam.PCollection[TargetedReceipt]:
        """One element, whose windows one worker follows at a time."""
        return (
            pbegin
            | "Run" >> beam.Create([self._element])
            | "Windows" >> beam.ParDo(self._windows).with_output_types(TargetedReceipt)
        )


class SecondsOfRun(RestrictionProvider):
    """The seconds from a run's submission on, for ever: a window is claimed with its last.

    Seconds, not numbers of windows: a job may be resumed with windows of another length.
    """

    def initial_restriction(self, element: QuietFrom) -> OffsetRange:
        """All that are to come."""
        return OffsetRange(element.start)

    def create_tracker(self, restriction: OffsetRange) -> OffsetTracker:
        """A tracker of those whose windows have begun."""
        return OffsetTracker(restriction)

    def restriction_size(self, element: QuietFrom, restriction: OffsetRange) -> int:  # noqa: ARG002 - Beam's signature
        """1: it has no end."""
        return restriction.length

    def restriction_coder(self) -> beam.coders.Coder:
        """As it lies in savepoints."""
        return StructCoder(OffsetRange)


_SECONDS: Final = beam.DoFn.RestrictionParam(SecondsOfRun())
_WATERMARK: Final = beam.DoFn.WatermarkEstimatorParam(ManualWatermarkEstimator.default_provider())


class BeginWindows(beam.DoFn):
    """Speaks of the windows that have begun, then rests until the next one does.

    Args:
        editions: The configuration that is in force.
        window_seconds: The windows' length.
        clock: Tells seconds since 1970; for tests.
    """

    def __init__(
        self, editions: Editions, window_seconds: int, clock: Callable[[], float] = time.time
    ) -> None:
        self._editions = editions
        self._seconds = window_seconds
        self._clock = clock

    @beam.DoFn.unbounded_per_element()
    def process(
        self,
        element: QuietFrom,
        tracker: OffsetTracker = _SECONDS,
        watermark: ManualWatermarkEstimator = _WATERMARK,
    ) -> Iterator[TimestampedValue]:
        """Receipts of no object, at their windows' starts, resumed where the last ones ended."""
        targets = self._editions.now().always_listed
        now, start = self._clock(), tracker.current_restriction().start
        numbers = begun(start, self._seconds, now, max(MOST_AT_ONCE // (len(targets) + 1), 1))
        for number in numbers:
            if not tracker.try_claim((number + 1) * self._seconds - 1):
                break  # the runner has given what follows to another bundle
            for target in targets:
                receipt = quiet(with_run(target, element.run), number, self._seconds)
                yield TimestampedValue(receipt, number * self._seconds)
            # Its window's end: nothing of it is left to come, so that it need not wait for us.
            watermark.set_watermark(Timestamp((number + 1) * self._seconds))
        if not numbers:
            watermark.set_watermark(Timestamp(numbers.stop * self._seconds))
        tracker.defer_remainder(pause(numbers.stop * self._seconds, now))
