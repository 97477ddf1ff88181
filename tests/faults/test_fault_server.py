"""What the other fault tests rest on: each fault is what a real client takes it for."""

import http.client
import os
import socketserver
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, suppress
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.client import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionClosedError,
    EndpointConnectionError,
    ReadTimeoutError,
)

from examples.demo.s3_server import OWNER, REGION, WRITER, Identity, S3Server
from tests.faults.fault_server import (
    Answer,
    Behaviour,
    Fault,
    FaultServer,
    Rule,
    Slow,
    Trickle,
)

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_KEY = "logs/2026/a b+ü&.ndjson"
_BODY = b'{"type":"page"}\n'
_LARGE = os.urandom(5 << 20)


@pytest.fixture(scope="module")
def owner(s3_server: S3Server) -> "S3Client":
    """The bucket's owner, who speaks to the real server."""
    return s3_server.client(OWNER)


@pytest.fixture
def bucket(s3_server: S3Server) -> str:
    return _new_bucket(s3_server)


@pytest.fixture
def server(s3_server: S3Server) -> Iterator[FaultServer]:
    with FaultServer(s3_server.endpoint_url) as server:
        yield server


@pytest.fixture
def writer(s3_server: S3Server, server: FaultServer) -> Iterator["S3Client"]:
    """The job's identity, which speaks to the fault server and tries once."""
    with _through(server, s3_server) as client:
        yield client


@pytest.mark.parametrize("body", [b"", _BODY, _LARGE], ids=["empty", "small", "5 MiB"])
def test_an_object_is_put_and_read_back_byte_by_byte(
    body: bytes, bucket: str, owner: "S3Client", server: FaultServer, s3_server: S3Server
) -> None:
    with _through(server, s3_server, OWNER) as through:
        through.put_object(Bucket=bucket, Key=_KEY, Body=body, ServerSideEncryption="AES256")
        assert through.get_object(Bucket=bucket, Key=_KEY)["Body"].read() == body
        assert through.head_object(Bucket=bucket, Key=_KEY)["ContentLength"] == len(body)
        assert [e["Key"] for e in through.list_objects_v2(Bucket=bucket)["Contents"]] == [_KEY]
        through.delete_object(Bucket=bucket, Key=_KEY)

    assert _keys(owner, bucket) == []
    assert server.requests == [
        ("PUT", bucket, _KEY, None, 200),
        ("GET", bucket, _KEY, None, 200),
        ("HEAD", bucket, _KEY, None, 200),
        ("GET", bucket, "", None, 200),
        ("DELETE", bucket, _KEY, None, 204),
    ]


def test_concurrent_puts_arrive_whole(
    bucket: str, owner: "S3Client", server: FaultServer, writer: "S3Client"
) -> None:
    bodies = {f"{number:02}": bytes([number]) * (number << 16) for number in range(24)}

    with ThreadPoolExecutor(8) as pool:
        for _ in pool.map(lambda key: _put(writer, bucket, key, bodies[key]), bodies):
            pass

    assert {key: _read(owner, bucket, key) for key in bodies} == bodies
    assert sorted(server.requests) == [("PUT", bucket, key, None, 200) for key in sorted(bodies)]


def test_what_the_real_server_refuses_is_refused_even_while_the_body_is_sent(
    owner: "S3Client", server: FaultServer, writer: "S3Client"
) -> None:
    name = f"closed-{uuid.uuid4().hex[:12]}"
    owner.create_bucket(Bucket=name)  # no policy: nothing is granted

    for _ in range(5):
        error = _refusal(writer, name, _LARGE)
        assert (_status(error), error["Error"]["Code"]) == (403, "AccessDenied")

    assert server.requests == [("PUT", name, _KEY, None, 403)] * 5


def test_what_an_identity_may_not_is_refused_by_the_real_server(
    bucket: str, server: FaultServer, writer: "S3Client"
) -> None:
    with pytest.raises(ClientError, match="AccessDenied"):
        writer.get_object(Bucket=bucket, Key=_KEY)
    assert server.requests == [("GET", bucket, _KEY, None, 403)]


def test_a_request_in_chunks_is_forwarded_as_it_is() -> None:
    with _upstream(b"HTTP/1.1 204 No Content\r\n\r\n") as (server, received):
        connection = _connection(server)
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
        connection = _connection(server)
        with closing(connection):
            for rules in ([], [Rule(Trickle(0))]):
                server.script(rules)
                connection.request("GET", "/b/k")
                assert connection.getresponse().read() == b"hello world"


