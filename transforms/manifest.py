"""manifest: the receipts of one (destination, window) → one manifest for each non-empty pane.

No manifest can come before the window has closed and all objects of its first pane are settled: the
receipts are of the objects' own window, and it is the runner that holds the watermark back.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Final

import apache_beam as beam
import msgspec
from apache_beam.transforms.window import TimestampedValue
from apache_beam.typehints.decorators import no_annotations

from transforms.edition import Editions
from transforms.manifests import make_manifest, manifest_part
from transforms.receipts import TargetedReceipt, WindowReceipts
from transforms.records import Guarantee, Part, Receipt, Target, Window
from transforms.window import DEFAULT_ALLOWED_LATENESS_SECONDS, whole_seconds

MOST_QUIET_WINDOWS: Final = 1008
"""A longer gap between windows with events is not a quiet time but a stray date: it stays open."""


def list_pane(
    target: Target,
    window: Window,
    pane: int,
    receipts: Iterable[Receipt],
    guarantee: Guarantee = "repeatable",
) -> Part:
    """The manifest of a pane, as an object to be put."""
    found = [receipt for receipt in receipts if not _is_quiet(receipt)]
    manifest = make_manifest(target, window, pane, found)
    return manifest_part(target, window, msgspec.structs.replace(manifest, guarantee=guarantee))


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


def _is_quiet(receipt: Receipt) -> bool:
    return not receipt.key


def between(numbers: Iterable[int]) -> Iterator[int]:
    """All windows from the first to the last of these numbers, but for gaps that are too long."""
    before: int | None = None
    for number in sorted(numbers):
        if before is not None and number - before <= MOST_QUIET_WINDOWS:
            yield from range(before + 1, number)
        yield number
        before = number


class ManifestPanes(beam.PTransform):
    """Receipts under their targets → manifests, as parts to be put.

    Args:
        editions: The configuration that is in force: which destinations get manifests.
        window_seconds: The length of the receipts' windows.
        allowed_lateness_seconds: How long after a window's end its late panes may come.
        guarantee: What holds where the job is replayed.
    """

    def __init__(
        self,
        editions: Editions,
        window_seconds: int,
        allowed_lateness_seconds: int = DEFAULT_ALLOWED_LATENESS_SECONDS,
        guarantee: Guarantee = "repeatable",
    ) -> None:
        super().__init__()
        self._editions = editions
        self._seconds = window_seconds
        self._allowed_lateness_seconds = allowed_lateness_seconds
        self._guarantee = guarantee

    @no_annotations  # Beam has no hint for a tuple of collections
    def expand(
        self, receipts: tuple["beam.PCollection[TargetedReceipt]", ...]
    ) -> beam.PCollection[Part]:
        """Groups the receipts of a destination's window, whatever their shard."""
        # What is flattened must be windowed alike.
        panes = [
            each | f"panes {index}" >> WindowReceipts(self._seconds, self._allowed_lateness_seconds)
            for index, each in enumerate(receipts)
        ]
        return (
            panes
            | "all" >> beam.Flatten()
            | "listed" >> beam.Filter(_is_listed, self._editions)
            | "by window" >> beam.GroupByKey()
            | "list" >> beam.ParDo(_ListPane(self._guarantee)).with_output_types(Part)
        )


def _is_listed(settled: TargetedReceipt, editions: Editions) -> bool:
    return editions.now().lists(settled[0].destination)


class _ListPane(beam.DoFn):
    def __init__(self, guarantee: Guarantee = "repeatable") -> None:
        self._guarantee = guarantee

    def process(
        self,
        grouped: tuple[Target, Iterable[Receipt]],
        window: Any = beam.DoFn.WindowParam,  # noqa: ANN401 - Beam's marker, then its value
        pane: Any = beam.DoFn.PaneInfoParam,  # noqa: ANN401 - the same
    ) -> Iterator[Part]:
        target, receipts = grouped
        found = list(receipts)
        if found:  # an engine may fire an empty pane when a window expires
            interval = Window(whole_seconds(window.start), whole_seconds(window.end))
            yield list_pane(target, interval, pane.index, found, self._guarantee)


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
        if not self._targets:  # so that it can be built over a stream, which has no last window
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
