"""Runs the command as a user does, and looks into the bucket as its owner does."""

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from examples.demo.s3_server import WRITER, S3Server

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class Runs:
    """Runs the command in a folder of its own, with one destination in one bucket."""

    def __init__(self, server: S3Server, folder: Path, bucket: str) -> None:
        self._server = server
        self.folder = folder
        self.bucket = bucket
        self.configuration: dict[str, Any] = {
            "connections": [
                {
                    "name": "acme",
                    "bucket": bucket,
                    "region": "us-east-1",
                    "endpoint_url": server.endpoint_url,
                    "server_side_encryption": "AES256",
                }
            ],
            "destinations": [
                {
                    "name": "acme-web",
                    "connection": "acme",
                    "prefix": "logs",
                    "match": {"write_key": "k"},
                }
            ],
            "ops": {"path": str(folder / "ops")},
        }

    def __call__(self, *options: str) -> "subprocess.CompletedProcess[str]":
        process = self.begin(*options)
        out, err = process.communicate()
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def begin(self, *options: str, **environment: str) -> "subprocess.Popen[str]":
        (self.folder / "events.yaml").write_text(yaml.safe_dump(self.configuration))
        command = [sys.executable, "-m", "pipeline", "run", "--config=events.yaml", *options]
        path = os.pathsep.join([str(Path.cwd()), os.environ.get("PYTHONPATH", "")])
        ours = {**self._server.environment(WRITER), "PYTHONPATH": path, **environment}
        return subprocess.Popen(  # noqa: S603 - the command under test
            command,
            cwd=self.folder,
            env={**os.environ, **ours},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def write(self, name: str, content: bytes) -> Path:
        path = self.folder / name
        path.write_bytes(content)
        return path

    def ops_lines(self, name: str) -> list[dict[str, Any]]:
        files = sorted((self.folder / "ops" / name).rglob("*.gz"))
        return [json.loads(line) for file in files for line in gzip.open(file)]


def stored(owner: "S3Client", bucket: str) -> dict[str, bytes]:
    listed = owner.list_objects_v2(Bucket=bucket).get("Contents", [])
    return {
        each["Key"]: owner.get_object(Bucket=bucket, Key=each["Key"])["Body"].read()
        for each in listed
    }


def lines_of(objects: dict[str, bytes]) -> list[bytes]:
    return sorted(
        line
        for key, body in objects.items()
        if not key.endswith(".manifest.json")
        for line in gzip.decompress(body).splitlines()
    )


def put_below(
    owner: "S3Client", bucket: str, objects: dict[str, bytes], prefix: str = "logs"
) -> None:
    for key, body in objects.items():
        owner.put_object(Bucket=bucket, Key=f"{prefix}/{key}", Body=body)


def lines_that_start(text: str, start: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith(start)]