def test_an_answer_that_comes_before_the_body_was_read_is_handed_on() -> None:
    refusal = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno"
    with _upstream(refusal) as (server, _):
        connection = _connection(server)
        with closing(connection):
            connection.request("PUT", "/b/k", _LARGE * 4)
            answer = connection.getresponse()
            assert (answer.status, answer.read()) == (403, b"no")


@pytest.mark.parametrize(
    ("behaviour", "sent"),
    [(Behaviour.RESET_BEFORE, b""), (Behaviour.RESET, b"bo"), (Behaviour.LOST_ANSWER, b"body")],
)
def test_a_connection_is_reset_when_so_much_was_sent(
    behaviour: Behaviour, sent: bytes, server: FaultServer
) -> None:
    server.script([Rule(behaviour)])
    with closing(_connection(server)) as connection:
        connection.request("PUT", "/b/k", sent, {"Content-Length": "4"})
        with pytest.raises(ConnectionResetError) as reset:
            connection.getresponse()
    assert not isinstance(reset.value, http.client.RemoteDisconnected)  # an orderly close


def test_a_connection_that_is_closed_is_not_reset(server: FaultServer) -> None:
    server.script([Rule(Behaviour.CLOSE)])
    with closing(_connection(server)) as connection:
        connection.request("PUT", "/b/k", b"body")
        with pytest.raises(http.client.RemoteDisconnected, match="without response"):
            connection.getresponse()


_DENIED = "User: arn:aws:iam::213824691356:user/s3-copy is not authorized to perform: "
_KMS_KEY = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
_SEEN: dict[Answer, tuple[int, str, str]] = {
    Answer.INTERNAL_ERROR: (
        500,
        "InternalError",
        "We encountered an internal error. Please try again.",
    ),
    Answer.SLOW_DOWN: (503, "SlowDown", "Please reduce your request rate."),
    Answer.SERVICE_UNAVAILABLE: (
        503,
        "ServiceUnavailable",
        "Service is unable to handle request.",
    ),
    Answer.REQUEST_TIMEOUT: (
        400,
        "RequestTimeout",
        (
            "Your socket connection to the server was not read from or written to within the"
            " timeout period. Idle connections will be closed."
        ),
    ),
    Answer.TOO_MANY_REQUESTS: (429, "TooManyRequests", "Please reduce your request rate."),
    Answer.EXPIRED_TOKEN: (400, "ExpiredToken", "The provided token has expired."),
    Answer.ACCESS_DENIED: (403, "AccessDenied", "Access Denied"),
    Answer.ACCESS_DENIED_BY_NO_POLICY: (
        403,
        "AccessDenied",
        (
            f'{_DENIED}s3:PutObject on resource: "arn:aws:s3:::BUCKET/{_KEY}" because no'
            " resource-based policy allows the s3:PutObject action"
        ),
    ),
    Answer.ACCESS_DENIED_EXPLICITLY: (
        403,
        "AccessDenied",
        (
            f'{_DENIED}s3:PutObject on resource: "arn:aws:s3:::BUCKET/{_KEY}" with an explicit deny'
            " in a resource-based policy"
        ),
    ),
    Answer.ACCESS_DENIED_TO_KMS: (
        403,
        "AccessDenied",
        (
            f"{_DENIED}kms:GenerateDataKey on resource: {_KMS_KEY} because no resource-based policy"
            " allows the kms:GenerateDataKey action"
        ),
    ),
    Answer.ACCESS_DENIED_TO_FOREIGN_KMS: (
        403,
        "AccessDenied",
        (
            f"{_DENIED}kms:GenerateDataKey on this resource because the resource does not exist in"
            " this Region, no resource-based policies allow access, or a resource-based policy"
            " explicitly denies access"
        ),
    ),
    Answer.ALL_ACCESS_DISABLED: (
        403,
        "AllAccessDisabled",
        "All access to this object has been disabled",
    ),
    Answer.NO_SUCH_BUCKET: (404, "NoSuchBucket", "The specified bucket does not exist"),
    Answer.PERMANENT_REDIRECT: (
        301,
        "PermanentRedirect",
        (
            "The bucket you are attempting to access must be addressed using the specified"
            " endpoint. Please send all future requests to this endpoint."
        ),
    ),
    Answer.AUTHORIZATION_HEADER_MALFORMED: (
        400,
        "AuthorizationHeaderMalformed",
        (
            "The authorization header is malformed; the region 'us-east-1' is wrong; expecting"
            " 'eu-west-1'"
        ),
    ),
    Answer.KMS_DISABLED: (400, "KMS.DisabledException", f"{_KMS_KEY} is disabled."),
    Answer.KMS_NOT_FOUND: (400, "KMS.NotFoundException", f"Key '{_KMS_KEY}' does not exist"),
    Answer.KMS_INVALID_STATE: (
        400,
        "KMS.KMSInvalidStateException",
        f"{_KMS_KEY} is pending deletion.",
    ),
    Answer.ACCESS_CONTROL_LIST_NOT_SUPPORTED: (
        400,
        "AccessControlListNotSupported",
        "The bucket does not allow ACLs",
    ),
    Answer.INVALID_ARGUMENT: (
        400,
        "InvalidArgument",
        (
            "Server Side Encryption with AWS KMS managed key requires HTTP header"
            " x-amz-server-side-encryption : aws:kms"
        ),
    ),
    Answer.INVALID_ACCESS_KEY_ID: (
        403,
        "InvalidAccessKeyId",
        "The AWS Access Key Id you provided does not exist in our records.",
    ),
    Answer.REQUEST_TIME_TOO_SKEWED: (
        403,
        "RequestTimeTooSkewed",
        "The difference between the request time and the current time is too large.",
    ),
    # botocore takes a page that is no XML for a server's error, also where its status is 200.
    Answer.PROXY_PAGE: (500, "500", "Internal Server Error"),
    Answer.PROXY_BAD_GATEWAY: (502, "502", "Bad Gateway"),
}


