"""Empty manifests of windows without events, in streams on real engines."""

import json
import statistics
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest

from examples.demo.s3_server import S3Server
from examples.engines.flink_embedded import FlinkEmbedded
from examples.engines.kafka_broker import KafkaBroker
from examples.engines.prism import prism_binary
from tests.engines.live_job import LiveJob
from tests.engines.steady import ALL_KEY

WINDOW: Final = 5
SOON: Final = 10
"""Seconds after a window's end: half of them come that soon, whatever else the machine does."""


class Watched:
    """A running job, and when each manifest was first seen.

    Attributes:
        ends: By destination, the ends of the windows of its manifests, one for each manifest.
        manifests: By key.
        delays: By key, how long after its window's end it was seen.
    """

    def __init__(self, job: LiveJob, process: "subprocess.Popen[bytes]") -> None:
        self.job = job
        self._process = process
        self.manifests: dict[str, dict[str, Any]] = {}
        self.delays: dict[str, float] = {}

    def ends(self, destination: str) -> list[int]:
        return sorted(
            _second(each["window"]["end"])
            for each in self.manifests.values()
            if each["destination"] == destination
        )

    def until(self, holds: Callable[[], bool], seconds: float = 300) -> None:
        deadline = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < deadline, self.job.log()[-3000:]
            assert self._process.poll() is None, self.job.log()[-3000:]
            time.sleep(0.3)
            self._look()

    def _look(self) -> None:
        stored = self.job.look().stored
        now = time.time()
        for (_, key), body in stored.items():
            if key.endswith(".manifest.json") and key not in self.manifests:
                self.manifests[key] = json.loads(body)
                self.delays[key] = now - _second(self.manifests[key]["window"]["end"])


def _second(text: str) -> int:
    return int(time.mktime(time.strptime(text, "%Y-%m-%dT%H:%M:%SZ"))) - time.timezone


@contextmanager
def watched(job: LiveJob, *options: str) -> Iterator[Watched]:
    process = job.begin(
        *options,
        f"--window={WINDOW}s",
        "--max_out_of_orderness=1s",
        "--config_ttl=1s",
    )
    try:
        yield Watched(job, process)
    finally:
        process.terminate()  # and the engine with it, where it is the process's own
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def without_gaps(ends: list[int]) -> bool:
    """One manifest of each window from the first to the last."""
    return ends == list(range(ends[0], ends[-1] + WINDOW, WINDOW))


def set_manifest(job: LiveJob, **modes: str) -> None:
    for destination in job.configuration["destinations"]:
        destination["manifest"] = modes.get(destination["name"], "with_data")
    job.configure()


def check(server: S3Server, folder: Path, broker: KafkaBroker, *options: str) -> None:
    topic = broker.create_topic(f"quiet-{uuid.uuid4().hex[:8]}", 2)
    job = LiveJob(server, folder, broker.address, topic)
    set_manifest(job, web="always", all="always")
    with watched(job, *options) as seen:
        # Before any event was ever read.
        seen.until(lambda: len(seen.ends("web")) > 1)
        producer = broker.producer()
        producer.produce(topic, b'{"writeKey":"%s","n":1}' % ALL_KEY.encode(), partition=0)
        assert not producer.flush(30)
        begun = len(seen.ends("web"))
        seen.until(lambda: len(seen.ends("web")) > begun + 3)

        set_manifest(job, web="always", all="always", app="always")
        reloaded = time.time()
        seen.until(lambda: len(seen.ends("app")) > 3)

    quiet_before = [end for end in seen.ends("app") if end < reloaded]
    assert len(quiet_before) == 1  # of the window with the event
    assert seen.ends("app")[1] <= reloaded + 2 * WINDOW + SOON
    assert without_gaps(seen.ends("app")[1:])
    for name in ("web", "all"):
        assert without_gaps(seen.ends(name))
    sizes = {
        name: [
            len(each["objects"])
            for each in seen.manifests.values()
            if each["destination"] == name and each["objects"]
        ]
        for name in ("web", "app", "all")
    }
    assert sizes == {"web": [], "app": [1], "all": [1]}
    assert {each["pane"] for each in seen.manifests.values()} == {0}
    # Those of the engine's start wait for it.
    assert statistics.median(seen.delays.values()) < SOON, seen.delays


def test_a_quiet_window_has_its_manifest_on_prism(
    s3_server: S3Server, tmp_path: Path, broker: KafkaBroker
) -> None:
    engine = ["--runner=PrismRunner", f"--prism_location={prism_binary()}"]
    check(s3_server, tmp_path, broker, *engine, "--environment_type=LOOPBACK")


@pytest.mark.parametrize("stable", ["off", "on"])
def test_a_quiet_window_has_its_manifest_on_flink(
    s3_server: S3Server,
    tmp_path: Path,
    broker: KafkaBroker,
    flink_embedded: FlinkEmbedded,
    stable: str,
) -> None:
    options = [*flink_embedded.options(), f"--stable_input={stable}"]
    check(s3_server, tmp_path, broker, *options)
