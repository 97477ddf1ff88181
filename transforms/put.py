"""put: part → one object in its bucket → receipt.

One put for each part, many in flight for each bundle, in bounded memory. A bundle ends when all of
its puts have: what is acknowledged to the runner is in its bucket.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any, Final

import apache_beam as beam
from apache_beam.utils.windowed_value import WindowedValue

from transforms.connection import Connection
from transforms.errors import PutError
from transforms.folder import FolderStore
from transforms.progress import counters
from transforms.records import Part, Receipt
from transforms.s3 import MAX_PUTS_IN_FLIGHT, S3Store
from transforms.store import Folder, PutRequest, Store

DELIVERED: Final = "delivered"

MAX_BYTES_IN_FLIGHT: Final = 2**27
"""Bodies that one worker may hold for puts under way: two of the largest default parts."""

# What is stored, not what unpacking would give: with a ContentEncoding, clients unpack by
# themselves, and the reader finds no gzip under a name that ends in .gz.
_CONTENT_TYPES: Final = {
    "gzip": "application/gzip",
    "none": "application/x-ndjson",
    "zstd": "application/zstd",
}

Place = Connection | Folder
StoreOpener = Callable[[Place], Store]


def open_store(place: Place) -> Store:
    """The store for a place."""
    return FolderStore(place) if isinstance(place, Folder) else S3Store(place)


def put_part(part: Part, store: Store) -> Receipt:
    """Puts one part.

    Raises:
        PutError: It was refused, or not answered.
    """
    target = part.target
    sha256 = hashlib.sha256(part.body)
    content_type = _CONTENT_TYPES[target.compression]
    store.put(PutRequest(target.destination, part.key, part.body, content_type, sha256.digest()))
    counters.objects_put += 1
    return Receipt(
        destination=target.destination,
        run=target.run,
        revision=target.revision,
        window_start=part.window.start,
        window_end=part.window.end,
        pane=part.pane,
        shard=target.shard,
        part=part.part,
        bucket=target.bucket,
        key=part.key,
        events=part.events,
        raw_bytes=part.raw_bytes,
        stored_bytes=len(part.body),
        sha256=sha256.hexdigest(),
        status=DELIVERED,
    )


def bucket_and_owner(place: Place) -> tuple[str, str | None]:
    """What an object must never follow a reused name away from."""
    if isinstance(place, Folder):
        return place.path, None
    return place.bucket, place.expected_bucket_owner


class Put(beam.PTransform):
    """Parts → receipts.

    Args:
        places: By a destination's name, where its objects go.
        opener: Opens the store for a place.
    """

    def __init__(self, places: Mapping[str, Place], opener: StoreOpener = open_store) -> None:
        super().__init__()
        self._places = dict(places)
        self._opener = opener

    def expand(self, parts: beam.PCollection[Part]) -> beam.PCollection[Receipt]:
        """Puts each part; the bundle fails with the first that cannot be put."""
        return parts | beam.ParDo(_PutBundle(self._places, self._opener))


class _PutBundle(beam.DoFn):
    def __init__(self, places: dict[str, Place], opener: StoreOpener) -> None:
        self._places = places
        self._opener = opener

    def setup(self) -> None:
        self._stores: dict[str, Store] = {}
        self._threads = ThreadPoolExecutor(MAX_PUTS_IN_FLIGHT, thread_name_prefix="put")

    def start_bundle(self) -> None:
        self._puts: list[tuple[Future[Receipt], Any, Any]] = []
        self._in_flight: dict[Future[Receipt], int] = {}

    def process(
        self,
        part: Part,
        timestamp: Any = beam.DoFn.TimestampParam,  # noqa: ANN401 - Beam's marker, then its value
        window: Any = beam.DoFn.WindowParam,  # noqa: ANN401 - the same
    ) -> None:
        self._make_room(len(part.body))
        future = self._threads.submit(put_part, part, self._store(part))
        self._in_flight[future] = len(part.body)
        self._puts.append((future, timestamp, window))

    def finish_bundle(self) -> Iterator[WindowedValue]:
        self._settle(set(self._in_flight))
        for future, timestamp, window in self._puts:
            yield WindowedValue(future.result(), timestamp, (window,))

    def teardown(self) -> None:
        # A bundle that ended has no puts under way; one that failed does not wait for the others.
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _make_room(self, length: int) -> None:
        """Waits until a body of this length may be held, or nothing is in flight."""
        while self._in_flight and (
            len(self._in_flight) >= 2 * MAX_PUTS_IN_FLIGHT
            or sum(self._in_flight.values()) + length > MAX_BYTES_IN_FLIGHT
        ):
            self._settle(wait(self._in_flight, return_when=FIRST_COMPLETED).done)

    def _settle(self, futures: set[Future[Receipt]]) -> None:
        """Waits for puts; the first that failed fails the bundle, and none is begun after it."""
        try:
            for future in futures:
                future.result()
                del self._in_flight[future]
        except BaseException:  # also an interrupt: what has not begun must not begin
            for future in self._in_flight:
                future.cancel()
            raise

    def _store(self, part: Part) -> Store:
        target = part.target
        place = self._places[target.destination]
        if bucket_and_owner(place) != (target.bucket, target.owner):
            raise PutError(
                f"destination {target.destination}: its bucket or owner is no longer that of"
                f" {part.key}, which stays out of {bucket_and_owner(place)[0]}"
            )
        if target.destination not in self._stores:
            self._stores[target.destination] = self._opener(place)
        return self._stores[target.destination]
