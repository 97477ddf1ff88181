"""A topic that gets more partitions while the job reads it."""

import time
from pathlib import Path

from examples.demo.s3_server import S3Server
from examples.engines.flink_embedded import FlinkEmbedded
from examples.engines.kafka_broker import KafkaBroker
from tests.engines.left import check_law, lacking
from tests.engines.live_job import LiveJob
from tests.engines.steady import Steady


def await_all(job: LiveJob, steady: Steady, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while lacking(job.look(), steady):
        assert time.monotonic() < deadline, job.log()[-2000:]
        time.sleep(1)


def test_new_partitions_are_read_without_a_restart(
    s3_server: S3Server, broker: KafkaBroker, flink_embedded: FlinkEmbedded, tmp_path: Path
) -> None:
    topic = broker.create_topic("growing-job", 2)
    job = LiveJob(s3_server, tmp_path, broker.address, topic)
    kafka = tmp_path / "kafka.properties"
    kafka.write_text("topic.metadata.refresh.interval.ms=2000\n")
    options = flink_embedded.options(checkpointing_millis=2000)
    program = job.begin(
        *options,
        f"--kafka_config={kafka}",
        "--window=5s",
        "--max_out_of_orderness=2s",
        "--late_firing_delay=3s",
    )
    try:
        with Steady(broker.producer(), topic, 2, rate=500) as steady:
            while not job.look().stored:
                assert program.poll() is None, job.log()
                time.sleep(1)
            broker.add_partitions(topic, 4)
            steady.spread(4)
            time.sleep(15)
            steady.stop()
            await_all(job, steady)
        check_law(job.look(), steady)
        sources = {tally["source"] for tally in job.look().ops_lines("tallies")}
        assert {f"{topic}/2", f"{topic}/3"} <= sources
        assert "new partitions are read from their first record on" in job.log()
    finally:
        program.kill()
        program.wait()