@pytest.mark.parametrize("body", [_BODY, _LARGE], ids=["small", "5 MiB"])
@pytest.mark.parametrize("answer", [a for a in Answer if a is not Answer.PROXY_NOTHING])
def test_an_error_is_what_s3_answers_and_nothing_is_stored(
    answer: Answer, body: bytes, bucket: str, s3_server: S3Server, server: FaultServer
) -> None:
    server.script([Rule(answer)])

    with _through(server, s3_server) as through:
        error = _refusal(through, bucket, body)

    status, code, message = _SEEN[answer]
    assert (_status(error), error["Error"]["Code"]) == (status, code)
    assert error["Error"]["Message"] == message.replace("BUCKET", bucket)
    assert {request[:4] for request in server.requests} == {("PUT", bucket, _KEY, answer.name)}
    assert _keys(s3_server.client(OWNER), bucket) == []


@pytest.mark.parametrize(
    ("answer", "field"),
    [
        (Answer.NO_SUCH_BUCKET, ("BucketName", "BUCKET")),
        (Answer.PERMANENT_REDIRECT, ("Endpoint", "BUCKET.s3.eu-west-1.amazonaws.com")),
        (Answer.AUTHORIZATION_HEADER_MALFORMED, ("Region", "eu-west-1")),
        (Answer.INVALID_ARGUMENT, ("ArgumentName", "x-amz-server-side-encryption")),
        (Answer.REQUEST_TIME_TOO_SKEWED, ("MaxAllowedSkewMilliseconds", "900000")),
    ],
)
def test_an_error_has_the_fields_of_its_own(
    answer: Answer, field: tuple[str, str], bucket: str, server: FaultServer, writer: "S3Client"
) -> None:
    server.script([Rule(answer)])
    name, value = field
    assert _refusal(writer, bucket)["Error"][name] == value.replace("BUCKET", bucket)


@pytest.mark.parametrize(
    "answer", [Answer.PERMANENT_REDIRECT, Answer.AUTHORIZATION_HEADER_MALFORMED]
)
def test_another_region_is_named_in_a_header(
    answer: Answer, bucket: str, server: FaultServer, writer: "S3Client"
) -> None:
    server.script([Rule(answer)])
    headers = _refusal(writer, bucket)["ResponseMetadata"]["HTTPHeaders"]
    assert headers["x-amz-bucket-region"] == "eu-west-1"
    assert headers["x-amz-request-id"] == "4442587FB7D0A2F9"


def test_a_proxy_answers_200_without_an_etag(
    bucket: str, owner: "S3Client", server: FaultServer, writer: "S3Client"
) -> None:
    server.script([Rule(Answer.PROXY_NOTHING)])

    answer = writer.put_object(Bucket=bucket, Key=_KEY, Body=_BODY)

    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert "ETag" not in dict(answer)
    assert _keys(owner, bucket) == []


def test_an_error_to_head_has_no_body(
    bucket: str, s3_server: S3Server, server: FaultServer
) -> None:
    server.script([Rule(Answer.ACCESS_DENIED)])
    with (
        _through(server, s3_server, OWNER) as through,
        pytest.raises(ClientError, match=r"\(403\).*Forbidden"),
    ):
        through.head_object(Bucket=bucket, Key=_KEY)


