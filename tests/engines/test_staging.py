"""The project is staged to workers that lack it, and they deliver with it."""

import gzip
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from examples.demo.s3_server import OWNER, S3Server
from examples.engines.cache import MissingError
from examples.engines.prism import prism_binary
from tests.end_to_end.runs import Runs, lines_of, stored
from tests.engines.beam_boot import BeamWorker

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

PACKAGES = ("pipeline", "transforms")
LINES = [b'{"writeKey":"k","receivedAt":"2026-11-20T10:00:00Z","n":%d}' % n for n in range(1000)]


@pytest.fixture
def worker(tmp_path: Path) -> BeamWorker:
    home = tmp_path / "worker"
    home.mkdir()
    try:
        prism_binary()
        return BeamWorker(home)
    except MissingError as error:
        if os.environ.get("ENGINES") == "required":
            raise
        pytest.skip(str(error))


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What of the project makes the package, in a folder where nothing was built before."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copy(name, folder)
    for package in PACKAGES:
        leave = shutil.ignore_patterns("__pycache__")
        shutil.copytree(package, folder / package, ignore=leave)
    return folder


@pytest.fixture
def bucket(s3_server: S3Server) -> str:
    s3_server.create_bucket("staged")
    return "staged"


@pytest.fixture
def owner(s3_server: S3Server) -> "S3Client":
    return s3_server.client(OWNER)


@pytest.fixture
def runs(s3_server: S3Server, tmp_path: Path, bucket: str, owner: "S3Client") -> Iterator[Runs]:
    yield Runs(s3_server, tmp_path, bucket)
    for key in stored(owner, bucket):
        owner.delete_object(Bucket=bucket, Key=key)
    owner.delete_bucket(Bucket=bucket)


def sources() -> set[str]:
    """The files that a worker needs: all code, and the marks that say it is typed."""
    kinds = ("*.py", "py.typed")
    return {str(file) for kind in kinds for name in PACKAGES for file in Path(name).rglob(kind)}


def wheel_of(checkout: Path) -> Path:
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, "--wheel-dir=dist", "."], cwd=checkout, check=True)  # noqa: S603 - ours
    (wheel,) = (checkout / "dist").glob("*.whl")
    return wheel


def test_the_wheel_has_all_of_the_packages(checkout: Path) -> None:
    with zipfile.ZipFile(wheel_of(checkout)) as wheel:
        assert sources() <= set(wheel.namelist())


def test_setup_py_makes_a_source_package_that_has_all_of_the_packages(checkout: Path) -> None:
    subprocess.run(
        [sys.executable, "setup.py", "--quiet", "sdist", "--dist-dir=dist"],
        cwd=checkout,
        check=True,
    )
    (archive,) = (checkout / "dist").glob("*.tar.gz")
    with tarfile.open(archive) as source:
        names = {name.partition("/")[2] for name in source.getnames()}
    assert sources() | {"setup.py", "pyproject.toml"} <= names


@pytest.mark.parametrize("staged", ["setup_file", "extra_package"])
def test_a_worker_that_lacks_the_project_gets_it_and_delivers(
    staged: str, worker: BeamWorker, checkout: Path, runs: Runs, owner: "S3Client"
) -> None:
    assert worker.can_import("apache_beam")
    assert not worker.can_import("transforms")
    assert not worker.can_import("msgspec")  # nor has it what the project needs

    events = runs.write("events.ndjson.gz", gzip.compress(b"\n".join(LINES)))
    package = checkout / "setup.py" if staged == "setup_file" else wheel_of(checkout)
    done = runs(
        f"--input={events}",
        "--runner=PrismRunner",
        f"--prism_location={prism_binary()}",
        *worker.options(),
        f"--{staged}={package}",
    )

    assert done.returncode == 0, f"{done.stderr[-3000:]}\n{worker.log()[-3000:]}"
    assert lines_of(stored(owner, runs.bucket)) == sorted(LINES)
    for part in ("pipeline.build", "transforms.kafka.source", "transforms.verification"):
        assert worker.can_import(part), part
