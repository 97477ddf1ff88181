"""Clients of the fault server and of the real one behind it, and what they put and find there."""

import http.client
import os
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.client import Config
from botocore.exceptions import ClientError

from examples.demo.s3_server import REGION, WRITER, Identity, S3Server
from tests.faults.fault_server import FaultServer

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

KEY = "logs/2026/a b+ü&.ndjson"
BODY = b'{"type":"page"}\n'
LARGE = os.urandom(5 << 20)


@contextmanager
def client_of(
    server: FaultServer,
    s3_server: S3Server,
    identity: Identity = WRITER,
    **settings: Any,  # noqa: ANN401 - botocore's own
) -> Iterator["S3Client"]:
    """A client of the fault server, which tries once unless the settings say otherwise."""
    keys = s3_server.environment(identity)
    client = boto3.client(
        "s3",
        endpoint_url=server.endpoint_url,
        region_name=REGION,
        aws_access_key_id=keys["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=keys["AWS_SECRET_ACCESS_KEY"],
        config=Config(
            connect_timeout=1,
            max_pool_connections=16,
            retries={"mode": "standard", "total_max_attempts": 1},
            s3={"addressing_style": "path"},
        ).merge(Config(**settings)),
    )
    try:
        yield client
    finally:
        client.close()


def connection_to(server: FaultServer) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(server.endpoint_url.removeprefix("http://"), timeout=10)


def new_bucket(s3_server: S3Server) -> str:
    name = f"faults-{uuid.uuid4().hex[:12]}"
    s3_server.create_bucket(name)
    return name


def put_object(client: "S3Client", bucket: str, key: str = KEY, body: bytes = BODY) -> None:
    assert client.put_object(Bucket=bucket, Key=key, Body=body)["ETag"]


def refusal_of(client: "S3Client", bucket: str, body: bytes = BODY) -> Any:  # noqa: ANN401 - no stub knows all fields
    with pytest.raises(ClientError) as refusal:
        client.put_object(Bucket=bucket, Key=KEY, Body=body)
    return refusal.value.response


def status_of(error: Any) -> int:  # noqa: ANN401 - as above
    status: int = error["ResponseMetadata"]["HTTPStatusCode"]
    return status


def body_of(owner: "S3Client", bucket: str, key: str) -> bytes:
    return owner.get_object(Bucket=bucket, Key=key)["Body"].read()


def keys_in(owner: "S3Client", bucket: str) -> list[str]:
    return [entry["Key"] for entry in owner.list_objects_v2(Bucket=bucket).get("Contents", [])]


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)
