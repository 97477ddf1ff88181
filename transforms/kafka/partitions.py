"""What of Kafka is to be read: topics by name, and offsets fixed when the job is submitted."""

import datetime as dt
import difflib
import re
import secrets
import time
from collections.abc import Iterator, Sequence
from typing import Final, Literal

import apache_beam as beam
import msgspec
from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from transforms.coders import StructCoder
from transforms.kafka.consumers import new_consumer
from transforms.kafka.errors import REFUSALS, KafkaReadError, advice, explain, said
from transforms.kafka.settings import KafkaSettings
from transforms.keys import RUN_CHARACTERS

Bound = Literal["earliest", "latest"] | int
"""Where to begin or to end: what there is, or the first record from a time on, in milliseconds."""

SCHEME: Final = "kafka://"

_SERVER: Final = re.compile(r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]):[0-9]{1,5}")
_TOPIC: Final = re.compile(r"[A-Za-z0-9._-]{1,249}")
_LAST_PORT: Final = 65_535
_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz234567"
_ASK_SECONDS: Final = 10.0


class Partition(msgspec.Struct, frozen=True, array_like=True):
    """A partition as it was when the job was submitted: an element of the source.

    It lies in savepoints: a field may be added at the end, with a default, and none taken away.

    Attributes:
        start: The first offset to read.
        stop: The first not to read; `None` for ever.
        cluster: The cluster's own id, empty where it has none; part of what names bounded input.
        run: The run's id, minted once, so that whoever resumes the run goes on with it.
        found: When it was found, in seconds since 1970; `None` in savepoints from before.
    """

    topic: str
    partition: int
    start: int
    stop: int | None = None
    cluster: str = ""
    run: str = ""
    found: int | None = None


beam.coders.registry.register_coder(Partition, StructCoder)


def parse_input(text: str) -> tuple[str, tuple[str, ...]]:
    """Turns `kafka://host:port[,host:port]/topic[,topic]` into brokers and topics.

    Raises:
        ValueError: It is no such address.
    """
    servers, slash, topics = text.removeprefix(SCHEME).partition("/")
    names = tuple(dict.fromkeys(topics.split(",")))
    if not (text.startswith(SCHEME) and slash):
        raise ValueError(f"{text!r} is not like kafka://host:port[,host:port]/topic[,topic]")
    for server in servers.split(","):
        if "@" in server:  # what stands before it is not repeated
            raise ValueError("a user and a password are no part of it: --kafka_config has them")
        if not _SERVER.fullmatch(server) or not _port(server):
            raise ValueError(f"{text!r}: {server!r} is no host:port")
    for name in names:
        if not _TOPIC.fullmatch(name):
            raise ValueError(f"{text!r}: {name!r} is no name of a topic")
    return servers, names


def _port(server: str) -> bool:
    # The client would take 99999 for 34463.
    return 0 < int(server.rpartition(":")[2]) <= _LAST_PORT


def parse_start(text: str) -> Bound:
    """Turns `earliest`, `latest` or a time such as `2026-11-20T10:00:00Z` into where to begin.

    Raises:
        ValueError: It is none of these.
    """
    return "earliest" if text == "earliest" else _bound(text, "none of earliest, latest and a time")


def parse_stop(text: str) -> Bound:
    """Turns `latest` or a time such as `2026-11-20T10:00:00Z` into where to end.

    Raises:
        ValueError: It is neither, or the time has not come yet.
    """
    return _bound(text, "neither latest nor a time")


def _bound(text: str, refused: str) -> Bound:
    if text == "latest":
        return "latest"
    try:
        moment = msgspec.convert(text, dt.datetime)
    except msgspec.ValidationError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise ValueError(f"{text!r} is {refused} with its offset, such as 2026-11-20T10:00:00Z")
    millis = int(moment.timestamp() * 1000)
    if millis < 0:  # brokers take these for something else
        raise ValueError(f"{text} is before 1970")
    if millis > time.time() * 1000:
        raise ValueError(f"{text} has not come yet")
    return millis


