"""Parked files made as a job makes them, and a store that refuses what it is told to."""

import hashlib
import threading
from pathlib import Path
from typing import Any

import msgspec

from transforms.connection import Connection
from transforms.errors import PutError
from transforms.keys import object_key
from transforms.parked import Parked, encode_parked, parked, parked_key
from transforms.places import Place, bucket_and_owner
from transforms.records import Part, Target, Window
from transforms.store import Failure, PutRequest

TEN = Window(1_795_168_800, 1_795_169_400)
DENIED = Failure("AccessDenied (403): Access Denied", transient=False, attempts=1)
SLOW = Failure("SlowDown (503): Please reduce your request rate.", transient=True, attempts=8)
ACME = Connection(name="acme", bucket="acme-bucket", region="us-east-1")


def connection(name: str, **changed: Any) -> Connection:  # noqa: ANN401 - any field
    return ACME.model_copy(update={"name": name, "bucket": f"{name}-bucket", **changed})


def parked_part(destination: str = "acme", number: int = 0, **changed: Any) -> Part:  # noqa: ANN401 - any field
    target = Target(
        destination,
        "abcd2345",
        f"{destination}-bucket",
        prefix="logs",
        compression="none",
        shards=9,
        shard=number,
        revision="wxyz",
    )
    body = b'{"to":"%s","n":%d}\n' % (destination.encode(), number)
    part = Part(target, TEN, 0, 0, object_key(target, TEN, 0, 0), body, 1, len(body))
    return msgspec.structs.replace(part, **changed)


class Ops:
    """An ops path in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def park(self, part: Part, failure: Failure = DENIED) -> Path:
        digest = hashlib.sha256(part.body).hexdigest()
        record = parked(part, digest, "application/x-ndjson", {}, failure)
        return self.write(record, part.body)

    def write(self, record: Parked, body: bytes) -> Path:
        name = parked_key(record.bucket, record.owner, record.key, record.destination)
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encode_parked(record, body))
        return path

    def names(self, folder: str) -> list[str]:
        """All files below a folder, by their names."""
        return sorted(path.name for path in (self.folder / folder).rglob("*.avro"))


class Buckets:
    """Takes puts, in order; all methods of its stores may be called from many threads."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, PutRequest]] = []
        self.refusing: dict[str, Failure] = {}
        self.hanging: set[str] = set()
        self.go = threading.Event()
        self.most_at_once = 0
        self._at_once = 0
        self._lock = threading.Lock()

    def open(self, place: Place) -> "_Bucket":
        return _Bucket(self, bucket_and_owner(place)[0])

    def put(self, bucket: str, request: PutRequest) -> None:
        with self._lock:
            self.calls.append((bucket, request))
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            if bucket in self.hanging:
                self.go.wait(30)
            for part, failure in self.refusing.items():
                if part in f"{bucket}/{request.key}":
                    raise PutError(failure.said, failure)
        finally:
            with self._lock:
                self._at_once -= 1

    def keys(self, bucket: str) -> list[str]:
        return [request.key for name, request in self.calls if name == bucket]


class _Bucket:
    def __init__(self, buckets: Buckets, name: str) -> None:
        self._buckets = buckets
        self._name = name

    def put(self, request: PutRequest, deadline: float | None = None) -> None:  # noqa: ARG002
        self._buckets.put(self._name, request)
