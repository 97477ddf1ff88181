"""Receipts on their way: to the manifests, into the ops path, and to a run's summary."""

import apache_beam as beam
from apache_beam.transforms.trigger import AccumulationMode, AfterCount, AfterWatermark
from apache_beam.transforms.window import FixedWindows
from apache_beam.typehints.decorators import no_annotations

from transforms.records import Receipt, Target
from transforms.window import DEFAULT_ALLOWED_LATENESS_SECONDS

TargetedReceipt = tuple[Target, Receipt]
"""A receipt under its target, of no particular shard: what is listed together has one key."""


class WindowReceipts(beam.PTransform):
    """Puts receipts into the windows of their objects, each late one into a pane of its own.

    Args:
        seconds: The windows' length.
        allowed_lateness_seconds: How long after a window's end its late panes may come.
    """

    def __init__(
        self, seconds: int, allowed_lateness_seconds: int = DEFAULT_ALLOWED_LATENESS_SECONDS
    ) -> None:
        super().__init__()
        self._seconds = seconds
        self._allowed_lateness_seconds = allowed_lateness_seconds

    def expand(
        self, receipts: beam.PCollection[TargetedReceipt]
    ) -> beam.PCollection[TargetedReceipt]:
        """Applies Beam's `FixedWindows`; late pieces were gathered before, and wait no longer."""
        if receipts.is_bounded:
            return receipts | beam.WindowInto(FixedWindows(self._seconds)).with_output_types(
                TargetedReceipt
            )
        return receipts | beam.WindowInto(
            FixedWindows(self._seconds),
            trigger=AfterWatermark(late=AfterCount(1)),
            accumulation_mode=AccumulationMode.DISCARDING,
            allowed_lateness=self._allowed_lateness_seconds,
        ).with_output_types(TargetedReceipt)


class AllReceipts(beam.PTransform):
    """Receipts of objects and of manifests, in one collection.

    Args:
        window_seconds: The length of the objects' windows.
        allowed_lateness_seconds: How long after a window's end its late panes may come.
    """

    def __init__(
        self,
        window_seconds: int,
        allowed_lateness_seconds: int = DEFAULT_ALLOWED_LATENESS_SECONDS,
    ) -> None:
        super().__init__()
        self._window_seconds = window_seconds
        self._allowed_lateness_seconds = allowed_lateness_seconds

    @no_annotations  # Beam has no hint for a tuple of collections
    def expand(
        self, receipts: tuple["beam.PCollection[TargetedReceipt]", ...]
    ) -> "beam.PCollection[Receipt]":
        """Windows them alike, as `Flatten` asks."""
        return (
            [
                each
                | f"panes {index}"
                >> WindowReceipts(self._window_seconds, self._allowed_lateness_seconds)
                for index, each in enumerate(receipts)
            ]
            | beam.Flatten()
            | "without targets" >> beam.Values().with_output_types(Receipt)
        )
