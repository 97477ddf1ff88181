"""Single events with times of their own choice: the record's, and the event's own."""

import json
import time
from datetime import datetime, timezone
from typing import Final, NamedTuple

from confluent_kafka import Message

from examples.engines.kafka_broker import KafkaBroker
from tests.engines.steady import ALL_KEY

_FLUSH_SECONDS: Final = 60


class Sent(NamedTuple):
    """An event that is in the topic.

    Attributes:
        number: Its own.
        value: Its bytes.
        record_time: In seconds since 1970.
        own_time: By its own account; `None` where it tells none.
        partition: Where it lies.
        offset: And where there.
    """

    number: int
    value: bytes
    record_time: float
    own_time: float | None
    partition: int
    offset: int


class Sender:
    """Puts numbered events, for `app` and `all`, into a topic.

    Args:
        broker: Where it is.
        topic: Which.
    """

    def __init__(self, broker: KafkaBroker, topic: str) -> None:
        self.sent: dict[int, Sent] = {}
        self._broker = broker
        self._topic = topic
        self._producer = broker.producer()

    def send(self, record_time: float, own_time: float | None = None, partition: int = 0) -> int:
        """Puts one event there, and waits until it is; returns its number.

        Args:
            record_time: In seconds since 1970.
            own_time: The event's, `None` for an event that tells none.
            partition: Where to.
        """
        number = len(self.sent)
        event: dict[str, object] = {"writeKey": ALL_KEY, "n": number}
        if own_time is not None:
            moment = datetime.fromtimestamp(own_time, timezone.utc)
            event["receivedAt"] = moment.isoformat()
        value = json.dumps(event).encode()

        def delivered(error: object, message: Message) -> None:
            assert error is None, error
            offset = message.offset() or 0
            self.sent[number] = Sent(number, value, record_time, own_time, partition, offset)

        self._producer.produce(
            self._topic,
            value,
            partition=partition,
            timestamp=int(record_time * 1000),
            on_delivery=delivered,
        )
        self._producer.flush(_FLUSH_SECONDS)
        assert number in self.sent, "the broker did not take it"
        return number

    def send_now(self) -> int:
        """One of this moment."""
        return self.send(time.time())
