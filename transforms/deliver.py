"""Delivering parts: each is put, or parked whole where its bucket refuses it.

Each destination's parts travel in a lane of their own. Parking never fails in silence: where the
ops path itself cannot be written, that is an error.
"""

import hashlib
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Final

import msgspec

from transforms.circuit import Circuit
from transforms.errors import PutError
from transforms.lanes import Lanes
from transforms.ops import OPS_DESTINATIONS
from transforms.parked import AVRO, encode_parked, parked, parked_key
from transforms.places import (
    OpsPath,
    Place,
    StoreOpener,
    bucket_and_owner,
    headers_of,
)
from transforms.progress import counters
from transforms.records import Part, Receipt
from transforms.store import Failure, PutRequest, Store

_OVERHEAD_BYTES: Final = 4096  # what a part takes in memory beside its body
_PARKING: Final = "_parking"  # a lane's name that no destination can have

# What is stored, not what unpacking would give: with a ContentEncoding, clients unpack by
# themselves, and the reader finds no gzip under a name that ends in .gz.
_CONTENT_TYPES: Final = {
    "gzip": "application/gzip",
    "none": "application/x-ndjson",
    "zstd": "application/zstd",
}


class Circuits:
    """The circuit of each destination, shared by all bundles of a process."""

    def __init__(self) -> None:
        self._circuits: dict[str, Circuit] = {}

    def of(self, lane: str) -> Circuit | None:
        """The circuit of a destination; the operator's own place has none."""
        if lane == _PARKING or lane in OPS_DESTINATIONS:
            return None
        return self._circuits.setdefault(lane, Circuit())


class _Parcel:
    """A part on its way, with what is only worked out where it is needed."""

    def __init__(self, part: Part) -> None:
        self.part = part

    @cached_property
    def sha256(self) -> bytes:
        return hashlib.sha256(self.part.body).digest()

    def request(self) -> PutRequest:
        part, target = self.part, self.part.target
        content_type = (
            "application/json" if part.kind == "manifest" else _CONTENT_TYPES[target.compression]
        )
        return PutRequest(target.destination, part.key, part.body, content_type, self.sha256)

    def parked_request(self, place: Place | None, failure: Failure) -> PutRequest:
        part, target = self.part, self.part.target
        headers = headers_of(place) if place is not None else {}
        record = parked(part, self.sha256.hex(), self.request().content_type, headers, failure)
        content = encode_parked(record, part.body)
        key = parked_key(target.bucket, target.owner, part.key, target.destination)
        digest = hashlib.sha256(content).digest()
        return PutRequest(target.destination, key, content, AVRO, digest)

    def receipt(self, failure: Failure | None) -> Receipt:
        part, target = self.part, self.part.target
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
            sha256=self.sha256.hex(),
            status="parked" if failure else "delivered",
            kind=part.kind,
            reason=str(failure) if failure else "",
        )


class Deliveries:
    """Puts parts, and parks what is refused; owned by one thread.

    Args:
        places: By a destination's name, where its objects go.
        opener: Opens the store for a place; the stores are kept.
        parking: The ops path, where a refused object is parked; without it, it is an error.
        lanes: What the puts travel in.
    """

    def __init__(
        self,
        places: Mapping[str, Place],
        opener: StoreOpener,
        parking: OpsPath | None,
        lanes: Lanes,
    ) -> None:
        self._places = places
        self._opener = opener
        self._parking = parking
        self._lanes = lanes
        self._stores: dict[str, Store] = {}

    def deliver(self, part: Part, settled: Callable[[Receipt], None]) -> None:
        """Puts a part, or parks it; waits only for room.

        Args:
            part: What to put.
            settled: Gets the receipt, during this or a later call.

        Raises:
            PutError: A part, this or an earlier one, was refused and could not be parked.
        """
        parcel, target = _Parcel(part), part.target
        size_bytes = len(part.body) + _OVERHEAD_BYTES
        self._lanes.make_room(size_bytes)
        place = self._places.get(target.destination)
        moved = _moved(part, place)

        def hear(failure: Failure | None) -> None:
            if failure is None:
                counters.objects_put += 1
                settled(parcel.receipt(None))
            else:
                self._park(parcel, failure, settled)

        if moved is not None:
            self._park(parcel, moved, settled)
        else:
            assert place is not None  # noqa: S101 - where it is, the destination is removed

            def act(deadline: float) -> None:
                self._store(target.destination, place).put(parcel.request(), deadline)

            self._lanes.submit(target.destination, size_bytes, act, hear)
        self._lanes.advance()

    def drain(self) -> None:
        """Waits until every part is put or parked.

        Raises:
            PutError: One was refused and could not be parked.
        """
        self._lanes.drain()

    def _park(self, parcel: _Parcel, failure: Failure, settled: Callable[[Receipt], None]) -> None:
        target, parking = parcel.part.target, self._parking
        place = self._places.get(target.destination)
        if parking is None or target.destination in OPS_DESTINATIONS:
            raise PutError(_in_words(parcel.part, failure), failure)

        def act(deadline: float) -> None:
            request = parcel.parked_request(place, failure)
            key = parking.key(request.key)
            store = self._store(_PARKING, parking.place)
            store.put(msgspec.structs.replace(request, key=key), deadline)

        def hear(unparked: Failure | None) -> None:
            if unparked is not None:
                raise PutError(
                    f"{_in_words(parcel.part, failure)}\nand it cannot be parked in"
                    f" {bucket_and_owner(parking.place)[0]}: {unparked}",
                    unparked,
                )
            counters.objects_parked += 1
            settled(parcel.receipt(failure))

        self._lanes.submit(_PARKING, len(parcel.part.body) + _OVERHEAD_BYTES, act, hear)

    def _store(self, lane: str, place: Place) -> Store:
        # Called from many threads: to open one twice costs little, and clients are shared.
        if lane not in self._stores:
            self._stores[lane] = self._opener(place)
        return self._stores[lane]


def _moved(part: Part, place: Place | None) -> Failure | None:
    """Why a part must not go where its destination's name leads today, or `None`."""
    target = part.target
    if place is None:
        return Failure("destination removed", transient=False, answered=False, attempts=0)
    if bucket_and_owner(place) != (target.bucket, target.owner):
        advice = (
            f"It was made for {_bucket(target.bucket, target.owner)}, and stays out of"
            f" {_bucket(*bucket_and_owner(place))}."
        )
        return Failure(
            "destination changed", transient=False, answered=False, advice=advice, attempts=0
        )
    return None


def _bucket(bucket: str, owner: str | None) -> str:
    return f"bucket {bucket}" + (f" of account {owner}" if owner else "")


def _in_words(part: Part, failure: Failure) -> str:
    target = part.target
    where = f"destination {target.destination}: cannot put {part.key} into {target.bucket}"
    return f"{where}: {failure}"
