"""The Kafka source against a bare loop of its client, each in a process of its own.

`python -m benchmarks.kafka` starts a broker, fills a topic, and prints records per CPU second of
the reading process: the loop takes each record's value, offset and time; the source makes blocks,
which are thrown away.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from typing import Final

import apache_beam as beam
from apache_beam.runners.portability.fn_api_runner.fn_runner import FnApiRunner
from apache_beam.runners.sdf_utils import (
    RestrictionTrackerView,
    ThreadsafeRestrictionTracker,
    ThreadsafeWatermarkEstimator,
)
from confluent_kafka import Consumer, TopicPartition

from examples.engines.kafka_broker import KafkaBroker
from examples.termination import end_in_order
from transforms.kafka.offsets import OffsetTracker
from transforms.kafka.partitions import Partition, list_partitions
from transforms.kafka.reading import Pace
from transforms.kafka.settings import KafkaSettings
from transforms.kafka.source import OffsetsOfPartition, ReadKafka, ReadPartitionForEver
from transforms.kafka.watermark import PartitionWatermark, WatermarkState

TOPIC: Final = "benchmark"
PARTITIONS: Final = 2
VALUE_BYTES: Final = 850


def bare_loop(address: str, records: int) -> int:
    """Takes value, offset and time of each record."""
    consumer = Consumer(
        {"bootstrap.servers": address, "group.id": "bare", "enable.auto.commit": False}
    )
    consumer.assign([TopicPartition(TOPIC, number, 0) for number in range(PARTITIONS)])
    read = 0
    while read < records:
        for message in consumer.consume(1024, 0.1):
            if message.error() is None:
                message.value(), message.offset(), message.timestamp()
                read += 1
    consumer.close()
    return read


def source(address: str, records: int) -> int:
    """The source alone, resumed as a runner would, its blocks thrown away."""
    settings = KafkaSettings(address)
    reads = ReadPartitionForEver(settings, "fail", Pace())
    provider = OffsetsOfPartition()
    left = [
        (each, provider.initial_restriction(each), WatermarkState())
        for each in list_partitions(settings, [TOPIC])
    ]
    read = 0
    while read < records:
        element, offsets, state = left.pop(0)
        tracker = ThreadsafeRestrictionTracker(OffsetTracker(offsets))
        watermark = ThreadsafeWatermarkEstimator(PartitionWatermark(state))
        for block in reads.process(element, RestrictionTrackerView(tracker), watermark):
            read += len(block.lines)
        left.append((element, tracker.deferred_status()[0], watermark.get_estimator_state()))
    return read


def runner(address: str, records: int) -> int:
    """The same on Beam's in-process runner, over a bounded range."""
    settings = KafkaSettings(address)
    listed: list[Partition] = list_partitions(settings, [TOPIC], stop="latest")
    with beam.Pipeline(FnApiRunner()) as pipeline:
        _ = pipeline | ReadKafka(settings, listed, "benchmrk") | beam.FlatMap(lambda _: ())
    return records


READERS: Final = {"bare": bare_loop, "source": source, "runner": runner}


def fill(broker: KafkaBroker, records: int) -> None:
    """Produces values that are like events in length."""
    broker.create_topic(TOPIC, PARTITIONS)
    producer = broker.producer(queue_buffering_max_messages=10**6)
    value = b"x" * VALUE_BYTES
    for number in range(records):
        producer.produce(TOPIC, value, partition=number % PARTITIONS)
        if number % 10_000 == 0:
            producer.poll(0)
    producer.flush(120)


def main() -> None:
    """Runs all of them, in turns, and prints the median."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=500_000)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--reader", choices=READERS, help=argparse.SUPPRESS)
    parser.add_argument("--address", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.reader:
        _measure(options.reader, options.address, options.records)
        return
    rates: dict[str, list[float]] = {name: [] for name in READERS}
    with KafkaBroker() as broker:
        fill(broker, options.records)
        for _ in range(options.turns):
            for name in READERS:
                rates[name].append(_run(name, broker.address, options.records))
    bare = sorted(rates["bare"])[options.turns // 2]
    for name, found in rates.items():
        median = sorted(found)[options.turns // 2]
        each = ", ".join(f"{rate:,.0f}" for rate in found)
        print(f"{name:8}{median:12,.0f} records per CPU second ({median / bare:.0%}; {each})")  # noqa: T201


def _run(name: str, address: str, records: int) -> float:
    command = [sys.executable, "-m", "benchmarks.kafka", f"--reader={name}"]
    command += [f"--address={address}", f"--records={records}"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 - what stands here
    rate: float = json.loads(done.stdout.splitlines()[-1])
    return rate


def _measure(name: str, address: str, records: int) -> None:
    time.sleep(0.1)
    before = _cpu_seconds()
    read = READERS[name](address, records)
    print(json.dumps(read / (_cpu_seconds() - before)))  # noqa: T201


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    end_in_order()
    main()
