"""What stops the Kafka source, and what it waits for; with a real broker."""

import pytest
from confluent_kafka import TopicPartition

from examples.engines.kafka_broker import KafkaBroker
from tests.engines.resumed_source import Source, lines, numbered, only, produce
from transforms.kafka.errors import KafkaReadError, OffsetGoneError
from transforms.kafka.partitions import Partition, list_partitions
from transforms.kafka.pool import readers
from transforms.kafka.settings import KafkaSettings

pytestmark = pytest.mark.usefixtures("no_reader_is_left")


def test_records_that_were_deleted_stop_the_job(
    broker: KafkaBroker, topic: str, settings: KafkaSettings
) -> None:
    produce(broker, topic, *numbered(0, 20))
    partition = only(settings, topic)
    broker.admin.delete_records([TopicPartition(topic, 0, 15)])[
        TopicPartition(topic, 0, 15)
    ].result(30)
    with pytest.raises(OffsetGoneError) as raised:
        Source(settings, partition).until(1)
    assert str(raised.value) == (
        f"{topic}/0: offset 0 comes next, but the topic begins at 15: 15 offsets are gone.\n"
        "--on_missing_offsets=earliest goes on with what is left."
    )
    assert lines(Source(settings, partition, missing="earliest").until(5)) == numbered(15, 20)
    source = Source(settings, partition, missing="latest")
    source.resume()
    while source.left is not None and source.left.offsets.start < 20:
        assert source.resume() == []
    produce(broker, topic, b"new")
    assert lines(source.until(1)) == [b"new"]


def test_a_topic_that_was_made_anew_stops_the_job(
    broker: KafkaBroker, topic: str, settings: KafkaSettings
) -> None:
    produce(broker, topic, *numbered(0, 3))
    partition = Partition(topic, 0, 100)
    with pytest.raises(OffsetGoneError) as raised:
        Source(settings, partition, missing="earliest").until(1)
    assert str(raised.value) == (
        f"{topic}/0: offset 100 comes next, but the topic ends at 3.\n"
        "Was it deleted and made anew? Then start a new run."
    )


def test_a_name_that_is_nearly_a_topic(topic: str, settings: KafkaSettings) -> None:
    with pytest.raises(KafkaReadError) as raised:
        list_partitions(settings, [f"{topic}s"])
    assert str(raised.value) == f"there is no topic {topic}s; is it {topic}?"


def test_a_broker_that_restarts_is_waited_for(another_broker: KafkaBroker) -> None:
    broker = another_broker
    settings = KafkaSettings(broker.address, (("reconnect.backoff.max.ms", "500"),))
    topic = broker.create_topic("clicks")
    produce(broker, topic, *numbered(0, 10))
    source = Source(settings, only(settings, topic))
    assert lines(source.until(10)) == numbered(0, 10)
    source.resume()
    assert source.left is not None
    broker.kill()
    source.resume()
    held = source.left.state.millis
    source.resume()
    assert source.left.state.millis == held  # nobody says that there is nothing more
    broker.start()
    produce(broker, topic, *numbered(10, 20))
    assert lines(source.until(10)) == numbered(10, 20)
    readers.close()
