"""The Kafka source against a real broker; what resumes it stands for a runner."""

import time
import uuid
from collections.abc import Iterator

import apache_beam as beam
import pytest
from apache_beam.io.watermark_estimators import ManualWatermarkEstimator
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner.fn_runner import FnApiRunner
from apache_beam.runners.sdf_utils import (
    RestrictionTrackerView,
    ThreadsafeRestrictionTracker,
)
from apache_beam.testing.util import assert_that
from apache_beam.utils.timestamp import MIN_TIMESTAMP
from confluent_kafka import Consumer, TopicPartition

from examples.engines.kafka_broker import KafkaBroker
from tests.engines.resumed_source import PACE, Source, lines, numbered, only, produce
from transforms.kafka.discovery import DiscoverPartitions, Given, GivenTracker, Submitted
from transforms.kafka.errors import KafkaReadError, OffsetGoneError
from transforms.kafka.partitions import Partition, list_partitions
from transforms.kafka.pool import readers
from transforms.kafka.reading import Pace
from transforms.kafka.settings import KafkaSettings
from transforms.kafka.source import ReadKafka
from transforms.kafka.watermark import LOWEST_SECONDS

HOUR = 3_600_000


@pytest.fixture(autouse=True, scope="module")
def no_reader_is_left() -> Iterator[None]:
    yield
    readers.close()


@pytest.fixture
def topic(broker: KafkaBroker) -> str:
    return broker.create_topic(f"clicks-{uuid.uuid4().hex[:8]}")


@pytest.fixture
def settings(broker: KafkaBroker) -> KafkaSettings:
    return KafkaSettings(broker.address)


def now() -> int:
    return time.time_ns() // 1_000_000


def test_a_partition_is_read_from_its_beginning(
    broker: KafkaBroker, topic: str, settings: KafkaSettings
) -> None:
    produce(broker, topic, *numbered(0, 250))
    source = Source(settings, only(settings, topic))
    blocks = source.until(250)
    assert lines(blocks) == numbered(0, 250)
    assert [block.start for block in blocks] == sorted(block.start for block in blocks)
    assert {block.start for block in blocks} == {0, 100, 200}
    assert {block.source for block in blocks} == {f"{topic}/0"}


def test_what_came_before_is_not_read_from_the_latest_offset(
    broker: KafkaBroker, topic: str, settings: KafkaSettings
) -> None:
    produce(broker, topic, *numbered(0, 10))
    source = Source(settings, only(settings, topic, start="latest"))
    produce(broker, topic, *numbered(10, 20))
    assert lines(source.until(10)) == numbered(10, 20)


def test_a_range_of_time_is_read_once_and_then_ends(
    broker: KafkaBroker, topic: str, settings: KafkaSettings
) -> None:
    start = now() - HOUR
    produce(broker, topic, *numbered(0, 60), at=start)
    partition = only(settings, topic, start=start + 10_000, stop=start + 20_000)
    assert (partition.start, partition.stop) == (10, 20)
    source = Source(settings, partition)
    blocks = source.until(10)
    assert lines(blocks) == numbered(10, 20)
    assert source.left is None
    assert {block.watermark for block in blocks} == {None}


def test_a_time_behind_the_last_record_is_the_end(
    broker: KafkaBroker, topic: str, settings: KafkaSettings
) -> None:
    produce(broker, topic, *numbered(0, 5), at=now() - HOUR)
    partition = only(settings, topic, start=now() - 1000, stop="latest")
    assert (partition.start, partition.stop) == (5, 5)
    source = Source(settings, partition)
    assert source.resume() == []
    assert source.left is None


