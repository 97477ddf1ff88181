"""Failures as botocore itself makes them: its client and its parsers, fed with what comes by wire.

The bodies are of the forms that S3, AWS KMS (by way of S3) and AWS STS document, or were seen to
answer with.
"""

import functools
from collections.abc import Iterator, Mapping
from typing import Any
from xml.sax.saxutils import escape

import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.session import get_session

from transforms.connection import Connection

ACCESS_KEY = "AKIAIOSFODNN7EXAMPLE"
SESSION_TOKEN = "IQoJb3JpZ2luX2VjEXAMPLETOKEN"  # noqa: S105 - no one's
SIGNATURE = "fe5f80f77d5fa3beca038a248ff027d0445342fe2855ddc963176630326f1024"
USER = "arn:aws:iam::213824691356:user/s3-copy"
OBJECT = "arn:aws:s3:::acme-bucket/a.ndjson.gz"
KEY = "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555"
ROLE = "arn:aws:iam::123456789012:role/writer"

PLAIN = Connection(name="acme", bucket="acme-bucket", region="us-east-1")
AES256 = PLAIN.model_copy(update={"server_side_encryption": "AES256"})
FULL = PLAIN.model_copy(
    update={
        "server_side_encryption": "aws:kms",
        "kms_key_id": KEY,
        "bucket_key_enabled": True,
        "expected_bucket_owner": "123456789012",
        "acl": "public-read",
        "storage_class": "STANDARD_IA",
        "tags": {"team": "data"},
    }
)


def s3_body(code: str, message: str, **fields: str) -> str:
    extra = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in fields.items())
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f"<Error><Code>{code}</Code><Message>{escape(message)}</Message>{extra}"
        "<RequestId>4442587FB7D0A2F9</RequestId><HostId>OLlyCWYf…</HostId></Error>"
    )


def sts_body(code: str, message: str) -> str:
    return (
        '<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error>'
        f"<Type>Sender</Type><Code>{code}</Code><Message>{escape(message)}</Message></Error>"
        "<RequestId>c6104cbe-af31-11e0-8154-cbc7ccf896c7</RequestId></ErrorResponse>"
    )


def put_answered(
    status: int, body: str = "", headers: Mapping[str, str] | None = None, attempts: int = 1
) -> ClientError:
    """What `PutObject` raises when each of its requests is answered so."""
    client = _client("s3", attempts)
    return _raised(
        client, "PutObject", {"Bucket": "acme-bucket", "Key": "a"}, status, body, headers
    )


def put_refused(code: str, status: int = 400, message: str = "…", **fields: str) -> ClientError:
    return put_answered(status, s3_body(code, message, **fields))


def role_refused(code: str, status: int = 403, message: str = "…") -> ClientError:
    given = {"RoleArn": ROLE, "RoleSessionName": "s3-event-logs"}
    return _raised(_client("sts", 1), "AssumeRole", given, status, sts_body(code, message), None)


class _Raw:
    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self, **_: object) -> Iterator[bytes]:
        yield self._body


@functools.cache
def _client(service: str, attempts: int) -> Any:  # noqa: ANN401 - botocore's clients have no type
    client = get_session().create_client(
        service,
        region_name="us-east-1",
        endpoint_url="https://aws.example.com",
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key="x" * 40,
        aws_session_token=SESSION_TOKEN,
        config=Config(retries={"mode": "standard", "total_max_attempts": attempts}),
    )
    client.meta.events.register("before-call.s3", _never_redirect)
    return client


def _never_redirect(params: dict[str, Any], **_: object) -> None:
    # As the store does: a wrong region must come through as it is answered.
    params["context"].setdefault("s3_redirect", {})["redirected"] = True


def _raised(  # noqa: PLR0913, PLR0917 - a private that two lines call
    client: Any,  # noqa: ANN401
    operation: str,
    parameters: dict[str, str],
    status: int,
    body: str,
    headers: Mapping[str, str] | None,
) -> ClientError:
    def answer(request: Any, **_: object) -> AWSResponse:  # noqa: ANN401
        return AWSResponse(
            request.url, status, HTTPHeaders.from_dict(headers or {}), _Raw(body.encode())
        )

    event = f"before-send.{client.meta.service_model.service_id.hyphenize()}"
    client.meta.events.register(event, answer)
    try:
        with pytest.raises(ClientError) as raised:
            client._make_api_call(operation, parameters)  # noqa: SLF001 - what its methods call
    finally:
        client.meta.events.unregister(event, answer)
    return raised.value
