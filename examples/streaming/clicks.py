"""Who clicks: live events at a steady rate into a topic, and what is to become of them."""

import threading
import time
from datetime import datetime, timezone
from random import Random
from typing import Final

from confluent_kafka import Producer

from examples.demo.events import make_lines
from examples.demo.expected import Expected
from examples.demo.senders import Facts, make_senders
from examples.engines.paced import paced
from examples.within import Within

_MOST_WAITING: Final = 50_000  # of the 100,000 that a producer takes
_FLUSH_SECONDS: Final = 30
_SENDING_SECONDS: Final = 1.0
_LATE_SHARE: Final = 0.002
_LATE_SECONDS: Final = 25.0  # a client that was offline sends what it kept
_VISITORS: Final = 4000


class Clicks(Within):
    """Produces for as long as a `with` lasts, or until `stop`, into all partitions in turn.

    Args:
        producer: Where to.
        topic: Which topic.
        partitions: How many it has.
        rate: Events a second.

    Attributes:
        expected: What is to become of all that was produced.
    """

    def __init__(self, producer: Producer, topic: str, partitions: int, rate: int) -> None:
        self.expected = Expected(files=())
        self._producer = producer
        self._topic = topic
        self._partitions = partitions
        self._rate = rate
        self._undelivered: list[str] = []
        self._stopping = threading.Event()
        self._rng = Random()  # noqa: S311 - not secret
        self._lines = make_lines(self._rng, make_senders(self._rng), self._draw, self.expected)
        self._thread = threading.Thread(target=self._run, name="clicks", daemon=True)

    def begin(self) -> None:
        """Begins to produce."""
        self._thread.start()

    def end(self) -> None:
        """Ends it, whatever the broker has."""
        self._stopping.set()
        self._thread.join()
        # Else it complains of what it holds, and of a broker that ends before it.
        self._producer.purge()
        del self._producer

    @property
    def is_producing(self) -> bool:
        """Whether it has not been stopped."""
        return not self._stopping.is_set()

    def stop(self) -> None:
        """Ends it, and waits until the broker has all events.

        Raises:
            RuntimeError: It did not take them all.
        """
        self._stopping.set()
        self._thread.join()
        left = self._producer.flush(_FLUSH_SECONDS)
        if left or self._undelivered:
            raise RuntimeError(f"the broker did not take all events: {self._undelivered[:1]}")

    def _run(self) -> None:
        for due in paced(self._rate, self._stopping):
            while self.expected.read < due and len(self._producer) < _MOST_WAITING:
                partition = self.expected.read % self._partitions
                content = next(self._lines).content
                self._producer.produce(
                    self._topic, content, partition=partition, on_delivery=self._answer
                )
            self._producer.poll(0)

    def _answer(self, error: object, _: object) -> None:
        if error is not None:
            self._undelivered.append(str(error))

    def _draw(self, _: int) -> Facts:
        """What is an event's own, if it is sent now."""
        rng, now = self._rng, time.time()
        waited = _LATE_SECONDS if rng.random() < _LATE_SHARE else _SENDING_SECONDS * rng.random()
        visitor = rng.randrange(_VISITORS)
        return Facts(
            message=f"{rng.getrandbits(128):032x}",
            visitor=f"9a0c1f3e-0000-4000-8000-{visitor:012x}",
            user=f'"user-{visitor}"' if visitor % 3 == 0 else "null",
            happened=_rfc3339(now - waited),
            sent=_rfc3339(now),
            received=_rfc3339(now),
            integrations="{}",
        )


def _rfc3339(seconds: float) -> str:
    """A time without its zone, as senders want it."""
    return datetime.fromtimestamp(seconds, timezone.utc).isoformat(timespec="milliseconds")[:23]
