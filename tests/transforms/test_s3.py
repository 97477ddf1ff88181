import base64
import hashlib
import io
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, cast

import boto3
import pytest
from botocore.awsrequest import AWSRequest, AWSResponse, HeadersDict
from moto import mock_aws

from transforms.connection import Connection
from transforms.errors import PutError
from transforms.s3 import S3Store
from transforms.s3_client import ClientSettings, forget_clients, s3_client
from transforms.store import PutRequest

BODY = b'{"writeKey":"k"}\n'
KEY = "logs/2026/11/20/10/acme.ndjson"
REQUEST = PutRequest("acme", KEY, BODY, "application/x-ndjson", hashlib.sha256(BODY).digest())
KMS_KEY = "arn:aws:kms:eu-central-1:123456789012:key/11111111-2222-3333-4444-555555555555"


def connection(**fields: Any) -> Connection:  # noqa: ANN401 - any field
    acme = {"name": "acme", "bucket": "acme-bucket", "region": "eu-central-1"}
    return Connection(**acme | fields)


@pytest.fixture(autouse=True)
def _fresh_clients_with_credentials_of_nobody(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    forget_clients()
    yield
    forget_clients()


STORED = {"ETag": '"0123456789abcdef0123456789abcdef"'}


class Wire:
    """Answers requests in the network's place, and keeps them."""

    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.requests: list[AWSRequest] = []
        self._answer = status, headers, body

    def answer(self, request: AWSRequest, **_: object) -> AWSResponse:
        self.requests.append(request)
        status, headers, body = self._answer
        raw = io.BytesIO(body)
        raw.stream = lambda **_: iter([body])  # type: ignore[attr-defined]
        return AWSResponse(str(request.url), status, cast("Any", HeadersDict(headers)), raw)


def store_on_a_wire(wire: Wire, **fields: Any) -> S3Store:  # noqa: ANN401 - any field
    store = S3Store(connection(**fields))
    answer: Any = wire.answer
    store.client.meta.events.register("before-send.s3", answer)
    return store


MOVED = b"""<?xml version="1.0" encoding="UTF-8"?>
<Error><Code>PermanentRedirect</Code><Message>The bucket you are attempting to access must be
addressed using the specified endpoint.</Message><Endpoint>acme-bucket.s3.us-west-2.amazonaws.com
</Endpoint><Bucket>acme-bucket</Bucket></Error>"""
MALFORMED = b"""<?xml version="1.0" encoding="UTF-8"?>
<Error><Code>AuthorizationHeaderMalformed</Code><Message>The authorization header is malformed; the
region 'eu-central-1' is wrong; expecting 'us-west-2'</Message><Region>us-west-2</Region></Error>"""


@pytest.mark.parametrize(
    ("status", "headers", "body"),
    [
        (301, {"x-amz-bucket-region": "us-west-2"}, MOVED),
        (301, {}, MOVED),
        (307, {"x-amz-bucket-region": "us-west-2"}, b""),
        (400, {}, MALFORMED),
    ],
)
def test_a_wrong_region_is_one_put_and_an_error_and_is_never_followed(
    status: int, headers: dict[str, str], body: bytes
) -> None:
    wire = Wire(status, headers, body)
    with pytest.raises(PutError) as failure:
        store_on_a_wire(wire).put(REQUEST)
    assert [(r.method, r.url) for r in wire.requests] == [
        ("PUT", f"https://acme-bucket.s3.eu-central-1.amazonaws.com/{KEY}")
    ]
    assert "into bucket acme-bucket (connection acme)" in str(failure.value)
    assert "eu-central-1" in failure.value.failure.advice
    if headers or status == 400:
        assert "The bucket is in us-west-2, not in eu-central-1" in failure.value.failure.advice


def test_the_request_says_what_the_connection_demands_and_nothing_else() -> None:
    wire = Wire(200, {**STORED, "x-amz-server-side-encryption": "aws:kms"}, b"")
    store_on_a_wire(
        wire,
        server_side_encryption="aws:kms",
        kms_key_id=KMS_KEY,
        bucket_key_enabled=True,
        expected_bucket_owner="123456789012",
        acl="bucket-owner-full-control",
        storage_class="STANDARD_IA",
        tags={"team": "a + b"},
    ).put(REQUEST)
    [request] = wire.requests
    headers = {name.lower(): _text(value) for name, value in request.headers.items()}
    amazon = {name: value for name, value in headers.items() if name.startswith("x-amz-")}
    for of_the_protocol in ("x-amz-date", "x-amz-content-sha256"):
        del amazon[of_the_protocol]
    assert amazon == {
        "x-amz-server-side-encryption": "aws:kms",
        "x-amz-server-side-encryption-aws-kms-key-id": KMS_KEY,
        "x-amz-server-side-encryption-bucket-key-enabled": "true",
        "x-amz-expected-bucket-owner": "123456789012",
        "x-amz-acl": "bucket-owner-full-control",
        "x-amz-storage-class": "STANDARD_IA",
        "x-amz-tagging": "team=a%20%2B%20b",
        "x-amz-checksum-sha256": base64.b64encode(REQUEST.sha256).decode(),
    }
    assert headers["content-type"] == "application/x-ndjson"
    assert "content-encoding" not in headers


def test_a_plain_connection_sends_no_header_that_a_policy_could_refuse() -> None:
    wire = Wire(200, STORED, b"")
    store_on_a_wire(wire).put(REQUEST)
    [request] = wire.requests
    names = {name.lower() for name in request.headers}
    assert {name for name in names if name.startswith("x-amz-")} <= {
        "x-amz-date",
        "x-amz-content-sha256",
        "x-amz-checksum-sha256",
    }


def test_a_bucket_with_dots_is_in_the_path_so_that_the_certificate_fits() -> None:
    wire = Wire(200, STORED, b"")
    store_on_a_wire(wire, bucket="logs.acme.com").put(REQUEST)
    assert wire.requests[0].url == f"https://s3.eu-central-1.amazonaws.com/logs.acme.com/{KEY}"


def test_what_may_pass_is_tried_again_and_then_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)
    slow_down = b"<Error><Code>SlowDown</Code><Message>Reduce your rate.</Message></Error>"
    wire = Wire(503, {}, slow_down)
    store = store_on_a_wire(wire)
    with pytest.raises(PutError, match=r"SlowDown \(503\)"):
        store.put(REQUEST)
    assert len(wire.requests) == 8
    assert {request.method for request in wire.requests} == {"PUT"}