_LOST: dict[Behaviour, tuple[type[BotoCoreError], bool]] = {
    Behaviour.CLOSE: (ConnectionClosedError, False),
    Behaviour.RESET_BEFORE: (ConnectionClosedError, False),
    Behaviour.RESET: (ConnectionClosedError, False),
    Behaviour.LOST_ANSWER: (ConnectionClosedError, True),
    Behaviour.HANG: (ReadTimeoutError, False),
    Behaviour.HANG_BEFORE_BODY: (ReadTimeoutError, False),
    Behaviour.LOST_THEN_HANG: (ReadTimeoutError, True),
}


@pytest.mark.parametrize("body", [_BODY, _LARGE], ids=["small", "5 MiB"])
@pytest.mark.parametrize("behaviour", _LOST)
def test_a_connection_fails_before_or_after_the_object_is_stored(
    behaviour: Behaviour, body: bytes, bucket: str, s3_server: S3Server, server: FaultServer
) -> None:
    server.script([Rule(behaviour)])
    error, stored = _LOST[behaviour]
    if behaviour is Behaviour.HANG_BEFORE_BODY and body == _LARGE:
        error = ConnectionClosedError  # the body cannot be sent: botocore's name for that timeout
    patience = 0.5 if error is ReadTimeoutError else 30

    with (
        _through(server, s3_server, read_timeout=patience) as through,
        pytest.raises(error),
    ):
        through.put_object(Bucket=bucket, Key=_KEY, Body=body)

    assert server.requests == [("PUT", bucket, _KEY, behaviour.name, None)]
    owner = s3_server.client(OWNER)
    if stored:
        _wait_until(lambda: _keys(owner, bucket) == [_KEY])  # the client may have been impatient
        assert _read(owner, bucket, _KEY) == body
    else:
        assert _keys(owner, bucket) == []


def test_half_an_answer_has_its_first_headers_alone(
    bucket: str, owner: "S3Client", server: FaultServer, writer: "S3Client"
) -> None:
    server.script([Rule(Behaviour.TRUNCATE_ANSWER)])

    # http.client takes the end of the connection for the end of the headers.
    answer = writer.put_object(Bucket=bucket, Key=_KEY, Body=_BODY, ServerSideEncryption="AES256")

    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert "ServerSideEncryption" not in dict(answer)
    assert server.requests == [("PUT", bucket, _KEY, "TRUNCATE_ANSWER", 200)]
    assert _read(owner, bucket, _KEY) == _BODY


def test_what_was_stored_is_known_by_its_digest_though_the_client_does_not_know(
    bucket: str, server: FaultServer, writer: "S3Client"
) -> None:
    server.script([Rule(Behaviour.LOST_ANSWER, times=1), Rule(Answer.ACCESS_DENIED, times=1)])

    for body in (_BODY, b"refused", b"other"):
        with suppress(BotoCoreError, ClientError):
            _put(writer, bucket, _KEY, body)

    stored = [(bucket, _KEY, sha256(body).hexdigest()) for body in (_BODY, b"other")]
    assert server.stored == stored


def test_a_slow_request_is_forwarded_later(
    bucket: str, owner: "S3Client", server: FaultServer, writer: "S3Client"
) -> None:
    server.script([Rule(Slow(0.3))])
    begun = time.monotonic()

    _put(writer, bucket)

    assert time.monotonic() - begun >= 0.3
    assert server.requests == [("PUT", bucket, _KEY, "SLOW", 200)]
    assert _read(owner, bucket, _KEY) == _BODY


def test_an_answer_that_trickles_is_whole_and_outlives_the_read_timeout(
    bucket: str, s3_server: S3Server, server: FaultServer
) -> None:
    server.script([Rule(Trickle(0.006))])
    begun = time.monotonic()

    with _through(server, s3_server, read_timeout=1) as through:
        _put(through, bucket)

    assert time.monotonic() - begun > 1.5
    assert server.requests == [("PUT", bucket, _KEY, "TRICKLE", 200)]


def test_the_sdk_retries_what_passes(
    bucket: str, owner: "S3Client", s3_server: S3Server, server: FaultServer
) -> None:
    server.script([Rule(Answer.SLOW_DOWN, times=1), Rule(Behaviour.LOST_ANSWER, times=1)])

    with _through(
        server, s3_server, retries={"mode": "standard", "total_max_attempts": 3}
    ) as through:
        _put(through, bucket)

    assert server.requests == [
        ("PUT", bucket, _KEY, "SLOW_DOWN", 503),
        ("PUT", bucket, _KEY, "LOST_ANSWER", None),
        ("PUT", bucket, _KEY, None, 200),
    ]
    assert _read(owner, bucket, _KEY) == _BODY


