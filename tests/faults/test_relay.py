"""What no fault hits goes through as it came, and so does its answer."""

import socketserver
import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError

from examples.demo.s3_server import OWNER, S3Server
from tests.faults.fault_server import FaultServer, Rule, Trickle
from tests.faults.s3_clients import (
    BODY,
    KEY,
    LARGE,
    body_of,
    client_of,
    connection_to,
    keys_in,
    put_object,
    refusal_of,
    status_of,
)

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@pytest.mark.parametrize("body", [b"", BODY, LARGE], ids=["empty", "small", "5 MiB"])
def test_an_object_is_put_and_read_back_byte_by_byte(
    body: bytes, bucket: str, owner: "S3Client", server: FaultServer, s3_server: S3Server
) -> None:
    with client_of(server, s3_server, OWNER) as through:
        through.put_object(Bucket=bucket, Key=KEY, Body=body, ServerSideEncryption="AES256")
        assert through.get_object(Bucket=bucket, Key=KEY)["Body"].read() == body
        assert through.head_object(Bucket=bucket, Key=KEY)["ContentLength"] == len(body)
        assert [e["Key"] for e in through.list_objects_v2(Bucket=bucket)["Contents"]] == [KEY]
        through.delete_object(Bucket=bucket, Key=KEY)

    assert keys_in(owner, bucket) == []
    assert server.requests == [
        ("PUT", bucket, KEY, None, 200),
        ("GET", bucket, KEY, None, 200),
        ("HEAD", bucket, KEY, None, 200),
        ("GET", bucket, "", None, 200),
        ("DELETE", bucket, KEY, None, 204),
    ]


def test_concurrent_puts_arrive_whole(
    bucket: str, owner: "S3Client", server: FaultServer, writer: "S3Client"
) -> None:
    bodies = {f"{number:02}": bytes([number]) * (number << 16) for number in range(24)}

    with ThreadPoolExecutor(8) as pool:
        for _ in pool.map(lambda key: put_object(writer, bucket, key, bodies[key]), bodies):
            pass

    assert {key: body_of(owner, bucket, key) for key in bodies} == bodies
    assert sorted(server.requests) == [("PUT", bucket, key, None, 200) for key in sorted(bodies)]


def test_what_the_real_server_refuses_is_refused_even_while_the_body_is_sent(
    owner: "S3Client", server: FaultServer, writer: "S3Client"
) -> None:
    name = f"closed-{uuid.uuid4().hex[:12]}"
    owner.create_bucket(Bucket=name)  # no policy: nothing is granted

    for _ in range(5):
        error = refusal_of(writer, name, LARGE)
        assert (status_of(error), error["Error"]["Code"]) == (403, "AccessDenied")

    assert server.requests == [("PUT", name, KEY, None, 403)] * 5


def test_what_an_identity_may_not_is_refused_by_the_real_server(
    bucket: str, server: FaultServer, writer: "S3Client"
) -> None:
    with pytest.raises(ClientError, match="AccessDenied"):
        writer.get_object(Bucket=bucket, Key=KEY)
    assert server.requests == [("GET", bucket, KEY, None, 403)]


def test_a_request_in_chunks_is_forwarded_as_it_is() -> None:
    with _upstream(b"HTTP/1.1 204 No Content\r\n\r\n") as (server, received):
        connection = connection_to(server)
        with closing(connection):
            connection.request("PUT", "/b/k", iter([b"hello", b" world"]), encode_chunked=True)
            assert connection.getresponse().status == 204
    assert received.endswith(b"\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n")


@pytest.mark.parametrize(
    ("head", "body"),
    [
        (b"Transfer-Encoding: chunked", b"5\r\nhello\r\n6;x=y\r\n world\r\n0\r\nA: b\r\n\r\n"),
        (b"Content-Length: 11", b"hello world"),
        (b"Connection: close", b"hello world"),
    ],
)
def test_an_answer_ends_where_it_says(head: bytes, body: bytes) -> None:
    with _upstream(b"HTTP/1.1 200 OK\r\n%b\r\n\r\n%b" % (head, body)) as (server, _):
        connection = connection_to(server)
        with closing(connection):
            for rules in ([], [Rule(Trickle(0))]):
                server.script(rules)
                connection.request("GET", "/b/k")
                assert connection.getresponse().read() == b"hello world"


def test_an_answer_that_comes_before_the_body_was_read_is_handed_on() -> None:
    refusal = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno"
    with _upstream(refusal) as (server, _):
        connection = connection_to(server)
        with closing(connection):
            connection.request("PUT", "/b/k", LARGE * 4)
            answer = connection.getresponse()
            assert (answer.status, answer.read()) == (403, b"no")


@contextmanager
def _upstream(answer: bytes) -> Iterator[tuple[FaultServer, bytearray]]:
    """A server that answers everything with these bytes, and the fault server before it."""
    received = bytearray()

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            while data := self.request.recv(1 << 16):
                received.extend(data)
                whole = b"chunked" not in received or received.endswith(b"0\r\n\r\n")
                if whole and b"\r\n\r\n" in received:
                    self.request.sendall(answer)
                    if b"Connection: close" in answer:
                        return  # what was not read makes it a reset

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as upstream:
        thread = threading.Thread(target=upstream.serve_forever, args=(0.01,))
        thread.start()
        try:
            host, port = upstream.server_address[:2]
            with FaultServer(f"http://{host!s}:{port}") as server:
                yield server, received
        finally:
            upstream.shutdown()
            thread.join()
