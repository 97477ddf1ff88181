"""A script: which requests it hits, and how it ends whatever hangs."""

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError, EndpointConnectionError

from examples.demo.s3_server import OWNER, S3Server
from tests.faults.fault_server import Answer, Behaviour, Fault, FaultServer, Rule, Slow, Trickle
from tests.faults.s3_clients import (
    BODY,
    KEY,
    body_of,
    client_of,
    new_bucket,
    put_object,
    wait_until,
)

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def test_the_sdk_retries_what_passes(
    bucket: str, owner: "S3Client", s3_server: S3Server, server: FaultServer
) -> None:
    server.script([Rule(Answer.SLOW_DOWN, times=1), Rule(Behaviour.LOST_ANSWER, times=1)])

    with client_of(
        server, s3_server, retries={"mode": "standard", "total_max_attempts": 3}
    ) as through:
        put_object(through, bucket)

    assert server.requests == [
        ("PUT", bucket, KEY, "SLOW_DOWN", 503),
        ("PUT", bucket, KEY, "LOST_ANSWER", None),
        ("PUT", bucket, KEY, None, 200),
    ]
    assert body_of(owner, bucket, KEY) == BODY


def test_only_the_rules_bucket_and_key_are_hit(
    bucket: str, s3_server: S3Server, server: FaultServer, writer: "S3Client"
) -> None:
    other = new_bucket(s3_server)
    server.script([Rule(Answer.ACCESS_DENIED, bucket=bucket, key="hit")])

    put_object(writer, other, "hit")
    put_object(writer, bucket, "spared")
    with pytest.raises(ClientError, match="AccessDenied"):
        put_object(writer, bucket, "a/hit/z")

    assert [request[1:4] for request in server.requests] == [
        (other, "hit", None),
        (bucket, "spared", None),
        (bucket, "a/hit/z", "ACCESS_DENIED"),
    ]


_HANGS = [Behaviour.HANG, Behaviour.HANG_BEFORE_BODY, Behaviour.LOST_THEN_HANG]


@pytest.mark.parametrize("behaviour", _HANGS)
def test_healing_closes_what_hangs_and_drops_the_rules(
    behaviour: Behaviour, bucket: str, s3_server: S3Server, server: FaultServer
) -> None:
    s3_server.client(OWNER).put_object(Bucket=bucket, Key="a", Body=b"")  # the first one is slow
    server.script([Rule(behaviour)])
    with (
        client_of(server, s3_server) as through,
        ThreadPoolExecutor(3) as pool,
    ):
        puts = [pool.submit(put_object, through, bucket, key) for key in "abc"]
        wait_until(lambda: len(server.requests) == 3)
        begun = time.monotonic()

        server.heal()

        for put in puts:
            with pytest.raises(ConnectionClosedError):
                put.result()
        assert time.monotonic() - begun < 2
        put_object(through, bucket)
    assert server.requests[-1] == ("PUT", bucket, KEY, None, 200)


@pytest.mark.parametrize("fault", [Slow(60), Trickle(60)], ids=str)
def test_healing_hurries_what_is_slow(
    fault: Fault, bucket: str, s3_server: S3Server, server: FaultServer
) -> None:
    server.script([Rule(fault)])
    with (
        client_of(server, s3_server, read_timeout=90) as through,
        ThreadPoolExecutor(1) as pool,
    ):
        put = pool.submit(put_object, through, bucket)
        wait_until(lambda: len(server.requests) == 1)
        begun = time.monotonic()

        server.heal()

        put.result()
        assert time.monotonic() - begun < 2
    assert server.requests == [("PUT", bucket, KEY, fault.name, 200)]


@pytest.mark.parametrize("fault", [*_HANGS, Slow(60), Trickle(60)], ids=str)
def test_the_server_ends_at_once_whatever_hangs(
    fault: Fault, bucket: str, s3_server: S3Server
) -> None:
    with ExitStack() as stack:
        server = stack.enter_context(FaultServer(s3_server.endpoint_url))
        ending = stack.pop_all()
        through = stack.enter_context(client_of(server, s3_server, read_timeout=90))
        pool = stack.enter_context(ThreadPoolExecutor(3))
        server.script([Rule(fault)])
        puts = [pool.submit(put_object, through, bucket, key) for key in "abc"]
        wait_until(lambda: len(server.requests) == 3)
        begun = time.monotonic()

        ending.close()

        took = time.monotonic() - begun
        outcomes = [put.exception() for put in puts]
        with pytest.raises(EndpointConnectionError):
            put_object(through, bucket)

    assert took < 2
    # What is slow waits no longer, and may get through before its connection is closed.
    through_after_all = (type(None),) if isinstance(fault, Slow | Trickle) else ()
    assert all(isinstance(error, (ConnectionClosedError, *through_after_all)) for error in outcomes)
