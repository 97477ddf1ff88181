"""What arrives in the customers' buckets, read with their owner's identity."""

import json
import time
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from examples.demo.customers import CONNECTIONS

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_MANIFEST: Final = ".manifest.json"


class Arrival(NamedTuple):
    """A manifest that was not there before.

    Attributes:
        window: Its start and end, RFC 3339.
        destination: Whose it is.
        objects: How many objects it lists.
        events: How many events they hold.
        missing: How many events are in objects that the bucket refused.
        pane: 0 for the one that says a window is complete, more for late events.
        seconds_after: How long after the window's end it was seen here.
    """

    window: tuple[str, str]
    destination: str
    objects: int
    events: int
    missing: int
    pane: int
    seconds_after: float


class Arrivals:
    """The buckets, looked at again and again.

    Attributes:
        objects: How many objects of events there are.
        events: By destination, how many events the manifests list.
        delays: How long after a window's end each of the first manifests came, in seconds.
    """

    def __init__(self, owner: "S3Client") -> None:
        self.objects = 0
        self.events: Counter[str] = Counter()
        self.delays: list[float] = []
        self._owner = owner
        self._seen: set[tuple[str, str]] = set()

    def look(self) -> list[Arrival]:
        """The manifests that came since the last look, by window and destination."""
        found = sorted(self._new())
        for arrival in found:
            self.events[arrival.destination] += arrival.events
            if arrival.pane == 0:
                self.delays.append(arrival.seconds_after)
        return found

    def _new(self) -> Iterator[Arrival]:
        for connection in CONNECTIONS:
            pages = self._owner.get_paginator("list_objects_v2").paginate(Bucket=connection.bucket)
            for page in pages:
                for entry in page.get("Contents", ()):
                    place = connection.bucket, entry["Key"]
                    if place in self._seen:
                        continue
                    self._seen.add(place)
                    if entry["Key"].endswith(_MANIFEST):
                        yield self._read(*place)
                    else:
                        self.objects += 1

    def _read(self, bucket: str, key: str) -> Arrival:
        now = time.time()
        body = self._owner.get_object(Bucket=bucket, Key=key)["Body"].read()
        manifest: dict[str, Any] = json.loads(body)
        window, totals = manifest["window"], manifest["totals"]
        return Arrival(
            (window["start"], window["end"]),
            manifest["destination"],
            totals["objects"],
            totals["events"],
            totals["missing_events"],
            manifest["pane"],
            now - datetime.fromisoformat(window["end"].replace("Z", "+00:00")).timestamp(),
        )
