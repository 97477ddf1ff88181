"""A range of a topic that ends, on each engine: the same objects, whichever delivers them."""

from pathlib import Path

from examples.demo.s3_server import S3Server
from examples.engines.flink_embedded import FlinkEmbedded
from examples.engines.kafka_broker import KafkaBroker
from tests.engines.left import Left, Place, check_law, check_sums, numbers
from tests.engines.live_job import LiveJob
from tests.engines.steady import Steady

RECORDS = 20_000
SECONDS = 180


def run(job: LiveJob, *options: str) -> Left:
    program = job.begin("--stop_offset=latest", "--window=10s", *options)
    try:
        assert program.wait(SECONDS) == 0, job.log()[-3000:]
    finally:
        program.kill()
    return job.look()


def contents(left: Left) -> dict[Place, list[int]]:
    return {
        place: numbers(place, body)
        for place, body in left.stored.items()
        if not place[1].endswith(".json")
    }


def test_a_range_ends_on_every_engine_with_the_same_objects(
    s3_server: S3Server,
    broker: KafkaBroker,
    flink_embedded: FlinkEmbedded,
    prism_location: str,
    tmp_path: Path,
) -> None:
    topic = broker.create_topic("range", 3)
    with Steady(broker.producer(), topic, 3) as steady:
        steady.await_produced(RECORDS)
        steady.stop()
    job = LiveJob(s3_server, tmp_path, broker.address, topic)
    here = run(job)
    check_law(here, steady)
    check_sums(here, steady)
    on_flink = run(job, *flink_embedded.options())
    check_law(on_flink, steady)
    on_prism = run(job, "--runner=PrismRunner", f"--prism_location={prism_location}")
    check_law(on_prism, steady)
    # The bytes may differ, where blocks were cut elsewhere; what they unpack to does not.
    assert contents(here) == contents(on_flink) == contents(on_prism)
    assert not here.parked


def test_times_of_a_range_are_those_of_its_records(
    s3_server: S3Server, broker: KafkaBroker, tmp_path: Path
) -> None:
    topic = broker.create_topic("range-of-times", 1)
    producer = broker.producer()
    for number in range(10):  # a record a second, from 2026-11-20T10:00:00Z on
        value = b'{"writeKey":"wk_web","n":%d}' % number
        producer.produce(topic, value, partition=0, timestamp=1_795_168_800_000 + 1000 * number)
    producer.flush(30)
    job = LiveJob(s3_server, tmp_path, broker.address, topic)
    program = job.begin("--start_offset=2026-11-20T10:00:02Z", "--stop_offset=2026-11-20T10:00:06Z")
    assert program.wait(SECONDS) == 0, job.log()
    assert sorted(job.look().by_manifests()["web"]) == [2, 3, 4, 5]
    assert "events read 4 " in job.log()
