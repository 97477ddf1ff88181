from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from examples.demo.s3_server import OWNER, S3Server
from tests.faults.fault_server import FaultServer
from tests.faults.s3_clients import client_of, new_bucket

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@pytest.fixture(scope="module")
def owner(s3_server: S3Server) -> "S3Client":
    """The bucket's owner, who speaks to the real server."""
    return s3_server.client(OWNER)


@pytest.fixture
def bucket(s3_server: S3Server) -> str:
    return new_bucket(s3_server)


@pytest.fixture
def server(s3_server: S3Server) -> Iterator[FaultServer]:
    with FaultServer(s3_server.endpoint_url) as server:
        yield server


@pytest.fixture
def writer(s3_server: S3Server, server: FaultServer) -> Iterator["S3Client"]:
    """The job's identity, which speaks to the fault server and tries once."""
    with client_of(server, s3_server) as client:
        yield client
