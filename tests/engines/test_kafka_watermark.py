"""The watermark of a partition of a real broker."""

import time

import pytest

from examples.engines.kafka_broker import KafkaBroker
from tests.engines.resumed_source import HOUR, PACE, Source, lines, now, numbered, only, produce
from transforms.kafka.reading import Pace
from transforms.kafka.settings import KafkaSettings
from transforms.kafka.watermark import LOWEST_SECONDS

pytestmark = pytest.mark.usefixtures("no_reader_is_left")


def test_an_open_transaction_holds_the_watermark(
    broker: KafkaBroker, topic: str, settings: KafkaSettings
) -> None:
    old = now() - HOUR
    produce(broker, topic, b"{}", at=old)
    producer = broker.producer(transactional_id=topic)
    producer.init_transactions(30)
    producer.begin_transaction()
    producer.produce(topic, b"open", partition=0)
    producer.flush(30)
    source = Source(settings, only(settings, topic))
    source.until(1)
    for _ in range(8):
        assert source.resume() == []
    assert source.left is not None
    assert source.left.state.millis == old - 10_000
    producer.commit_transaction(30)
    assert lines(source.until(1)) == [b"open"]


def test_the_watermark_follows_the_records_and_blocks_are_told_the_one_before(
    broker: KafkaBroker, topic: str, settings: KafkaSettings
) -> None:
    start = now() - HOUR
    produce(broker, topic, *numbered(0, 30), at=start)
    source = Source(settings, only(settings, topic), Pace(checkpoint_records=10))
    first = source.until(10)
    assert {block.watermark for block in first} == {LOWEST_SECONDS}
    assert source.left is not None
    told = source.left.state.millis
    assert told == start + 9_000 - 10_000
    second = source.until(10)
    assert {block.watermark for block in second} == {told // 1000}


def test_a_partition_that_is_read_to_its_end_does_not_hold_windows_open(
    topic: str, settings: KafkaSettings
) -> None:
    source = Source(settings, only(settings, topic))
    deadline = time.monotonic() + 10
    while source.left is None or source.left.state.millis is None:
        assert time.monotonic() < deadline
        assert source.resume() == []
    assert now() - 12_000 < source.left.state.millis <= now() - 10_000
    # Flink cuts it to whole seconds: one is to be left.
    assert 1.0 <= source.left.delay_seconds <= PACE.pause_seconds
