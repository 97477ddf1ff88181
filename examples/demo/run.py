"""The demo from end to end: buckets, events, the job, and everything read back and compared."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import yaml
from botocore.exceptions import ClientError
from rich.console import Console

from examples.demo.checks import Check, bucket_checks, sum_checks
from examples.demo.customers import CONNECTIONS, configuration
from examples.demo.events import generate
from examples.demo.expected import Expected
from examples.demo.ops_records import read_sums
from examples.demo.policies import encryption_policy, origin_policy
from examples.demo.read_back import Found, read_back
from examples.demo.s3_server import OWNER, REGION, WRITER, S3Server
from examples.demo.show import show_checks, show_examples, show_input, show_sums, show_table

_PROBE: Final = "probe"


def run_demo(server: S3Server, folder: Path, events: int, seed: int, console: Console) -> bool:
    """Runs the whole demo against a server whose customers have no buckets yet.

    Args:
        server: It runs.
        folder: An existing folder that takes events, configuration, ops path and examples.
        events: How many to generate.
        seed: Decides their content.
        console: Where to tell of it.

    Returns:
        Whether every check holds.
    """
    began = time.monotonic()
    console.print(f"S3 server (SeaweedFS) on {server.endpoint_url}")
    for note in make_buckets(server):
        console.print(note)
    (folder / "events").mkdir()
    expected = generate(folder / "events", events, seed)
    show_input(console, expected)
    code = run_job(server, folder, console)
    if code != 0:
        console.print(f"FAILED the job: expected exit code 0, found {code}", style="red")
        return False
    good = compare(server, folder, expected, console)
    console.print(f"took {time.monotonic() - began:.0f} s")
    return good


def make_buckets(server: S3Server) -> Iterator[str]:
    """Makes the customers' buckets; yields what is worth telling of them."""
    for connection in CONNECTIONS:
        policy = encryption_policy if connection.encryption_demanded else origin_policy
        server.create_bucket(connection.bucket, policy(connection.bucket))
    names = ", ".join(connection.bucket for connection in CONNECTIONS)
    yield f"buckets {names}; their policies grant s3-copy s3:PutObject and nothing else"
    for connection in CONNECTIONS:
        if connection.encryption_demanded:
            refused = _refuses_unencrypted(server, connection.bucket)
            verdict = "was refused" if refused else "WAS TAKEN: this server does not enforce it"
            demand = f"{connection.bucket}'s policy also demands {connection.encryption}"
            yield f"{demand}; a put without the header {verdict}"


def run_job(server: S3Server, folder: Path, console: Console) -> int:
    """Writes the configuration and runs the job as a user would, with the write-only identity.

    Returns:
        The job's exit code.
    """
    config = folder / "s3-event-logs.yaml"
    config.write_text(yaml.safe_dump(configuration(server.endpoint_url, REGION), sort_keys=False))
    options = {
        "--config": config,
        "--input": folder / "events" / "*",
        "--ops_path": folder / "ops",
        "--window": "10m",
    }
    command = [f"{name}={value}" for name, value in options.items()]
    console.print(f"$ python -m pipeline run {' '.join(command)}")
    ours = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    job = subprocess.run(  # noqa: S603 -- this interpreter, and options made here
        [sys.executable, "-m", "pipeline", "run", *command],
        env=ours | server.environment(WRITER),
        check=False,
    )
    return job.returncode


def compare(server: S3Server, folder: Path, expected: Expected, console: Console) -> bool:
    """Reads everything back, shows it, and names each check that does not hold.

    Returns:
        Whether all hold.
    """
    found, strays = read_back(server.client(OWNER))
    sums = read_sums(folder / "ops")
    checks = [
        *bucket_checks(expected, found, strays),
        *sum_checks(expected, found, sums),
        *_refusals(server, found),
    ]
    show_table(console, found)
    show_sums(console, sums)
    show_examples(console, found, folder / "objects")
    return show_checks(console, checks)


def _refuses_unencrypted(server: S3Server, bucket: str) -> bool:
    try:
        server.client(WRITER).put_object(Bucket=bucket, Key=_PROBE, Body=b"")
    except ClientError as error:
        return error.response["Error"]["Code"] == "AccessDenied"
    server.client(OWNER).delete_object(Bucket=bucket, Key=_PROBE)
    return False


def _refusals(server: S3Server, found: dict[str, Found]) -> Iterator[Check]:
    """The job's identity could not have read what it wrote."""
    for name, there in found.items():
        if there.example is None:
            continue
        try:
            server.client(WRITER).get_object(Bucket=there.bucket, Key=there.example.key)
            answer = "given"
        except ClientError as error:
            answer = error.response["Error"]["Code"]
        yield Check(f"{name}: GetObject by s3-copy", "AccessDenied", answer)
