"""The sink as a library: any pipeline's events into any number of buckets.

For pipelines that read, parse and route by themselves. They hand over (destination's name, event's
bytes), windowed as they like, and get a receipt for each object put.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

import apache_beam as beam
from apache_beam.transforms.window import GlobalWindows
from apache_beam.typehints.decorators import no_annotations
from apache_beam.utils.windowed_value import WindowedValue

from transforms.assemble import Assemble
from transforms.configuration import Configuration
from transforms.edition import Edition
from transforms.keys import valid_run
from transforms.pack import TargetedPiece, make_piece
from transforms.places import StoreOpener, open_store
from transforms.put import Put
from transforms.records import Receipt, Target
from transforms.targets import with_shard

REJECTED: Final = "rejected"

BATCH_BYTES: Final = 2**25
"""Raw bytes of all destinations' events that one bundle holds before it packs them."""

DestinedEvent = tuple[str, bytes]
"""A destination's name, and an event: one JSON object without line feeds."""


class Written(NamedTuple):
    """What became of the events: a receipt for each object, and what no object could take."""

    receipts: "beam.PCollection[Receipt]"
    rejected: "beam.PCollection[tuple[str, bytes, str]]"


class WriteToS3Destinations(beam.PTransform):
    """Writes events to their destinations' buckets, with `s3:PutObject` alone.

    Takes a PCollection of (destination's name, event's bytes), windowed by time: each window of
    each destination becomes an object, or several where its shards or `max_object_bytes` say so.
    Bytes are written as they are, a line each.

    Gives `Written`: a `Receipt` for each object put, in its window; and as (name, bytes, reason)
    the events whose destination is not in the configuration or not enabled, and those that hold a
    line feed. A put that fails for good fails the bundle.

    Windows must begin and end with a second, since keys say no less. Objects are named by
    `object_key`: within a run, the same events in the same bundles give the same objects. Where a
    runner bundles them anew, on a retry or in a second run under the same id, an object holds the
    same events if its destination has one shard, in another order.

    Args:
        configuration: Connections and destinations; `match` is not looked at.
        run: The id of the run, 8 lower-case letters or digits: part of every key. Another run never
            overwrites this one's objects.
        opener: Opens the store for a place; for tests.

    Raises:
        ValueError: `run` is no such id.
    """

    def __init__(
        self, configuration: Configuration, run: str, opener: StoreOpener = open_store
    ) -> None:
        super().__init__()
        valid_run(run)
        self._edition = Edition(configuration, run)
        self._opener = opener

    @no_annotations  # Beam has no hint for several outputs
    def expand(self, events: "beam.PCollection[DestinedEvent]") -> Written:
        """Packs events by bundle, then groups, assembles and puts as the whole pipeline does.

        Raises:
            ValueError: The events are in the global window, which would make one object of all.
        """
        if isinstance(events.windowing.windowfn, GlobalWindows):
            raise ValueError(  # noqa: TRY004 - a wrong value, not a wrong type
                "window the events first, e.g. with WindowInto(FixedWindows(600))"
            )
        packer = beam.ParDo(_PackBundle(self._edition.enabled)).with_output_types(TargetedPiece)
        packed = events | "pack" >> packer.with_outputs(REJECTED, main="pieces")
        receipts = (
            packed.pieces
            | "group" >> beam.GroupByKey()
            | "assemble" >> Assemble()
            | "put" >> Put(self._edition, self._opener)
            | "receipts" >> beam.Values()
        )
        return Written(receipts, packed[REJECTED])


class _PackBundle(beam.DoFn):
    def __init__(self, targets: Mapping[str, Target]) -> None:
        self._targets = dict(targets)

    def start_bundle(self) -> None:
        self._lines: defaultdict[tuple[str, Any], list[bytes]] = defaultdict(list)
        self._length = 0

    def process(
        self,
        destined: DestinedEvent,
        window: Any = beam.DoFn.WindowParam,  # noqa: ANN401 - Beam's marker, then its value
    ) -> Iterator[object]:
        name, event = destined
        if name not in self._targets:
            rejected = (name, event, "no enabled destination has this name")
            yield beam.pvalue.TaggedOutput(REJECTED, rejected)
        elif b"\n" in event:
            yield beam.pvalue.TaggedOutput(REJECTED, (name, event, "holds a line feed"))
        else:
            self._lines[name, window].append(event)
            self._length += len(event)
            if self._length >= BATCH_BYTES:
                yield from self.finish_bundle()

    def finish_bundle(self) -> Iterator[WindowedValue]:
        for (name, window), lines in self._lines.items():
            yield WindowedValue(self._piece(name, lines), window.max_timestamp(), (window,))
        self.start_bundle()

    def _piece(self, name: str, lines: list[bytes]) -> TargetedPiece:
        # Without a source position, the content itself says which shard it goes to.
        piece = make_piece("", 0, lines)
        return with_shard(self._targets[name], "", piece.crc32), piece
