"""Each way in which a connection fails or dawdles is what a real client takes it for."""

import http.client
import time
from contextlib import closing, suppress
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionClosedError,
    ReadTimeoutError,
)

from examples.demo.s3_server import OWNER, S3Server
from tests.faults.fault_server import Answer, Behaviour, FaultServer, Rule, Slow, Trickle
from tests.faults.s3_clients import (
    BODY,
    KEY,
    LARGE,
    body_of,
    client_of,
    connection_to,
    keys_in,
    put_object,
    wait_until,
)

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@pytest.mark.parametrize(
    ("behaviour", "sent"),
    [(Behaviour.RESET_BEFORE, b""), (Behaviour.RESET, b"bo"), (Behaviour.LOST_ANSWER, b"body")],
)
def test_a_connection_is_reset_when_so_much_was_sent(
    behaviour: Behaviour, sent: bytes, server: FaultServer
) -> None:
    server.script([Rule(behaviour)])
    with closing(connection_to(server)) as connection:
        connection.request("PUT", "/b/k", sent, {"Content-Length": "4"})
        with pytest.raises(ConnectionResetError) as reset:
            connection.getresponse()
    assert not isinstance(reset.value, http.client.RemoteDisconnected)  # an orderly close


def test_a_connection_that_is_closed_is_not_reset(server: FaultServer) -> None:
    server.script([Rule(Behaviour.CLOSE)])
    with closing(connection_to(server)) as connection:
        connection.request("PUT", "/b/k", b"body")
        with pytest.raises(http.client.RemoteDisconnected, match="without response"):
            connection.getresponse()


_LOST: dict[Behaviour, tuple[type[BotoCoreError], bool]] = {
    Behaviour.CLOSE: (ConnectionClosedError, False),
    Behaviour.RESET_BEFORE: (ConnectionClosedError, False),
    Behaviour.RESET: (ConnectionClosedError, False),
    Behaviour.LOST_ANSWER: (ConnectionClosedError, True),
    Behaviour.HANG: (ReadTimeoutError, False),
    Behaviour.HANG_BEFORE_BODY: (ReadTimeoutError, False),
    Behaviour.LOST_THEN_HANG: (ReadTimeoutError, True),
}


@pytest.mark.parametrize("body", [BODY, LARGE], ids=["small", "5 MiB"])
@pytest.mark.parametrize("behaviour", _LOST)
def test_a_connection_fails_before_or_after_the_object_is_stored(
    behaviour: Behaviour, body: bytes, bucket: str, s3_server: S3Server, server: FaultServer
) -> None:
    server.script([Rule(behaviour)])
    error, stored = _LOST[behaviour]
    if behaviour is Behaviour.HANG_BEFORE_BODY and body == LARGE:
        error = ConnectionClosedError  # the body cannot be sent: botocore's name for that timeout
    patience = 0.5 if error is ReadTimeoutError else 30

    with (
        client_of(server, s3_server, read_timeout=patience) as through,
        pytest.raises(error),
    ):
        through.put_object(Bucket=bucket, Key=KEY, Body=body)

    assert server.requests == [("PUT", bucket, KEY, behaviour.name, None)]
    owner = s3_server.client(OWNER)
    if stored:
        wait_until(lambda: keys_in(owner, bucket) == [KEY])  # the client may have been impatient
        assert body_of(owner, bucket, KEY) == body
    else:
        assert keys_in(owner, bucket) == []


def test_half_an_answer_has_its_first_headers_alone(
    bucket: str, owner: "S3Client", server: FaultServer, writer: "S3Client"
) -> None:
    server.script([Rule(Behaviour.TRUNCATE_ANSWER)])

    # http.client takes the end of the connection for the end of the headers.
    answer = writer.put_object(Bucket=bucket, Key=KEY, Body=BODY, ServerSideEncryption="AES256")

    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert "ServerSideEncryption" not in dict(answer)
    assert server.requests == [("PUT", bucket, KEY, "TRUNCATE_ANSWER", 200)]
    assert body_of(owner, bucket, KEY) == BODY


def test_what_was_stored_is_known_by_its_digest_though_the_client_does_not_know(
    bucket: str, server: FaultServer, writer: "S3Client"
) -> None:
    server.script([Rule(Behaviour.LOST_ANSWER, times=1), Rule(Answer.ACCESS_DENIED, times=1)])

    for body in (BODY, b"refused", b"other"):
        with suppress(BotoCoreError, ClientError):
            put_object(writer, bucket, KEY, body)

    stored = [(bucket, KEY, sha256(body).hexdigest()) for body in (BODY, b"other")]
    assert server.stored == stored


def test_a_slow_request_is_forwarded_later(
    bucket: str, owner: "S3Client", server: FaultServer, writer: "S3Client"
) -> None:
    server.script([Rule(Slow(0.3))])
    begun = time.monotonic()

    put_object(writer, bucket)

    assert time.monotonic() - begun >= 0.3
    assert server.requests == [("PUT", bucket, KEY, "SLOW", 200)]
    assert body_of(owner, bucket, KEY) == BODY


def test_an_answer_that_trickles_is_whole_and_outlives_the_read_timeout(
    bucket: str, s3_server: S3Server, server: FaultServer
) -> None:
    server.script([Rule(Trickle(0.006))])
    begun = time.monotonic()

    with client_of(server, s3_server, read_timeout=1) as through:
        put_object(through, bucket)

    assert time.monotonic() - begun > 1.5
    assert server.requests == [("PUT", bucket, KEY, "TRICKLE", 200)]
