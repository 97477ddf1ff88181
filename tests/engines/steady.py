"""A steady producer: numbered events at a rate, and what each destination is to get of them."""

import json
import random
import threading
import time
from collections import defaultdict
from typing import Final

from confluent_kafka import Producer

from examples.engines.paced import paced
from examples.within import Within

WEB_KEY: Final = "wk_web"
APP_KEY: Final = "wk_app"
ALL_KEY: Final = "wk_all"
DESTINATIONS: Final = {"web": (WEB_KEY,), "app": (APP_KEY, ALL_KEY), "all": (ALL_KEY,)}
"""By name, the write keys of what a destination gets: one event may go to two."""

_TICK_SECONDS: Final = 0.05
_MOST_WAITING: Final = 50_000  # of the 100,000 that a producer takes
_PAD_BYTES: Final = 700
_KEYS: Final = (WEB_KEY, WEB_KEY, APP_KEY, ALL_KEY)
_MALFORMED_EVERY: Final = 1009
_UNMATCHED_EVERY: Final = 499
_LATE_EVERY: Final = 251
_LATE_SECONDS: Final = 25


class Steady(Within):
    """Produces for as long as a `with` lasts, each number once, into all partitions in turn.

    Args:
        producer: Where to.
        topic: Which topic.
        partitions: How many it has.
        rate: Events a second.

    Attributes:
        expected: By destination, the numbers that it is to get.
        malformed: How many records were no events.
        unmatched: How many events were for nobody.
        produced: How many records there were in all.
    """

    def __init__(self, producer: Producer, topic: str, partitions: int, rate: int = 2000) -> None:
        self.expected: defaultdict[str, set[int]] = defaultdict(set)
        self.malformed = self.unmatched = self.produced = 0
        self.failed: list[str] = []
        self._producer = producer
        self._topic = topic
        self._partitions = partitions
        self._rate = rate
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        rng = random.Random(7)
        words = "".join(rng.choices("abcdefghijklmnopqrstuvwxyz     ", k=40 * _PAD_BYTES))
        self._pads = [words[at * _PAD_BYTES :][:_PAD_BYTES] for at in range(40)]

    def begin(self) -> None:
        """Begins to produce."""
        self._thread.start()

    def end(self) -> None:
        """The same as `stop`."""
        self.stop()

    def await_produced(self, records: int) -> None:
        """Waits until there are so many."""
        while self.produced < records:
            time.sleep(_TICK_SECONDS)

    def spread(self, partitions: int) -> None:
        """Goes on into so many partitions, as soon as the producer knows of them."""
        while (
            len(self._producer.list_topics(self._topic).topics[self._topic].partitions)
            != partitions
        ):
            time.sleep(_TICK_SECONDS)
        self._partitions = partitions

    def stop(self) -> None:
        """Ends it, and waits until the broker has all records."""
        if not self._stopping.is_set():
            self._stopping.set()
            self._thread.join()
            left = self._producer.flush(180)
            assert not left, f"{left} records did not reach the broker"
            assert not self.failed, self.failed[:3]

    def abandon(self) -> None:
        """Ends it, whatever the broker has."""
        self._stopping.set()

    def _run(self) -> None:
        for due in paced(self._rate, self._stopping):
            while self.produced < due:
                self._produce(self.produced)
                self.produced += 1
            self._producer.poll(0)

    def _produce(self, number: int) -> None:
        while len(self._producer) > _MOST_WAITING:  # the broker is away
            self._producer.poll(0.1)
        self._producer.produce(
            self._topic,
            self._value(number),
            partition=number % self._partitions,
            on_delivery=self._delivered,
        )

    def _value(self, number: int) -> bytes:
        if number % _MALFORMED_EVERY == 0:
            self.malformed += 1
            return b'{"n":%d' % number
        if number % _UNMATCHED_EVERY == 0:
            self.unmatched += 1
            return b'{"writeKey":"wk_nobody","n":%d}' % number
        key = _KEYS[number // self._partitions % len(_KEYS)]
        for name, keys in DESTINATIONS.items():
            if key in keys:
                self.expected[name].add(number)
        event = {"writeKey": key, "n": number, "type": "track", "pad": self._pads[number % 40]}
        if number % _LATE_EVERY == 0:  # a client that was offline
            event["receivedAt"] = _rfc3339(time.time() - _LATE_SECONDS)
        return json.dumps(event).encode()

    def _delivered(self, error: object, _: object) -> None:
        if error is not None:
            self.failed.append(str(error))


def _rfc3339(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
