"""manifest: the receipts of one (destination, window) → one manifest for each non-empty pane.

No manifest can come before the window has closed and all objects of its first pane are settled: the
receipts are of the objects' own window, and it is the runner that holds the watermark back.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import apache_beam as beam
import msgspec
from apache_beam.typehints.decorators import no_annotations

from transforms.edition import Editions
from transforms.fixed_windows import whole_seconds
from transforms.manifests import make_manifest, manifest_part
from transforms.quiet import is_quiet
from transforms.receipts import TargetedReceipt, WindowReceipts
from transforms.records import Guarantee, Part, Receipt, Target, Window
from transforms.window import DEFAULT_ALLOWED_LATENESS_SECONDS


def list_pane(
    target: Target,
    window: Window,
    pane: int,
    receipts: Iterable[Receipt],
    guarantee: Guarantee = "repeatable",
) -> Part:
    """The manifest of a pane, as an object to be put."""
    found = [receipt for receipt in receipts if not is_quiet(receipt)]
    manifest = make_manifest(target, window, pane, found)
    return manifest_part(target, window, msgspec.structs.replace(manifest, guarantee=guarantee))


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
