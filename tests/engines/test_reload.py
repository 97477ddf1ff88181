"""A configuration that changes under a stream on a real engine, with a real broker and bucket."""

import signal
import time
from collections.abc import Callable
from pathlib import Path

from examples.demo.s3_server import S3Server
from examples.engines.flink_embedded import FlinkEmbedded
from examples.engines.kafka_broker import KafkaBroker
from tests.engines.left import Left, check_law, lacking
from tests.engines.live_job import LiveJob
from tests.engines.steady import Steady
from transforms.parked import decode_parked


def test_changes_come_into_force_while_the_job_runs_and_no_event_is_lost(
    broker: KafkaBroker, flink_embedded: FlinkEmbedded, s3_server: S3Server, tmp_path: Path
) -> None:
    topic = broker.create_topic("reload", 2)
    job = LiveJob(s3_server, tmp_path, broker.address, topic)
    process = job.begin(
        *flink_embedded.options(),
        "--streaming",
        "--window=5s",
        "--config_ttl=1s",
        "--late_firing_delay=5s",
    )
    try:
        with Steady(broker.producer(), topic, 2, rate=500) as steady:
            _await(job, lambda: any("/web/" in key for key in _keys(job.look())))
            text = job.configuration_file.read_text()
            job.configuration_file.write_text(text.replace("shards: 2", "shards: none"))
            _await(job, lambda: "shards: " in job.log() and "stays in force" in job.log())
            [web, app, _] = job.configuration["destinations"]
            web |= {"prefix": "logs/web/new", "shards": 3}
            app |= {"connection": "beta"}
            job.configure()
            _await(job, lambda: any("/web/new/" in key for key in _keys(job.look())))
            _await(job, lambda: any("/app/" in key for key in _keys(job.look(), f"{topic}-beta")))
        _await(job, lambda: not lacking(job.look(), steady))
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)
    left = job.look()
    check_law(left, steady)
    said = {decode_parked(path.read_bytes())[0].error for path in left.ops.rglob("*.avro")}
    assert said <= {"destination changed"}
    assert "a new version is in force; changed: web, app" in job.log()


def _keys(left: Left, bucket: str = "") -> list[str]:
    return [key for name, key in left.stored if bucket in (name, "")]


def _await(job: LiveJob, wanted: Callable[[], bool], seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while not wanted():
        assert time.monotonic() < deadline, job.log()[-3000:]
        time.sleep(0.5)
