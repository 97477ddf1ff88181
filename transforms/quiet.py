"""quiet: windows of destinations that want a manifest of each, where nothing was put.

A bounded run has a first and a last window, and knows the gaps between when all is read. A stream
has no last one: see `quiet_stream`.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Final

import apache_beam as beam
from apache_beam.transforms.window import TimestampedValue
from apache_beam.typehints.decorators import no_annotations

from transforms.receipts import TargetedReceipt
from transforms.records import Receipt, Target

MOST_QUIET_WINDOWS: Final = 1008
"""A longer gap between windows with events is not a quiet time but a stray date: it stays open."""


def quiet(target: Target, number: int, seconds: int) -> TargetedReceipt:
    """Says of a window that its manifest is wanted even where nothing was put."""
    start, end = number * seconds, (number + 1) * seconds
    return target, Receipt(
        destination=target.destination,
        run=target.run,
        revision=target.revision,
        window_start=start,
        window_end=end,
        pane=0,
        shard=0,
        part=0,
        bucket=target.bucket,
        key="",
        events=0,
        raw_bytes=0,
        stored_bytes=0,
        sha256="",
        status="delivered",
    )


def is_quiet(receipt: Receipt) -> bool:
    """Whether it says only that."""
    return not receipt.key


def between(numbers: Iterable[int]) -> Iterator[int]:
    """All windows from the first to the last of these numbers, but for gaps that are too long."""
    before: int | None = None
    for number in sorted(numbers):
        if before is not None and number - before <= MOST_QUIET_WINDOWS:
            yield from range(before + 1, number)
        yield number
        before = number


class QuietWindows(beam.PTransform):
    """The pieces of a bounded run → for each target, every window from the run's first to its last.

    Args:
        targets: Those that want a manifest of every window.
        window_seconds: The windows' length.
    """

    def __init__(self, targets: Iterable[Target], window_seconds: int) -> None:
        super().__init__()
        self._targets = tuple(targets)
        self._window_seconds = window_seconds

    @no_annotations  # Beam would make a set of the hint for one number
    def expand(self, pieces: beam.PCollection[Any]) -> beam.PCollection[TargetedReceipt]:
        """Collects the numbers of all windows with events, then fills the gaps."""
        if not self._targets:  # so that tests can build it over a stream, which has no last window
            return pieces | beam.FlatMap(_none).with_output_types(TargetedReceipt)
        return (
            pieces
            | "window numbers" >> beam.ParDo(_WindowNumber(self._window_seconds))
            | "all windows" >> beam.CombineGlobally(_union)
            | "quiet windows"
            >> beam.FlatMap(_fill, self._targets, self._window_seconds).with_output_types(
                TargetedReceipt
            )
        )


class _WindowNumber(beam.DoFn):
    def __init__(self, seconds: int) -> None:
        self._seconds = seconds

    def process(
        self,
        _: object,
        timestamp: Any = beam.DoFn.TimestampParam,  # noqa: ANN401 - Beam's marker, then its value
    ) -> Iterator[frozenset[int]]:
        yield frozenset({timestamp.micros // 1_000_000 // self._seconds})


def _none(_: object) -> tuple[TargetedReceipt, ...]:
    return ()


def _union(numbers: Iterable[frozenset[int]]) -> frozenset[int]:
    return frozenset().union(*numbers)


def _fill(
    numbers: frozenset[int], targets: tuple[Target, ...], seconds: int
) -> Iterator[TimestampedValue]:
    for number in between(numbers):
        for target in targets:
            yield TimestampedValue(quiet(target, number, seconds), number * seconds)
