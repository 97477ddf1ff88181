"""`python -m benchmarks.latency`: how long after a window's end its objects and manifests come.

A real broker, a real S3 server and a steady stream; the command as a user runs it, on one engine
after another, with one setting after another. The buckets' listings are read every 200 ms: for each
window, when the last object of its first pane was seen, and the last of its first manifests.
"""

import argparse
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime, timezone
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple

from rich.console import Console

from benchmarks.engines import EngineName, running
from benchmarks.processes import end_job, usage
from benchmarks.tables import machine, markdown_table
from examples.demo.s3_server import OWNER, S3Server
from examples.engines.kafka_broker import KafkaBroker
from examples.termination import end_in_order
from tests.engines.live_job import BUCKET_OF, LiveJob
from tests.engines.steady import DESTINATIONS, Steady

PARTITIONS: Final = 4
RATE: Final = 500
_POLL_SECONDS: Final = 0.2
_UP_SECONDS: Final = 180.0
_LATEST_SECONDS: Final = 90.0


class Setting(NamedTuple):
    """One way to run the job.

    Attributes:
        engine: On which.
        window: In seconds.
        options: What is set beside the window; all else is the job's own default.
    """

    engine: EngineName
    window: int
    options: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What the table calls it."""
        said = " ".join(option.removeprefix("--") for option in self.options)
        return f"{self.engine}, {self.window} s" + (f", {said}" if said else "")


_ORDER: Final = "--max_out_of_orderness=2s"
SETTINGS: Final = (
    Setting("flink", 10),
    Setting("flink", 10, (_ORDER,)),
    Setting("flink", 10, (_ORDER, "--checkpointing_interval=1000")),
    Setting("flink", 10, (_ORDER, "--checkpointing_interval=5000")),
    Setting("flink", 10, (_ORDER, "--checkpointing_interval=10000")),
    Setting("flink", 10, (_ORDER, "--stable_input=off")),
    Setting("flink", 10, (_ORDER, "--max_bundle_time_mills=1000")),
    Setting("flink", 60, (_ORDER,)),
    Setting("prism", 10),
    Setting("prism", 10, (_ORDER,)),
    Setting("prism", 60, (_ORDER,)),
)


class Delay(NamedTuple):
    """Seconds from a window's end until its first pane's last object, and manifest, is seen."""

    objects: float
    manifests: float


class Measured(NamedTuple):
    """What a setting came to.

    Attributes:
        delays: One for each window.
        job: CPU seconds of the job's process for each second.
        engine: Those of the engine's.
    """

    delays: list[Delay]
    job: float
    engine: float


def main(arguments: Sequence[str]) -> int:
    """Measures every setting and prints a table.

    Returns:
        1 if with one of them the windows did not come.
    """
    parser = argparse.ArgumentParser(prog="python -m benchmarks.latency", description=__doc__)
    parser.add_argument("--windows", type=int, default=6, help="how many each (%(default)s)")
    parser.add_argument("--only", default="", help="settings whose names have these words, whole")
    options = parser.parse_args(arguments)
    screen = Console(highlight=False, soft_wrap=True, width=160)
    progress = Console(stderr=True, highlight=False, soft_wrap=True)
    failed = False
    table = markdown_table(
        "setting", "windows", "objects", "most", "manifests", "most", "job", "engine"
    )
    with S3Server() as server, KafkaBroker() as broker:
        bench = _Bench(server, broker, options.windows)
        for setting in SETTINGS:
            if f"{options.only}," in f"{setting.name},":
                progress.print(setting.name, markup=False)
                try:
                    table.add_row(*_row(setting, bench.run(setting)))
                except RuntimeError as error:
                    progress.print(f"error: {error}", style="red", markup=False)
                    failed = True
    screen.print(machine(), markup=False)
    screen.print(table)
    return int(failed)


class _Bench:
    def __init__(self, server: S3Server, broker: KafkaBroker, windows: int) -> None:
        self._server = server
        self._broker = broker
        self._windows = windows
        self._runs = 0

    def run(self, setting: Setting) -> Measured:
        """One job over a topic of its own."""
        self._runs += 1
        topic = self._broker.create_topic(f"clicks-{self._runs}", PARTITIONS)
        producer = self._broker.producer()
        with (
            TemporaryDirectory(prefix="s3-event-logs-latency-") as folder,
            running(setting.engine) as engine,
        ):
            job = LiveJob(self._server, Path(folder), self._broker.address, topic)
            window = f"--window={setting.window}s"
            process = job.begin(window, *engine.options, *setting.options)
            watch = _Watch(self._server, topic, setting.window)
            work = None
            try:
                work = engine.process_of(process.pid)
                pids = (process.pid, work)
                with Steady(producer, topic, PARTITIONS, RATE):
                    watch.until(process, watch.is_up, _UP_SECONDS)
                    # A window that began before could have waited for the job's start.
                    first = int(time.time()) // setting.window + 1
                    mine = range(first, first + self._windows)
                    began = time.monotonic()
                    before = [usage(pid).cpu for pid in pids]
                    longest = (self._windows + 1) * setting.window + _LATEST_SECONDS
                    watch.until(process, lambda: watch.has(mine), longest)
                    seconds = time.monotonic() - began
                    used = [usage(pid).cpu - cpu for pid, cpu in zip(pids, before, strict=True)]
            except RuntimeError as error:
                raise RuntimeError(f"{setting.name}: {error}\n{job.log()[-3000:]}") from None
            finally:
                end_job(process, work)
            return Measured(watch.delays(mine), used[0] / seconds, used[1] / seconds)


class _Watch:
    """When the objects and manifests of first panes were seen, by window."""

    def __init__(self, server: S3Server, topic: str, window: int) -> None:
        self._client = server.client(OWNER)
        self._buckets = sorted({f"{topic}-{name}" for name in BUCKET_OF.values()})
        self._window = window
        self._seen: set[str] = set()
        self._objects: defaultdict[int, list[float]] = defaultdict(list)
        self._manifests: defaultdict[int, list[float]] = defaultdict(list)

    def is_up(self) -> bool:
        """Whether anything was delivered."""
        return bool(self._manifests)

    def has(self, windows: Sequence[int]) -> bool:
        """Whether every destination has the manifest of these windows."""
        return all(len(self._manifests[each]) >= len(DESTINATIONS) for each in windows)

    def delays(self, windows: Sequence[int]) -> list[Delay]:
        """Of these windows, in seconds from their ends."""
        return [
            Delay(
                max(self._objects[each]) - (each + 1) * self._window,
                max(self._manifests[each]) - (each + 1) * self._window,
            )
            for each in windows
        ]

    def until(
        self, process: "subprocess.Popen[bytes]", done: Callable[[], bool], seconds: float
    ) -> None:
        """Looks again and again.

        Raises:
            RuntimeError: The job ended, or the time is over.
        """
        deadline = time.monotonic() + seconds
        while not done():
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("the windows did not come")
            time.sleep(_POLL_SECONDS)
            self._look()

    def _look(self) -> None:
        for bucket in self._buckets:
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=bucket)
            keys = {each["Key"] for page in pages for each in page.get("Contents", [])}
            now = time.time()
            for key in keys - self._seen:
                self._note(key, now)
            self._seen |= keys

    def _note(self, key: str, now: float) -> None:
        name = key.rpartition("/")[2]
        if "_p0" not in name:
            return  # of late events, which are gathered for minutes
        start = name.removeprefix("_").split("_")[1]
        number = _seconds(start) // self._window
        (self._manifests if name.startswith("_") else self._objects)[number].append(now)


def _seconds(time_text: str) -> int:
    parsed = datetime.strptime(time_text, "%Y%m%dT%H%M%SZ").replace(tzinfo=timezone.utc)
    return int(parsed.timestamp())


def _row(setting: Setting, measured: Measured) -> list[str]:
    objects, manifests = zip(*measured.delays, strict=True)
    seconds = [median(objects), max(objects), median(manifests), max(manifests)]
    return [
        setting.name,
        str(len(measured.delays)),
        *(f"{each:.1f}" for each in seconds),
        f"{measured.job:.2f}",
        f"{measured.engine:.2f}",
    ]


if __name__ == "__main__":
    end_in_order()
    sys.exit(main(sys.argv[1:]))
