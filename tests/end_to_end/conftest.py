import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from examples.demo.s3_server import OWNER, WRITER, S3Server
from tests.end_to_end.redrives import Redrives
from tests.end_to_end.runs import Runs
from tests.faults.fault_server import FaultServer
from transforms.s3_client import forget_clients

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@pytest.fixture(scope="session")
def owner(s3_server: S3Server) -> "S3Client":
    """The customer's own identity, which may do everything."""
    return s3_server.client(OWNER)


@pytest.fixture(scope="session")
def writer(s3_server: S3Server) -> "S3Client":
    """The job's identity, which may do what a bucket's policy grants it."""
    return s3_server.client(WRITER)


@pytest.fixture
def bucket(s3_server: S3Server) -> str:
    """A new bucket with the origin page's policy: `s3:PutObject` for the writer, nothing else."""
    name = f"customer-{uuid.uuid4().hex[:12]}"
    s3_server.create_bucket(name)
    return name


@pytest.fixture
def runs(s3_server: S3Server, tmp_path: Path, bucket: str) -> Runs:
    return Runs(s3_server, tmp_path, bucket)


@pytest.fixture
def _as_owner(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """This process has the owner's credentials."""
    for name, value in s3_server.environment(OWNER).items():
        monkeypatch.setenv(name, value)
    forget_clients()
    yield
    forget_clients()


@pytest.fixture
def redrives(s3_server: S3Server, tmp_path: Path) -> Iterator[Redrives]:
    names = [f"{name}-{uuid.uuid4().hex[:12]}" for name in ("acme", "beta")]
    for name in names:
        s3_server.create_bucket(name)
    with FaultServer(s3_server.endpoint_url) as faults:
        yield Redrives(s3_server, faults, tmp_path, names)
