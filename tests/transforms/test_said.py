import pytest
from botocore.exceptions import (
    EndpointConnectionError,
    HTTPClientError,
    ReadTimeoutError,
)
from botocore.parsers import ResponseParserError

from tests.transforms.failure_fixtures import (
    ACCESS_KEY,
    OBJECT,
    SESSION_TOKEN,
    SIGNATURE,
    put_refused,
    role_refused,
)
from transforms.connection import Connection
from transforms.failures import SdkError, understand

PLAIN = Connection(name="acme", bucket="acme-bucket", region="us-east-1")
URL = "https://acme-bucket.s3.us-east-1.amazonaws.com/a"

QUOTED = {
    "AWSAccessKeyId": ACCESS_KEY,
    "StringToSign": f"AWS4-HMAC-SHA256 20261120T100000Z {ACCESS_KEY}",
    "SignatureProvided": SIGNATURE,
    "CanonicalRequest": f"PUT /a x-amz-security-token:{SESSION_TOKEN}",
}
CANONICAL = (
    "The request signature we calculated does not match the signature you provided. Check your AWS"
    " Secret Access Key and signing method.\n\nThe Canonical String for this request should have"
    f" been\n'POST\n/\n\nx-amz-security-token:{SESSION_TOKEN}\n\nThe String-to-Sign should have"
    f" been\n'AWS4-HMAC-SHA256\n{SIGNATURE}'"
)
SIGNED_URL = (
    f"{URL}?X-Amz-Credential={ACCESS_KEY}%2F20261120&X-Amz-Security-Token={SESSION_TOKEN}"
    f"&X-Amz-Signature={SIGNATURE}"
)


@pytest.mark.parametrize(
    ("error", "kept"),
    [
        (put_refused("InvalidAccessKeyId", 403, "does not exist", **QUOTED), "does not exist"),
        (put_refused("SignatureDoesNotMatch", 403, "no match", **QUOTED), "no match"),
        (put_refused("InvalidAccessKeyId", 403, f"No such key: {ACCESS_KEY}."), "No such key"),
        (role_refused("SignatureDoesNotMatch", 403, CANONICAL), "signature we calculated"),
        (role_refused("SignatureDoesNotMatch", 403, CANONICAL.replace("\n\n", "\n")), "calculated"),
        (put_refused("Odd", 400, f"x-amz-security-token: {SESSION_TOKEN}"), "Odd"),
        (ReadTimeoutError(endpoint_url=SIGNED_URL), URL),
        (EndpointConnectionError(endpoint_url=f"https://me:{SIGNATURE}@proxy/a"), "proxy/a"),
        (ResponseParserError(f"Unable to parse\n<p>{SESSION_TOKEN}</p>"), "Unable to parse"),
        (HTTPClientError(error=f"Signature={SIGNATURE}, next"), "next"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_no_secret_is_said(error: SdkError, kept: str) -> None:
    failure = understand(error, PLAIN)
    for secret in (ACCESS_KEY, SESSION_TOKEN, SIGNATURE):
        assert secret not in str(failure)
    assert kept in failure.said


def test_what_is_said_is_one_line_of_bounded_length() -> None:
    said = understand(put_refused("Odd", 400, "much\n" * 10_000), PLAIN).said
    assert len(said) == 2001
    assert "\n" not in said


def test_the_object_is_named_where_the_request_was_made() -> None:
    said = understand(put_refused("AccessDenied", 403, f'on resource: "{OBJECT}"'), PLAIN).said
    assert OBJECT in said
