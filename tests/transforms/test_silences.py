import socket
import ssl
from collections.abc import Iterator

import pytest
import urllib3.exceptions
from botocore.awsrequest import AWSRequest
from botocore.exceptions import (
    BotoCoreError,
    ConnectionClosedError,
    ConnectTimeoutError,
    CredentialRetrievalError,
    EndpointConnectionError,
    HTTPClientError,
    IncompleteReadError,
    MetadataRetrievalError,
    NoCredentialsError,
    ParamValidationError,
    PartialCredentialsError,
    ProfileNotFound,
    ProxyConnectionError,
    ReadTimeoutError,
    SSLError,
    UnauthorizedSSOTokenError,
)
from botocore.httpsession import URLLib3Session
from botocore.parsers import ResponseParserError

from transforms.connection import Connection
from transforms.failures import SdkError, understand

PLAIN = Connection(name="acme", bucket="acme-bucket", region="us-east-1")
URL = "https://acme-bucket.s3.us-east-1.amazonaws.com/a"


def raised_by(error: BotoCoreError, behind: BaseException) -> BotoCoreError:
    """An error as botocore hands it on."""
    error.__context__ = behind
    return error


EXPIRED = urllib3.exceptions.SSLError(
    ssl.SSLCertVerificationError(1, "certificate verify failed: certificate has expired")
)
CUT_OFF = urllib3.exceptions.SSLError(ssl.SSLEOFError(8, "EOF occurred in violation of protocol"))
SILENCES = [
    (ConnectTimeoutError(endpoint_url=URL), True, "acme-bucket.s3.us-east-1.amazonaws.com"),
    (ReadTimeoutError(endpoint_url=URL), True, "operator checks the network"),
    (ConnectionClosedError(endpoint_url=URL), True, "operator checks the network"),
    (EndpointConnectionError(endpoint_url=URL), True, "operator checks the network"),
    (HTTPClientError(error=ConnectionResetError(104, "reset by peer")), True, "network"),
    (IncompleteReadError(actual_bytes=1, expected_bytes=2), True, "network"),
    (ProxyConnectionError(proxy_url="http://proxy"), True, "HTTPS_PROXY"),
    (ResponseParserError("not XML"), True, "proxy that answers in S3's place"),
    (raised_by(SSLError(endpoint_url=URL, error=EXPIRED), EXPIRED), False, "certificates"),
    (SSLError(endpoint_url=URL, error=CUT_OFF), True, "breaks TLS"),
    (NoCredentialsError(), False, "Give credentials by the AWS default chain"),
    (PartialCredentialsError(provider="env", cred_var="secret"), False, "its secret"),
    (CredentialRetrievalError(provider="process", error_msg="exit 1"), False, "credentials come"),
    (CredentialRetrievalError(provider="container-role", error_msg="…"), True, "on this machine"),
    (CredentialRetrievalError(provider="iam-role", error_msg="…"), True, "on this machine"),
    (MetadataRetrievalError(error_msg="timed out"), True, "on this machine"),
    (UnauthorizedSSOTokenError(), False, "operator logs in again"),
    (ProfileNotFound(profile="acme"), False, "AWS profile"),
    (ParamValidationError(report="Invalid bucket name"), False, "what the connection sends"),
]


@pytest.mark.parametrize(
    ("error", "transient", "advice"), SILENCES, ids=[type(s[0]).__name__ for s in SILENCES]
)
def test_without_an_answer_it_is_said_what_was_raised(
    error: SdkError, advice: str, *, transient: bool
) -> None:
    failure = understand(error, PLAIN)
    assert (failure.transient, failure.answered, failure.attempts) == (transient, False, 1)
    assert failure.said.startswith(" ".join(str(error).split())[:40])
    assert advice in failure.advice
    assert failure.advice.endswith(".")


def test_a_name_that_cannot_be_resolved_is_said_to_be_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def resolve(*_: object, **__: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr("socket.getaddrinfo", resolve)
    failure = understand(sending_to("https://s3.us-east-9.amazonaws.com/a"), PLAIN)
    assert failure.said.endswith("(Name or service not known)")
    assert failure.advice.startswith("The name s3.us-east-9.amazonaws.com could not be resolved")
    assert failure.transient


def test_a_refused_connection_is_no_unresolved_name(closed_port: int) -> None:
    failure = understand(sending_to(f"http://127.0.0.1:{closed_port}/a"), PLAIN)
    assert failure.said.endswith("(Connection refused)")
    assert "operator checks the network between here and 127.0.0.1" in failure.advice
    assert failure.transient


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port that is ours, and that nobody listens on."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


def sending_to(url: str) -> BotoCoreError:
    session = URLLib3Session()
    try:
        with pytest.raises(BotoCoreError) as raised:
            session.send(AWSRequest("PUT", url, data=b"").prepare())
    finally:
        session.close()
    return raised.value
