"""A stream that runs: Kafka, an embedded Flink, and the fault server before the buckets."""

import re
import subprocess
import time
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Final

from examples.demo.s3_server import OWNER, S3Server
from examples.engines.flink_embedded import FlinkEmbedded
from examples.engines.kafka_broker import KafkaBroker
from examples.within import Within
from tests.engines.left import Left, lacking
from tests.engines.live_job import LiveJob
from tests.engines.steady import Steady
from tests.faults.fault_server import FaultServer
from transforms.parked import decode_parked

WINDOW_SECONDS: Final = 10
BEGIN_SECONDS: Final = 300
"""A busy machine takes its time until a job runs."""
PARTITIONS: Final = 4
_POLL_SECONDS: Final = 0.5
_FIRST_PANE: Final = re.compile(r"_\d{8}T\d{6}Z_(\d{8}T\d{6}Z)_[^/]*_p0_[^/]*\.ndjson")


class LiveStream(Within):
    """Runs within a `with`: the job from a topic of its own to its three destinations.

    Args:
        server: The S3 server; the job reaches it through `faults`.
        broker: The broker, which is given the topic.
        folder: For the job's files.
        topic: The topic.
        options: More options of the job.

    Attributes:
        job: Its files, and what it left.
        faults: What stands before the S3 server.
        topic: What it reads.
        flink: Who runs it.
    """

    def __init__(
        self, server: S3Server, broker: KafkaBroker, folder: Path, topic: str, *options: str
    ) -> None:
        self.topic = broker.create_topic(topic, PARTITIONS)
        self.job = LiveJob(server, folder, broker.address, topic)
        self.faults = FaultServer(server.endpoint_url)
        self.flink = FlinkEmbedded()
        self._server = server
        self._options = [f"--window={WINDOW_SECONDS}s", "--max_out_of_orderness=2s", *options]
        self._process: subprocess.Popen[bytes] | None = None

    def begin(self) -> None:
        """Submits the job; what it needs is started before."""
        self.faults.__enter__()
        self.job.configure(self.faults.endpoint_url)
        self.flink.begin()
        engine = self.flink.options(checkpointing_millis=3000)
        self._process = self.job.begin(*engine, "--late_firing_delay=5s", *self._options)

    def end(self) -> None:
        """Ends all of it."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self.flink.end()
        self.faults.__exit__(None, None, None)

    @property
    def pids(self) -> tuple[int, int]:
        """The process that does the work, and the JVM."""
        assert self._process is not None
        assert self.flink.pid is not None
        return self._process.pid, self.flink.pid

    def wait(self, holds: Callable[[], bool], seconds: float, what: str) -> float:
        """Waits until something holds; returns how long that took.

        Raises:
            AssertionError: It never came, or the job ended; with its last words.
        """
        begun = time.monotonic()
        while not holds():
            assert self._process is not None
            assert self._process.poll() is None, f"the job ended:\n{self.job.log()[-5000:]}"
            waited = time.monotonic() - begun
            assert waited < seconds, f"not within {seconds} s: {what}\n{self.job.log()[-5000:]}"
            time.sleep(_POLL_SECONDS)
        return time.monotonic() - begun

    def await_puts(self, bucket: str, seconds: float) -> float:
        """Waits for an object that is put into a bucket, and asked for from now on."""
        before = len(self.faults.requests)

        def came() -> bool:
            later = self.faults.requests[before:]
            return any(each.bucket == bucket and each.status == 200 for each in later)

        return self.wait(came, seconds, f"puts into {bucket}")

    def await_all(self, steady: Steady, seconds: float) -> Left:
        """Waits until the manifests speak of all that was produced; gives what is there."""
        self.wait(lambda: not lacking(self.job.look(), steady), seconds, "all events")
        time.sleep(WINDOW_SECONDS)  # what else might come
        return self.job.look()

    def reasons(self) -> set[tuple[bool, str]]:
        """Why objects are parked: whether it may pass by itself, and what was said."""
        files = (self.job.ops / "parked").rglob("*.avro")
        records = [decode_parked(path.read_bytes())[0] for path in files]
        return {(record.transient, record.error) for record in records}

    def lags(self, bucket: str) -> dict[int, float]:
        """By the end of each window, how many seconds later the last of its first objects came."""
        owner = self._server.client(OWNER)
        found: dict[int, float] = {}
        for page in owner.get_paginator("list_objects_v2").paginate(Bucket=bucket):
            for each in page.get("Contents", []):
                if (matched := _FIRST_PANE.search(each["Key"])) is not None:
                    end = _seconds(matched[1])
                    lag = each["LastModified"].timestamp() - end
                    found[end] = max(lag, found.get(end, lag))
        return found


def _seconds(stamp: str) -> int:
    moment = datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=timezone.utc)
    return int(moment.timestamp())
