import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from examples.demo.events import generate
from examples.demo.run import compare, run_demo
from examples.demo.s3_server import S3Server

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@pytest.fixture
def console() -> Console:
    return Console(record=True, quiet=False, width=200)


def test_the_demo_delivers_everything_and_notices_what_is_not_there(
    tmp_path: Path, s3_server: S3Server, owner: "S3Client", console: Console
) -> None:
    assert run_demo(s3_server, tmp_path, events=3_000, seed=3, console=console)
    said = console.export_text()
    assert "a put without the header was refused" in said
    assert "all 44 checks hold" in said
    assert _printed_commands_work(said)

    again = tmp_path / "again"
    again.mkdir()
    expected = generate(again, events=3_000, seed=3)
    listed = owner.list_objects_v2(Bucket="harbor-press-raw")["Contents"]
    first = next(each["Key"] for each in listed if not each["Key"].endswith(".json"))
    owner.delete_object(Bucket="harbor-press-raw", Key=first)

    assert not compare(s3_server, tmp_path, expected, console)
    said = console.export_text()
    assert "FAILED harbor-press: events" in said
    assert "FAILED harbor-press: objects by the manifests" in said
    assert "FAILED receipts: the SHA-256 of each object in the buckets" in said
    assert "FAILED meadow-shop" not in said


def _printed_commands_work(said: str) -> bool:
    commands = [line.strip() for line in said.splitlines() if line.strip().startswith("gzip -dc")]
    outputs = [
        subprocess.run(command, shell=True, check=True, capture_output=True).stdout  # noqa: S602
        for command in commands
    ]
    return len(outputs) == 4 and all(output.startswith(b"{") for output in outputs)
