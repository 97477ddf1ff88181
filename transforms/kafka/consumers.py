"""Clients of Kafka: each reads one partition in order, and tells where its end is."""

import logging
import time
from collections.abc import Callable, Sequence
from typing import Any, Final, Literal

import msgspec
from apache_beam.metrics import Metrics
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from transforms.kafka.errors import (
    REFUSALS,
    KafkaSettingsError,
    OffsetGoneError,
    explain,
    said,
)
from transforms.kafka.settings import KafkaSettings

MissingOffsets = Literal["fail", "earliest", "latest"]
"""What happens where the next records are gone: an error, or what is left, or only what comes."""

_ASK_SECONDS: Final = 5.0
_DRAINED_SECONDS: Final = 1.0
_COMMIT_SECONDS: Final = 5.0
_WARN_SECONDS: Final = 30.0
# Fetched ahead, for each partition: librdkafka's own 64 MiB would be too much for many of them.
_QUEUE_KIB: Final = 16 * 1024

_LOG: Final = logging.getLogger(__name__)
_CLIENT_LOG: Final = logging.getLogger("librdkafka")


class Place(msgspec.Struct, frozen=True):
    """What a client reads, and how: clients of equal places can stand in for each other."""

    settings: KafkaSettings
    topic: str
    partition: int
    missing: MissingOffsets = "fail"

    @property
    def name(self) -> str:
        """The source of its records; without the brokers, which may change."""
        return f"{self.topic}/{self.partition}"


def new_consumer(settings: KafkaSettings, on_error: Callable[[KafkaError], None]) -> Consumer:
    """A client with the settings that a person gave and those that the source needs.

    Raises:
        KafkaSettingsError: The settings are not librdkafka's, or the environment lacks a secret.
    """
    config: dict[str, Any] = {"queued.max.messages.kbytes": _QUEUE_KIB} | settings.resolve()
    config |= {
        "bootstrap.servers": settings.servers,
        "auto.offset.reset": "error",
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "enable.partition.eof": True,
        "error_cb": on_error,
        "on_commit": _on_commit,
    }
    try:
        # What matters in its log, it tells as an error as well.
        _CLIENT_LOG.setLevel(logging.DEBUG if "debug" in config else logging.CRITICAL)
        return Consumer(config, logger=_CLIENT_LOG)
    except KafkaException as error:
        words = settings.redact(said(error.args[0]))
        raise KafkaSettingsError(f"{settings.path}: {words}") from None


class PartitionReader:
    """One partition's records in order.

    Attributes:
        place: What is read.
        next: The offset that comes next: of the next record, or where there was none yet.
    """

    def __init__(self, place: Place, offset: int) -> None:
        self.place = place
        self._refusal: KafkaError | None = None
        self._answered = False
        self._committed_at = self._warned_at = float("-inf")
        self._consumer = new_consumer(place.settings, self._on_error)
        self.seek(offset)

    def seek(self, offset: int) -> None:
        """Goes to an offset; what was fetched ahead is lost."""
        self.next = offset
        self._end: int | None = None
        # Not the client's own seek: it would not tell again where the end is.
        self._consumer.assign([self._at(offset)])

    def read(self, most: int, seconds: float) -> list[Message]:
        """The next records: `most`, or fewer that came within that time.

        Raises:
            OffsetGoneError: They are gone, and that is not to be passed over.
            KafkaReadError: They cannot be read, and waiting will not help.
        """
        try:
            messages = self._consumer.consume(most, seconds)
        except KafkaException as error:
            raise explain(f"{self.place.name} cannot be read", error) from error
        self._answered = self._answered or bool(messages)
        if any(map(Message.error, messages)):
            messages = [message for message in messages if not self._is_event(message)]
        if messages:
            self._refusal = None
            self.next = max(self.next, (messages[-1].offset() or 0) + 1)
        elif self._refusal is not None:
            raise explain(f"{self.place.name} cannot be read", self._refusal)
        return messages

    def at_end(self) -> bool:
        """Whether all that had been fetched when it was last asked has been read."""
        return self._end == self.next

    def is_drained(self) -> bool:
        """Whether the broker, asked now, has no more; False where it does not answer.

        Records of a transaction that is still open count as more: their times are not known yet.
        """
        if not self.at_end():
            return False
        at = self._at()
        try:
            _, stable = self._consumer.get_watermark_offsets(at, timeout=_DRAINED_SECONDS)
        except KafkaException:
            return False
        _, high = self._consumer.get_watermark_offsets(at, cached=True)
        return max(stable, high) <= self.next

    def commit(self, offset: int) -> None:
        """Tells the consumer group how far the job has come, for whoever watches its lag."""
        now = time.monotonic()
        if self._answered and now - self._committed_at >= _COMMIT_SECONDS:
            self._committed_at = now
            self._consumer.commit(offsets=[self._at(offset)], asynchronous=True)

    def close(self) -> None:
        """Lets go of connections and threads."""
        # Not the client's own close: while no broker answers, it waits 40 s for the last commit.
        del self._consumer

    def _at(self, offset: int = 0) -> TopicPartition:
        return TopicPartition(self.place.topic, self.place.partition, offset)

    def _is_event(self, message: Message) -> bool:
        """Takes note of a message that is no record."""
        error = message.error()
        if error is None:
            self.next = max(self.next, (message.offset() or 0) + 1)
            return False
        code = error.code()
        if code == KafkaError._PARTITION_EOF:  # noqa: SLF001 - librdkafka's own errors are named so
            self.next = self._end = max(self.next, message.offset() or 0)
        elif code == KafkaError._AUTO_OFFSET_RESET:  # noqa: SLF001
            self._go_on_after_gap()
        elif code in REFUSALS:
            raise explain(f"{self.place.name} cannot be read", error)
        else:
            self._warn(error)
        return True

    def _go_on_after_gap(self) -> None:
        name = self.place.name
        try:
            low, high = self._consumer.get_watermark_offsets(self._at(), timeout=_ASK_SECONDS)
        except KafkaException as error:
            raise explain(f"{name}: its offsets cannot be asked", error) from error
        if low <= self.next <= high:  # a leader that was behind for a moment
            self.seek(self.next)
            return
        if self.next > high:
            raise OffsetGoneError(
                f"{name}: offset {self.next} comes next, but the topic ends at {high}.\n"
                "Was it deleted and made anew? Then start a new run."
            )
        if self.place.missing == "fail":
            raise OffsetGoneError(
                f"{name}: offset {self.next} comes next, but the topic begins at {low}: "
                f"{low - self.next} offsets are gone.\n"
                "--on_missing_offsets=earliest goes on with what is left."
            )
        to = low if self.place.missing == "earliest" else high
        _LOG.warning("%s: offsets %d to %d are passed over", name, self.next, to - 1)
        Metrics.counter("kafka", "offsets_passed_over").inc(to - self.next)
        self.seek(to)

    def _on_error(self, error: KafkaError) -> None:
        if error.code() in REFUSALS:
            self._refusal = error
        self._warn(error)

    def _warn(self, error: KafkaError) -> None:
        """Says what it tries again for as long as it takes, but not each time."""
        now = time.monotonic()
        if now - self._warned_at >= _WARN_SECONDS:
            self._warned_at = now
            _LOG.warning("%s: %s", self.place.name, said(error))


def _on_commit(error: KafkaError | None, partitions: Sequence[TopicPartition]) -> None:
    failed = error or next((each.error for each in partitions if each.error), None)
    if failed is not None:
        _LOG.warning("offsets are not committed, so that no lag is seen: %s", said(failed))