def test_no_attempt_is_begun_after_the_deadline() -> None:
    wire = Wire(503, {}, b"")
    store = store_on_a_wire(wire)
    began = time.monotonic()
    with pytest.raises(PutError, match="no attempt got through within the deadline") as raised:
        store.put(REQUEST, began - 1)
    assert raised.value.failure.transient
    assert wire.requests == []
    assert time.monotonic() - began < 1


def test_expired_credentials_are_read_anew_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")  # the new client goes nowhere
    expired = b"<Error><Code>ExpiredToken</Code><Message>Expired.</Message></Error>"
    wire = Wire(400, {}, expired)
    store = store_on_a_wire(wire)
    before = store.client
    with pytest.raises(PutError):  # the new client is not on the wire
        store.put(REQUEST, time.monotonic() + 0.1)
    assert len(wire.requests) == 1
    assert store.client is not before


@pytest.mark.parametrize(
    ("status", "headers", "body"),
    [
        (200, {}, b"<html>captive portal</html>"),
        (204, STORED, b""),
        (200, STORED, b""),  # without the encryption that was asked for
        (200, {**STORED, "x-amz-server-side-encryption": "aws:kms"}, b""),
    ],
)
def test_only_an_answer_that_s3_gives_for_what_was_asked_is_a_delivery(
    status: int, headers: dict[str, str], body: bytes
) -> None:
    store = store_on_a_wire(Wire(status, headers, body), server_side_encryption="AES256")
    with pytest.raises(PutError, match=r"without an ETag|AES256 was asked for"):
        store.put(REQUEST)


@mock_aws
def test_a_kms_key_reaches_the_object() -> None:
    owner = boto3.client("s3", region_name="eu-central-1")
    where: Any = {"LocationConstraint": "eu-central-1"}
    owner.create_bucket(Bucket="acme-bucket", CreateBucketConfiguration=where)
    S3Store(
        connection(server_side_encryption="aws:kms", kms_key_id=KMS_KEY, bucket_key_enabled=True)
    ).put(REQUEST)
    found = owner.head_object(Bucket="acme-bucket", Key=KEY)
    assert found["ServerSideEncryption"] == "aws:kms"
    assert found["SSEKMSKeyId"] == KMS_KEY
    assert found["BucketKeyEnabled"] is True
    assert owner.get_object(Bucket="acme-bucket", Key=KEY)["Body"].read() == BODY


@mock_aws
def test_a_missing_bucket_is_named() -> None:
    with pytest.raises(PutError) as failure:
        S3Store(connection()).put(REQUEST)
    assert str(failure.value).splitlines() == [
        (
            f"cannot put {KEY} into bucket acme-bucket (connection acme):"
            " S3 answered: NoSuchBucket (404): The specified bucket does not exist"
        ),
        (
            "The operator corrects the connection's bucket, which does not exist, or the customer"
            " makes it."
        ),
    ]


@mock_aws
def test_a_connection_with_a_role_puts_as_that_role() -> None:
    owner = boto3.client("s3", region_name="us-east-1")
    owner.create_bucket(Bucket="acme-bucket")
    role = "arn:aws:iam::123456789012:role/writer"
    store = S3Store(connection(region="us-east-1", role_arn=role, external_id="ext-1"))
    signed: list[str] = []
    store.client.meta.events.register_first(
        "before-send.s3",
        lambda request, **_: signed.append(_text(request.headers["Authorization"])),
    )
    store.put(REQUEST)
    assert "Credential=ASIA" in signed[0]  # a role's temporary key


def test_an_address_from_the_environment_is_not_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://elsewhere.example")
    wire = Wire(200, STORED, b"")
    store_on_a_wire(wire).put(REQUEST)
    assert str(wire.requests[0].url).startswith("https://acme-bucket.s3.eu-central-1.amazonaws.com")


def test_a_role_without_credentials_to_assume_it_with_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    with pytest.raises(PutError, match=r"connection acme\): Unable to locate credentials"):
        S3Store(connection(role_arn="arn:aws:iam::123456789012:role/writer"))


def test_connections_that_agree_share_a_client() -> None:
    one = S3Store(connection())
    same = S3Store(connection(name="beta", bucket="beta-bucket", server_side_encryption="AES256"))
    other = S3Store(connection(region="us-east-1"))
    assert one.client is same.client
    assert one.client is not other.client


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


def test_threads_that_ask_at_once_share_one_client() -> None:
    settings = ClientSettings("eu-west-1", None, None, None)
    together = threading.Barrier(10)

    def ask(_: int) -> object:
        together.wait()
        return s3_client(settings)

    with ThreadPoolExecutor(10) as pool:
        assert len(set(map(id, pool.map(ask, range(10))))) == 1
