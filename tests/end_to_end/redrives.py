"""Runs `run` and `redrive` as a user does, with a server between that may refuse."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import yaml

from examples.demo.s3_server import WRITER, Identity, S3Server
from tests.end_to_end.runs import Runs
from tests.faults.fault_server import FaultServer
from tests.parking import Ops, parked_part
from transforms.records import Part

EVENTS = [
    b'{"writeKey":"%s","receivedAt":"2026-11-20T10:%02d:00Z","n":%d}' % (key, n, n)
    for n in range(40)
    for key in (b"acme", b"beta")
]
_SECONDS = 60.0


class Redrives(Runs):
    """Two customers with a bucket each, and a server between that may refuse for them."""

    def __init__(
        self, server: S3Server, faults: FaultServer, folder: Path, names: list[str]
    ) -> None:
        super().__init__(server, folder, names[0])
        self.server = server
        self.faults = faults
        self.ops = Ops(folder / "ops")
        self.ops.folder.mkdir()
        self.buckets = dict(zip(("acme", "beta"), names, strict=True))
        first = self.configuration["connections"][0] | {"endpoint_url": faults.endpoint_url}
        self.configuration["connections"] = [
            first | {"name": name, "bucket": bucket} for name, bucket in self.buckets.items()
        ]
        self.configuration["destinations"] = [
            {"name": name, "connection": name, "prefix": "logs", "match": {"write_key": name}}
            for name in self.buckets
        ]

    def destination(self, name: str) -> dict[str, Any]:
        found: list[dict[str, Any]] = self.configuration["destinations"]
        return next(each for each in found if each["name"] == name)

    def connection(self, name: str) -> dict[str, Any]:
        found: list[dict[str, Any]] = self.configuration["connections"]
        return next(each for each in found if each["name"] == name)

    def part(self, destination: str, number: int = 0, **changed: Any) -> Part:  # noqa: ANN401 - any field
        part = parked_part(destination, number, **changed)
        target = msgspec.structs.replace(part.target, bucket=self.buckets[destination])
        return msgspec.structs.replace(part, target=target)

    def begin_redrive(self, *options: str, identity: Identity = WRITER) -> "subprocess.Popen[str]":
        (self.folder / "events.yaml").write_text(yaml.safe_dump(self.configuration))
        command = [sys.executable, "-m", "pipeline", "redrive", "--config=events.yaml", *options]
        path = os.pathsep.join([str(Path.cwd()), os.environ.get("PYTHONPATH", "")])
        return subprocess.Popen(  # noqa: S603 - the command under test
            command,
            cwd=self.folder,
            env={**os.environ, **self.server.environment(identity), "PYTHONPATH": path},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def redrive(
        self, *options: str, identity: Identity = WRITER
    ) -> "subprocess.CompletedProcess[str]":
        process = self.begin_redrive(*options, identity=identity)
        out, err = process.communicate()
        assert "Traceback" not in err, err
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def listed(objects: dict[str, bytes]) -> list[dict[str, Any]]:
    """All manifests of a redrive."""
    manifests = [json.loads(objects[key]) for key in sorted(objects) if "_redriven-" in key]
    assert all(manifest["redriven"] for manifest in manifests)
    return manifests


def urls(objects: dict[str, bytes]) -> set[str]:
    return {entry["url"] for manifest in listed(objects) for entry in manifest["entries"]}


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _SECONDS
    while not holds():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.02)
