"""A job over a stream: its configuration and its command."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import yaml

from examples.demo.s3_server import OWNER, WRITER, S3Server
from tests.engines.left import Left, Place
from tests.engines.steady import DESTINATIONS
from transforms.parked import decode_parked

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

BUCKET_OF: Final = {"web": "alpha", "app": "alpha", "all": "beta"}
_TERMINATE_SECONDS: Final = 60


class LiveJob:
    """One job in a folder of its own, with three destinations in two buckets of its own.

    Attributes:
        root: The tree whose program is run.
        program: The module that is run, with the arguments of the command.

    Args:
        server: The S3 server, which is given the buckets.
        folder: For configuration, ops path and logs.
        address: The broker's.
        topic: What is read.
    """

    def __init__(self, server: S3Server, folder: Path, address: str, topic: str) -> None:
        self.root = Path(__file__).parents[2]
        self.program = "pipeline"
        self.folder = folder
        self.ops = folder / "ops"
        self.configuration_file = folder / "events.yaml"
        self._server = server
        self._input = f"kafka://{address}/{topic}"
        self._buckets = {name: f"{topic}-{name}" for name in ("alpha", "beta")}
        for bucket in self._buckets.values():
            server.create_bucket(bucket)
        self.configuration = self._configuration(server.endpoint_url)
        self.configure()

    def _configuration(self, endpoint_url: str) -> dict[str, Any]:
        connections = [
            {
                "name": name,
                "bucket": bucket,
                "region": "us-east-1",
                "endpoint_url": endpoint_url,
                "server_side_encryption": "AES256",
            }
            for name, bucket in self._buckets.items()
        ]
        destinations = [
            {
                "name": name,
                "connection": BUCKET_OF[name],
                "prefix": f"logs/{name}",
                "match": {"write_key": list(keys)},
                "shards": 2 if name == "web" else 1,
                "compression": "none" if name == "all" else "gzip",
            }
            for name, keys in DESTINATIONS.items()
        ]
        return {
            "connections": connections,
            "destinations": destinations,
            "ops": {"path": str(self.ops)},
        }

    def configure(self, endpoint_url: str | None = None) -> None:
        """Writes the configuration, its buckets behind another address if one is given."""
        if endpoint_url is not None:
            for connection in self.configuration["connections"]:
                connection["endpoint_url"] = endpoint_url
        scratch = self.configuration_file.with_suffix(".new")
        scratch.write_text(yaml.safe_dump(self.configuration))
        scratch.replace(self.configuration_file)

    @property
    def environment(self) -> dict[str, str]:
        """What the job's processes, wherever they run, find the program and its identity by."""
        path = os.pathsep.join([str(self.root), os.environ.get("PYTHONPATH", "")])
        search = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        return {
            **os.environ,
            **self._server.environment(WRITER),
            "PYTHONPATH": path,
            "PATH": search,
        }

    def begin(self, *options: str, log: str = "run.log") -> "subprocess.Popen[bytes]":
        """Submits it; the process lasts as long as the job, or as the options have it."""
        command = [sys.executable, "-m", self.program, "run", f"--config={self.configuration_file}"]
        with (self.folder / log).open("ab") as output:
            return subprocess.Popen(  # noqa: S603 - the command under test
                [*command, f"--input={self._input}", *options],
                cwd=self.folder,
                env=self.environment,
                stdout=output,
                stderr=output,
            )

    def redrive(self) -> "subprocess.CompletedProcess[str]":
        """Puts again what is parked."""
        return subprocess.run(  # noqa: S603 - the command under test
            [sys.executable, "-m", "pipeline", "redrive", f"--config={self.configuration_file}"],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def log(self, name: str = "run.log") -> str:
        """What it said."""
        path = self.folder / name
        return path.read_text(errors="replace") if path.exists() else ""

    def look(self) -> Left:
        """All that is in the buckets and in the ops path now."""
        owner = self._server.client(OWNER)
        places = [
            (bucket, key) for bucket in self._buckets.values() for key in _keys_of(owner, bucket)
        ]
        with ThreadPoolExecutor(8) as pool:
            stored = dict(zip(places, pool.map(lambda place: _get(owner, place), places)))  # noqa: B905 - as many
        parked = {}
        for path in (self.ops / "parked").rglob("*.avro"):
            record, body = decode_parked(path.read_bytes())
            parked[record.bucket, record.key] = body
        return Left(stored, parked, self.ops)


def _keys_of(owner: "S3Client", bucket: str) -> list[str]:
    pages = owner.get_paginator("list_objects_v2").paginate(Bucket=bucket)
    return [each["Key"] for page in pages for each in page.get("Contents", [])]


def _get(owner: "S3Client", place: Place) -> bytes:
    return owner.get_object(Bucket=place[0], Key=place[1])["Body"].read()
