"""`python -m benchmarks.isolation`: what one hanging and one refusing bucket cost the others.

Fifty customers, each with a bucket on a real S3 server, and the command as a user runs it, with
default settings. Runs without and with faults take turns. What is measured is when the last object
of the 48 healthy customers, and the last of their manifests, is stored, from the command's start.
At the end the faults are mended, what is parked is redriven, and every prefix is verified.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import IO, Final, NamedTuple

from rich.console import Console

from benchmarks.tables import machine
from examples.demo.s3_server import OWNER, REGION, WRITER, S3Server
from examples.termination import end_in_order
from tests.faults.answers import Answer
from tests.faults.fault_server import Behaviour, FaultServer, Rule

CUSTOMERS: Final = 50
HANGS: Final = "customer-07"
REFUSES: Final = "customer-23"
WINDOWS: Final = 6
OBJECTS_LIMIT: Final = 1.2  # times the run without faults
PUT_DEADLINE: Final = 30.0

_POLL_SECONDS: Final = 0.02
_PADDING: Final = "x" * 760
_NAMES: Final = [f"customer-{number:02}" for number in range(CUSTOMERS)]
_HEALTHY: Final = frozenset(_NAMES) - {HANGS, REFUSES}


class Timing(NamedTuple):
    """Seconds from the command's start until the healthy customers have everything."""

    objects: float
    manifests: float
    end: float


def main(arguments: Sequence[str]) -> int:
    """Measures, redrives and verifies.

    Returns:
        1 where something is not as it is promised.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="how many (%(default)s)")
    parser.add_argument("--events", type=int, default=300, help="of each customer and window")
    options = parser.parse_args(arguments)
    screen = Console(highlight=False, soft_wrap=True)
    with (
        TemporaryDirectory(prefix="s3-event-logs-isolation-") as folder,
        S3Server() as server,
        FaultServer(server.endpoint_url) as faults,
    ):
        bench = _Bench(Path(folder), server, faults, options.events)
        timings: dict[bool, list[Timing]] = {False: [], True: []}
        for _ in range(options.rounds):
            for broken in (False, True):
                timings[broken].append(bench.run(broken=broken))
        screen.print(machine(), markup=False)
        good = _show(screen, timings[False], timings[True])
        return 0 if bench.redrive_and_verify(screen) and good else 1


class _Bench:
    def __init__(self, folder: Path, server: S3Server, faults: FaultServer, events: int) -> None:
        self._folder = folder
        self._server = server
        self._faults = faults
        for name in _NAMES:
            server.create_bucket(name)
        _write_events(folder / "events.ndjson", events)
        (folder / "events.yaml").write_text(json.dumps(_configuration(faults.endpoint_url)))

    def run(self, *, broken: bool) -> Timing:
        """One run; where it is broken, two buckets are."""
        self._faults.heal()
        before = len(self._faults.requests)
        if broken:
            self._faults.script([Rule(Behaviour.HANG, HANGS), Rule(Answer.ACCESS_DENIED, REFUSES)])
        began = time.monotonic()
        with (self._folder / "run.log").open("wb") as log:
            process = self._begin(WRITER, "run", "--input=events.ndjson", log=log)
            try:
                objects = self._wait(process, before, WINDOWS * len(_HEALTHY), "ndjson.gz")
                manifests = self._wait(process, before, WINDOWS * len(_HEALTHY), "manifest.json")
                code = process.wait()
            finally:
                process.kill()
        if code != (3 if broken else 0):
            raise RuntimeError((self._folder / "run.log").read_text())
        return Timing(objects - began, manifests - began, time.monotonic() - began)

    def redrive_and_verify(self, screen: Console) -> bool:
        """Mends everything, delivers what is parked, and reads every prefix back."""
        self._faults.heal()
        steps = (
            (WRITER, ("redrive",)),
            (OWNER, ("verify", "--ops_path=ops")),
        )
        good = True
        for identity, command in steps:
            process = self._begin(identity, *command, log=subprocess.PIPE)
            try:
                said, _ = process.communicate()
            finally:
                process.kill()
            last = said.decode().rstrip().rpartition("\n")[2]
            screen.print(f"{' '.join(command)}: exit code {process.returncode}: {last}")
            good = good and process.returncode == 0
        return good

    def _begin(
        self, identity: str, *command: str, log: int | IO[bytes]
    ) -> "subprocess.Popen[bytes]":
        ours = self._server.environment(WRITER if identity == WRITER else OWNER)
        return subprocess.Popen(  # noqa: S603 - our own command
            [sys.executable, "-m", "pipeline", *command, "--config=events.yaml"],
            cwd=self._folder,
            env={**os.environ, **ours, "PYTHONPATH": str(Path.cwd())},
            stdout=log,
            stderr=subprocess.STDOUT,
        )

    def _wait(
        self, process: "subprocess.Popen[bytes]", before: int, wanted: int, suffix: str
    ) -> float:
        """When so many keys of healthy customers are stored, or the command has ended."""
        while True:
            stored = {
                (request.bucket, request.key)
                for request in self._faults.requests[before:]
                if request.status == 200  # noqa: PLR2004 - S3's OK
                and request.bucket in _HEALTHY
                and request.key.endswith(suffix)
            }
            if len(stored) >= wanted:
                return time.monotonic()
            if process.poll() is not None:
                raise RuntimeError((self._folder / "run.log").read_text())
            time.sleep(_POLL_SECONDS)


def _write_events(path: Path, events: int) -> None:
    with path.open("w") as file:
        for window in range(WINDOWS):
            for number in range(events):
                for name in _NAMES:
                    time_text = f"2026-11-20T10:{window * 10 + number % 10:02}:00Z"
                    event = {"writeKey": name, "receivedAt": time_text, "n": number, "p": _PADDING}
                    file.write(json.dumps(event, separators=(",", ":")) + "\n")


def _configuration(endpoint_url: str) -> dict[str, object]:
    return {
        "connections": [
            {
                "name": name,
                "bucket": name,
                "region": REGION,
                "endpoint_url": endpoint_url,
                "server_side_encryption": "AES256",
                "expected_bucket_owner": "123456789012",
            }
            for name in _NAMES
        ],
        "destinations": [
            {"name": name, "connection": name, "prefix": "logs", "match": {"write_key": name}}
            for name in _NAMES
        ],
        "ops": {"path": "ops"},
    }


def _show(screen: Console, whole: list[Timing], broken: list[Timing]) -> bool:
    def row(name: str, timings: list[Timing]) -> None:
        figures = [
            f"{median(values):6.1f} s ({min(values):.1f} to {max(values):.1f})"
            for values in zip(*timings, strict=True)
        ]
        screen.print(f"{name:15} objects {figures[0]}, manifests {figures[1]}, end {figures[2]}")

    row("without faults", whole)
    row("with faults", broken)
    ratios = [one.objects / other.objects for one, other in zip(broken, whole, strict=True)]
    delays = [one.manifests - other.manifests for one, other in zip(broken, whole, strict=True)]
    screen.print(
        f"the last object of the {len(_HEALTHY)} others: {median(ratios):.2f} times"
        f" ({min(ratios):.2f} to {max(ratios):.2f}; promised {OBJECTS_LIMIT})"
    )
    screen.print(
        f"their last manifest: {median(delays):.1f} s later ({min(delays):.1f} to"
        f" {max(delays):.1f}; promised {PUT_DEADLINE:.0f})"
    )
    return median(ratios) <= OBJECTS_LIMIT and median(delays) <= PUT_DEADLINE + 1


if __name__ == "__main__":
    end_in_order()
    sys.exit(main(sys.argv[1:]))