def test_a_reading_is_resumed_where_it_stopped_also_by_another_process(
    broker: KafkaBroker, topic: str, settings: KafkaSettings
) -> None:
    produce(broker, topic, *numbered(0, 250))
    pace = Pace(block_records=100, checkpoint_records=70)
    source = Source(settings, only(settings, topic), pace)
    before = source.until(70)
    middle = source.left
    again = source.until(100)
    source.left = middle  # the runner goes back to its checkpoint
    readers.close()  # and the worker is another
    after = source.until(250 - len(lines(before)))
    assert lines(before) + lines(after) == numbered(0, 250)
    assert lines(after)[: len(lines(again))] == lines(again)
    for block in before + after:
        assert {position // 100 * 100 for position in block.record_positions()} == {block.start}


def test_a_replay_in_the_same_process_reads_the_same(
    broker: KafkaBroker, topic: str, settings: KafkaSettings
) -> None:
    produce(broker, topic, *numbered(0, 50))
    source = Source(settings, only(settings, topic))
    first = source.left
    blocks = source.until(50)
    source.left = first
    assert lines(source.until(50)) == lines(blocks)


@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd"])
def test_compressed_topics(
    broker: KafkaBroker, topic: str, settings: KafkaSettings, codec: str
) -> None:
    producer = broker.producer(compression_type=codec)
    for value in numbered(0, 100):
        producer.produce(topic, value, partition=0)
    producer.flush(30)
    assert lines(Source(settings, only(settings, topic)).until(100)) == numbered(0, 100)


def test_what_a_transaction_took_back_is_not_read(
    broker: KafkaBroker, topic: str, settings: KafkaSettings
) -> None:
    producer = broker.producer(transactional_id=topic)
    producer.init_transactions(30)
    for number, commit in enumerate([True, False, True, False]):
        producer.begin_transaction()
        for value in numbered(number * 10, number * 10 + 10):
            producer.produce(topic, value, partition=0)
        producer.flush(30)
        (producer.commit_transaction if commit else producer.abort_transaction)(30)
    source = Source(settings, only(settings, topic))
    blocks = source.until(20)
    assert lines(blocks) == numbered(0, 10) + numbered(20, 30)
    # Offsets 10, 21, 32 and 43 are markers; the last transaction has no record that is read.
    assert [p for block in blocks for p in block.record_positions()] == [*range(10), *range(22, 32)]
    deadline = time.monotonic() + 10
    while source.left is not None and source.left.offsets.start < 44:
        assert time.monotonic() < deadline, source.left
        assert source.resume() == []
    assert source.left is not None
    assert source.left.state.millis is not None
    assert source.left.state.millis > now() - 15_000  # read to its end, though no record is there

    bounded = Source(settings, only(settings, topic, stop="latest"))
    assert bounded.partition.stop == 44
    assert lines(bounded.until(20)) == numbered(0, 10) + numbered(20, 30)
    while bounded.left is not None:
        assert time.monotonic() < deadline
        assert bounded.resume() == []


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


def test_tombstones_empty_values_and_line_breaks_come_as_they_are(
    broker: KafkaBroker, topic: str, settings: KafkaSettings
) -> None:
    produce(broker, topic, b'{\n"n":1}', None, b"", b"\xff\xfe")
    (block,) = Source(settings, only(settings, topic)).until(4)
    assert block.lines == [b'{\n"n":1}', b"", b"", b"\xff\xfe"]
    assert block.tombstones == [1]
    assert [*block.record_positions()] == [0, 1, 2, 3]


def test_record_times_are_whole_seconds(
    broker: KafkaBroker, topic: str, settings: KafkaSettings
) -> None:
    produce(broker, topic, *numbered(0, 3), at=1_795_168_800_999)
    (block,) = Source(settings, only(settings, topic)).until(3)
    assert block.record_times == [1_795_168_800, 1_795_168_801, 1_795_168_802]
    assert block.record_time == 1_795_168_800


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


def test_lag_is_visible_to_ordinary_tools(broker: KafkaBroker, topic: str) -> None:
    settings = KafkaSettings(broker.address, (("group.id", topic),))
    produce(broker, topic, *numbered(0, 20))
    partition = Partition(topic, 0, 12)
    source = Source(settings, partition)
    source.until(8)
    client = Consumer({"bootstrap.servers": broker.address, "group.id": topic})
    deadline = time.monotonic() + 10
    while True:
        (seen,) = client.committed([TopicPartition(topic, 0)], timeout=10)
        if seen.offset == 20:
            break
        assert time.monotonic() < deadline, seen
        source.resume()
    client.close()


def test_partitions_that_came_later_are_found(broker: KafkaBroker, settings: KafkaSettings) -> None:
    topic = broker.create_topic(f"growing-{uuid.uuid4().hex[:8]}")
    submitted = Submitted(tuple(list_partitions(settings, [topic])))
    broker.add_partitions(topic, 3)
    tracker = RestrictionTrackerView(
        ThreadsafeRestrictionTracker(GivenTracker(Given(((topic, 1),))))
    )
    watermark = ManualWatermarkEstimator(MIN_TIMESTAMP)
    found = DiscoverPartitions(settings).process(submitted, tracker, watermark)
    assert [(each.partition, each.start) for each in found] == [(1, 0), (2, 0)]


def test_a_name_that_is_nearly_a_topic(topic: str, settings: KafkaSettings) -> None:
    with pytest.raises(KafkaReadError) as raised:
        list_partitions(settings, [f"{topic}s"])
    assert str(raised.value) == f"there is no topic {topic}s; is it {topic}?"


def test_the_source_on_a_runner_reads_a_range_of_all_partitions(
    broker: KafkaBroker, settings: KafkaSettings
) -> None:
    topic = broker.create_topic(f"wide-{uuid.uuid4().hex[:8]}", partitions=3)
    for partition in (0, 1):
        produce(
            broker, topic, *numbered(partition * 500, partition * 500 + 500), partition=partition
        )
    listed = list_partitions(settings, [topic], stop="latest")
    options = PipelineOptions(["--direct_num_workers=1"])
    with beam.Pipeline(FnApiRunner(), options=options) as pipeline:
        blocks = pipeline | ReadKafka(
            settings, listed, "run00000", pace=Pace(block_records=100, checkpoint_records=90)
        )
        assert blocks.is_bounded
        found = blocks | beam.FlatMap(lambda block: [(block.run, line) for line in block.lines])
        assert_that(found, _are([("run00000", line) for line in numbered(0, 1000)]))


def _are(expected: list[tuple[str, bytes]]) -> object:
    def check(found: list[tuple[str, bytes]]) -> None:
        assert sorted(found) == sorted(expected)

    return check


def test_a_stream_is_unbounded() -> None:
    pipeline = beam.Pipeline(FnApiRunner())
    blocks = pipeline | ReadKafka(KafkaSettings("b:1"), [Partition("t", 0, 0)], "run00000")
    assert not blocks.is_bounded


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