def mint_stream_run() -> str:
    """The id of a new run over a stream, which is like no other."""
    return "".join(secrets.choice(_LETTERS) for _ in range(RUN_CHARACTERS))


def list_partitions(
    settings: KafkaSettings,
    topics: Sequence[str],
    start: Bound = "earliest",
    stop: Bound | None = None,
    ask_seconds: float = _ASK_SECONDS,
) -> list[Partition]:
    """The partitions of topics by name and number, with the offsets that are to be read.

    With `read_committed`, the latest offset is the first of a transaction that is still open.

    Args:
        settings: How to reach the cluster.
        topics: The topics' names.
        start: Where to begin.
        stop: Where to end; `None` for never.
        ask_seconds: How long a broker may take for an answer.

    Raises:
        KafkaReadError: A topic does not exist or must not be read, or no broker answers.
    """
    heard: list[KafkaError] = []
    consumer = new_consumer(settings, heard.append)
    try:
        return list(_listed(consumer, topics, start, stop, ask_seconds))
    except KafkaException as error:
        consumer.poll(0)  # for what was not heard yet
        raise _unanswered(settings, error.args[0], heard) from None
    finally:
        consumer.close()


def _listed(
    consumer: Consumer, topics: Sequence[str], start: Bound, stop: Bound | None, seconds: float
) -> Iterator[Partition]:
    metadata = consumer.list_topics(timeout=seconds)
    for topic in sorted(topics):
        found = metadata.topics.get(topic)
        if found is None or found.error is not None:
            raise _unreadable(topic, found and found.error, list(metadata.topics))
        for number in sorted(found.partitions):
            at = TopicPartition(topic, number)
            low, high = consumer.get_watermark_offsets(at, timeout=seconds)
            first = _offset(consumer, at, start, (low, high), seconds)
            last = None if stop is None else _offset(consumer, at, stop, (low, high), seconds)
            yield Partition(
                topic,
                number,
                first,
                None if last is None else max(first, last),
                metadata.cluster_id or "",
                found=None if stop is not None else int(time.time()),
            )


def _offset(
    consumer: Consumer,
    partition: TopicPartition,
    bound: Bound,
    ends: tuple[int, int],
    seconds: float,
) -> int:
    low, high = ends
    if bound == "earliest":
        return low
    if bound == "latest":
        return high
    asked = TopicPartition(partition.topic, partition.partition, bound)
    (found,) = consumer.offsets_for_times([asked], timeout=seconds)
    if found.error is not None:
        raise KafkaException(found.error)
    return high if found.offset < 0 else min(found.offset, high)


def _unreadable(topic: str, error: KafkaError | None, known: Sequence[str]) -> KafkaReadError:
    if error is not None and error.code() != KafkaError.UNKNOWN_TOPIC_OR_PART:
        return explain(f"topic {topic} cannot be read", error)
    near = difflib.get_close_matches(topic, [name for name in known if name != topic], 1)
    return KafkaReadError(f"there is no topic {topic}" + (f"; is it {near[0]}?" if near else ""))


def _unanswered(
    settings: KafkaSettings, error: KafkaError, heard: Sequence[KafkaError]
) -> KafkaReadError:
    """That nobody answered in time, and why: a client tells that beside the way."""
    told = [each for each in heard if each.code() != KafkaError._ALL_BROKERS_DOWN]  # noqa: SLF001 - librdkafka's own errors are named so
    # The same handshake fails now as a refusal with its reason, now as a connection that broke.
    told.sort(key=lambda each: each.code() not in REFUSALS)
    cause = next((each for each in told if advice(each)), error)
    words = re.sub(r" \(after \d+ms in state.*", "", settings.redact(said(cause)))
    return KafkaReadError(f"{SCHEME}{settings.servers}: {words}\n{advice(cause)}".rstrip())