def test_only_the_rules_bucket_and_key_are_hit(
    bucket: str, s3_server: S3Server, server: FaultServer, writer: "S3Client"
) -> None:
    other = _new_bucket(s3_server)
    server.script([Rule(Answer.ACCESS_DENIED, bucket=bucket, key="hit")])

    _put(writer, other, "hit")
    _put(writer, bucket, "spared")
    with pytest.raises(ClientError, match="AccessDenied"):
        _put(writer, bucket, "a/hit/z")

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
        _through(server, s3_server) as through,
        ThreadPoolExecutor(3) as pool,
    ):
        puts = [pool.submit(_put, through, bucket, key) for key in "abc"]
        _wait_until(lambda: len(server.requests) == 3)
        begun = time.monotonic()

        server.heal()

        for put in puts:
            with pytest.raises(ConnectionClosedError):
                put.result()
        assert time.monotonic() - begun < 2
        _put(through, bucket)
    assert server.requests[-1] == ("PUT", bucket, _KEY, None, 200)


@pytest.mark.parametrize("fault", [Slow(60), Trickle(60)], ids=str)
def test_healing_hurries_what_is_slow(
    fault: Fault, bucket: str, s3_server: S3Server, server: FaultServer
) -> None:
    server.script([Rule(fault)])
    with (
        _through(server, s3_server, read_timeout=90) as through,
        ThreadPoolExecutor(1) as pool,
    ):
        put = pool.submit(_put, through, bucket)
        _wait_until(lambda: len(server.requests) == 1)
        begun = time.monotonic()

        server.heal()

        put.result()
        assert time.monotonic() - begun < 2
    assert server.requests == [("PUT", bucket, _KEY, fault.name, 200)]


@pytest.mark.parametrize("fault", [*_HANGS, Slow(60), Trickle(60)], ids=str)
def test_the_server_ends_at_once_whatever_hangs(
    fault: Fault, bucket: str, s3_server: S3Server
) -> None:
    with ExitStack() as stack:
        server = stack.enter_context(FaultServer(s3_server.endpoint_url))
        ending = stack.pop_all()
        through = stack.enter_context(_through(server, s3_server, read_timeout=90))
        pool = stack.enter_context(ThreadPoolExecutor(3))
        server.script([Rule(fault)])
        puts = [pool.submit(_put, through, bucket, key) for key in "abc"]
        _wait_until(lambda: len(server.requests) == 3)
        begun = time.monotonic()

        ending.close()

        took = time.monotonic() - begun
        outcomes = [put.exception() for put in puts]
        with pytest.raises(EndpointConnectionError):
            _put(through, bucket)

    assert took < 2
    # What is slow waits no longer, and may get through before its connection is closed.
    through_after_all = (type(None),) if isinstance(fault, Slow | Trickle) else ()
    assert all(isinstance(error, (ConnectionClosedError, *through_after_all)) for error in outcomes)


@contextmanager
def _through(
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


def _connection(server: FaultServer) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(server.endpoint_url.removeprefix("http://"), timeout=10)


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


def _new_bucket(s3_server: S3Server) -> str:
    name = f"faults-{uuid.uuid4().hex[:12]}"
    s3_server.create_bucket(name)
    return name


def _put(client: "S3Client", bucket: str, key: str = _KEY, body: bytes = _BODY) -> None:
    assert client.put_object(Bucket=bucket, Key=key, Body=body)["ETag"]


def _refusal(client: "S3Client", bucket: str, body: bytes = _BODY) -> Any:  # noqa: ANN401 - no stub knows all fields
    with pytest.raises(ClientError) as refusal:
        client.put_object(Bucket=bucket, Key=_KEY, Body=body)
    return refusal.value.response


def _status(error: Any) -> int:  # noqa: ANN401 - as above
    status: int = error["ResponseMetadata"]["HTTPStatusCode"]
    return status


def _read(owner: "S3Client", bucket: str, key: str) -> bytes:
    return owner.get_object(Bucket=bucket, Key=key)["Body"].read()


def _keys(owner: "S3Client", bucket: str) -> list[str]:
    return [entry["Key"] for entry in owner.list_objects_v2(Bucket=bucket).get("Contents", [])]


def _wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)
