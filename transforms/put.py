"""put: part → one object in its bucket → receipt; what a bucket refuses is parked.

One put for each part, many in flight for each bundle. A bundle ends when all of its parts are
settled: what is acknowledged to the runner is in its bucket, or parked in the ops path.
"""

from collections.abc import Iterator
from typing import Any

import apache_beam as beam
import msgspec
from apache_beam.utils.shared import Shared
from apache_beam.utils.windowed_value import WindowedValue

from transforms.deliver import Circuits, Deliveries
from transforms.edition import Editions
from transforms.lanes import DEFAULT_PUT_DEADLINE, Lanes
from transforms.places import OpsPath, StoreOpener, open_store
from transforms.receipts import TargetedReceipt
from transforms.records import Part, Receipt


class Put(beam.PTransform):
    """Parts → receipts under their targets, so that they can be listed together.

    Args:
        editions: The configuration that is in force: where each destination's objects go, today.
        opener: Opens the store for a place.
        parking: The ops path, where refused objects are parked; without it they fail the bundle.
        deadline_seconds: For one put, all its attempts together.
        circuits: Shared by all steps of a pipeline that put into the same places.
    """

    def __init__(
        self,
        editions: Editions,
        opener: StoreOpener = open_store,
        parking: OpsPath | None = None,
        deadline_seconds: float = DEFAULT_PUT_DEADLINE,
        circuits: Shared | None = None,
    ) -> None:
        super().__init__()
        self._bundle_putter = _PutBundle(
            editions, opener, parking, deadline_seconds, circuits or Shared()
        )

    def expand(self, parts: beam.PCollection[Part]) -> beam.PCollection[TargetedReceipt]:
        """Puts each part."""
        return parts | beam.ParDo(self._bundle_putter).with_output_types(TargetedReceipt)


class _PutBundle(beam.DoFn):
    def __init__(
        self,
        editions: Editions,
        opener: StoreOpener,
        parking: OpsPath | None,
        deadline_seconds: float,
        circuits: Shared,
    ) -> None:
        self._editions = editions
        self._opener = opener
        self._parking = parking
        self._deadline_seconds = deadline_seconds
        self._shared_circuits = circuits

    def setup(self) -> None:
        self._circuits: Circuits = self._shared_circuits.acquire(Circuits)

    def start_bundle(self) -> None:
        lanes = Lanes(self._circuits.of, self._deadline_seconds)
        places = self._editions.now().places
        self._deliveries = Deliveries(places, self._opener, self._parking, lanes)
        self._settled: list[WindowedValue] = []

    def process(
        self,
        part: Part,
        timestamp: Any = beam.DoFn.TimestampParam,  # noqa: ANN401 - Beam's marker, then its value
        window: Any = beam.DoFn.WindowParam,  # noqa: ANN401 - the same
    ) -> None:
        # Of a part that is settled only the receipt is kept until the bundle ends.
        target = msgspec.structs.replace(part.target, shard=0)
        if window.start < 0:
            # Beam's coder cuts to milliseconds towards 0: a window's last microsecond before 1970
            # would become the next window's first.
            timestamp = window.start

        def settled(receipt: Receipt) -> None:
            self._settled.append(WindowedValue((target, receipt), timestamp, (window,)))

        self._deliveries.deliver(part, settled)

    def finish_bundle(self) -> Iterator[WindowedValue]:
        self._deliveries.drain()
        yield from self._settled
