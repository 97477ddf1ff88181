"""One drain of a backlog: a job over a full topic, watched from outside until all is delivered."""

import gzip
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, NamedTuple

from benchmarks.engines import Engine
from benchmarks.events import DESTINATIONS
from benchmarks.outputs import Content
from benchmarks.processes import Usage, end_job, usage
from examples.demo.s3_server import OWNER, REGION, WRITER, S3Server
from examples.engines.kafka_broker import KafkaBroker

GAP_SECONDS: Final = 1.0
_POLL_SECONDS: Final = 0.2
_TAIL_SECONDS: Final = 180.0


class Drained(NamedTuple):
    """What a drain came to.

    Attributes:
        read: Seconds from the first block that was read to the last.
        stored: Seconds from the first block until the last object was seen.
        listed: Seconds from the first block until the manifests speak of all events.
        ended: Seconds from the last block until the job ended by itself; `None` for a stream.
        usage: By process, what it used from the first block until the last object was seen, and its
            peak.
        gaps: Seconds between two blocks, each that was longer than `GAP_SECONDS`.
        content: All lines that were delivered.
    """

    read: float
    stored: float
    listed: float
    ended: float | None
    usage: dict[str, Usage]
    gaps: list[float]
    content: Content


class _Sample(NamedTuple):
    """What was seen at a moment: objects, events that manifests speak of, and usage."""

    time: float
    objects: int
    events: int
    usage: dict[str, Usage]


class Drain:
    """A job that delivers a topic into a bucket of its own.

    Args:
        folder: For configuration, ops path, log and trace.
        server: The S3 server.
        broker: Where the topic is.
        topic: What is read.
        events: How many are in it.
    """

    def __init__(
        self, folder: Path, server: S3Server, broker: KafkaBroker, topic: str, events: int
    ) -> None:
        self._folder = folder
        self._server = server
        self._broker = broker
        self._topic = topic
        self._events = events
        self._client = server.client(OWNER)
        self._bucket = folder.name
        self._seen: dict[str, int] = {}
        server.create_bucket(self._bucket)
        (folder / "events.yaml").write_text(json.dumps(self._configuration()))

    def run(self, engine: Engine, options: Sequence[str], *, ends: bool) -> Drained:
        """Runs the job until all is delivered.

        Raises:
            RuntimeError: The job ended before, or it took too long; with what it said.
        """
        process = self._begin([*engine.options, *options])
        work = None
        try:
            work = engine.process_of(process.pid)
            pids = {
                "job": process.pid,
                "engine": work,
                "broker": self._broker.pid or 0,
                "S3 server": self._server.pid or 0,
            }
            samples = self._watch(process, pids)
            ended = _await_end(process) if ends else None
        finally:
            end_job(process, work)
        return self._sum_up(samples, ended)

    def _begin(self, options: Sequence[str]) -> "subprocess.Popen[bytes]":
        address = f"kafka://{self._broker.address}/{self._topic}"
        arguments = [f"--config={self._folder / 'events.yaml'}", f"--input={address}", *options]
        with (self._folder / "run.log").open("wb") as log:
            return subprocess.Popen(  # noqa: S603 - our own command
                [sys.executable, "-m", "benchmarks.traced_run", self._trace, *arguments],
                env={**os.environ, **self._server.environment(WRITER)},
                stdout=log,
                stderr=log,
            )

    def _watch(self, process: "subprocess.Popen[bytes]", pids: dict[str, int]) -> list[_Sample]:
        samples: list[_Sample] = []
        deadline = time.monotonic() + _TAIL_SECONDS
        while not samples or samples[-1].events < self._events:
            # Not poll: what a process used can be read until somebody has waited for it.
            if time.monotonic() > deadline or os.waitid(
                os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT
            ):
                said = (self._folder / "run.log").read_text()[-3000:]
                raise RuntimeError(f"{samples[-1:]} of {self._events:,} events:\n{said}")
            if self._blocks():
                used = {name: usage(pid) for name, pid in pids.items()}
                self._look()
                found = sum(1 for key in self._seen if "manifest" not in key)
                if not samples or found > samples[-1].objects:
                    deadline = time.monotonic() + _TAIL_SECONDS
                samples.append(_Sample(time.time(), found, sum(self._seen.values()), used))
            time.sleep(_POLL_SECONDS)
        return samples

    def _look(self) -> None:
        for key in self._keys():
            if key in self._seen:
                continue
            self._seen[key] = 0
            if key.endswith(".manifest.json"):
                self._seen[key] = json.loads(self._get(key))["totals"]["events"]

    def _sum_up(self, samples: Sequence[_Sample], ended: float | None) -> Drained:
        blocks = self._blocks()
        first, last = blocks[0], blocks[-1]
        begin = samples[0]
        stored = next(each for each in samples if each.objects == samples[-1].objects)
        used = {
            name: Usage(stored.usage[name].cpu - begin.usage[name].cpu, now.peak)
            for name, now in samples[-1].usage.items()
        }
        return Drained(
            last - first,
            stored.time - first,
            samples[-1].time - first,
            None if ended is None else ended - last,
            used,
            [after - before for before, after in pairwise(blocks) if after - before > GAP_SECONDS],
            self._content(),
        )

    def _content(self) -> Content:
        events = check = 0
        for key in self._seen:
            if key.endswith(".ndjson.gz"):
                hashes = list(map(hash, gzip.decompress(self._get(key)).splitlines(keepends=True)))
                events, check = events + len(hashes), check + sum(hashes)
        return Content(events, check)

    def _blocks(self) -> list[float]:
        """When the blocks were read, as far as they are written down, the oldest first."""
        if not self._trace.exists():
            return []
        return sorted(float(line.split()[0]) for line in self._trace.read_text().splitlines())

    def _keys(self) -> list[str]:
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket)
        return [each["Key"] for page in pages for each in page.get("Contents", [])]

    def _get(self, key: str) -> bytes:
        return self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read()

    @property
    def _trace(self) -> Path:
        return self._folder / "blocks.txt"

    def _configuration(self) -> dict[str, Any]:
        connection = {
            "name": "bucket",
            "bucket": self._bucket,
            "region": REGION,
            "endpoint_url": self._server.endpoint_url,
            "server_side_encryption": "AES256",
        }
        destinations = [
            {"name": name, "connection": "bucket", "prefix": name, "match": {"write_key": key}}
            for key, name in DESTINATIONS.items()
        ]
        return {
            "connections": [connection],
            "destinations": destinations,
            "ops": {"path": str(self._folder / "ops")},
        }


def _await_end(process: "subprocess.Popen[bytes]") -> float:
    """When a job that ends has ended.

    Raises:
        RuntimeError: It did not, or not well.
    """
    try:
        code = process.wait(_TAIL_SECONDS)
    except subprocess.TimeoutExpired:
        raise RuntimeError("all is delivered, and the job does not end") from None
    if code:
        raise RuntimeError(f"all is delivered, and the job ended with {code}")
    return time.time()
