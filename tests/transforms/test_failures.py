import pytest
from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ReadTimeoutError,
    SSLError,
)
from botocore.parsers import ResponseParserError

from transforms.connection import Connection
from transforms.failures import SdkError, understand

KEY = "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555"
PLAIN = Connection(name="acme", bucket="acme-bucket", region="us-east-1")
FULL = Connection(
    name="acme",
    bucket="acme-bucket",
    region="us-east-1",
    server_side_encryption="aws:kms",
    kms_key_id=KEY,
    expected_bucket_owner="123456789012",
    acl="bucket-owner-full-control",
    tags={"team": "data"},
    role_arn="arn:aws:iam::123456789012:role/writer",
    external_id="ext-1",
)


def answer(
    code: str,
    status: int,
    message: str = "…",
    operation: str = "PutObject",
    headers: dict[str, str] | None = None,
) -> ClientError:
    return ClientError(
        {
            "Error": {"Code": code, "Message": message},
            "ResponseMetadata": {
                "HTTPStatusCode": status,
                "HTTPHeaders": headers or {},
                "RequestId": "",
                "HostId": "",
                "RetryAttempts": 0,
            },
        },
        operation,
    )


TRANSIENT = [
    answer("InternalError", 500),
    answer("SlowDown", 503),
    answer("ServiceUnavailable", 503),
    answer("RequestTimeout", 400),
    answer("ThrottlingException", 400),
    answer("KMS.ThrottlingException", 400),
    answer("ExpiredToken", 400),
    answer("OperationAborted", 409),
    answer("SomethingNew", 502),
    answer("TooMany", 429),
    answer("ServiceUnavailable", 503, operation="AssumeRole"),
    ConnectTimeoutError(endpoint_url="https://s3"),
    ReadTimeoutError(endpoint_url="https://s3"),
    EndpointConnectionError(endpoint_url="https://s3"),
    ResponseParserError("not XML"),
]
PERMANENT = [
    answer("AccessDenied", 403),
    answer("NoSuchBucket", 404),
    answer("PermanentRedirect", 301),
    answer("InvalidArgument", 400),
    answer("AccessControlListNotSupported", 400),
    answer("InvalidAccessKeyId", 403),
    answer("RequestTimeTooSkewed", 403),
    answer("AllAccessDisabled", 403),
    answer("KMS.DisabledException", 400),
    answer("KMS.NotFoundException", 400),
    answer("KMS.KMSInvalidStateException", 400),
    answer("SomethingNew", 418),
    answer("AccessDenied", 403, operation="AssumeRole"),
    NoCredentialsError(),
    SSLError(endpoint_url="https://s3", error=OSError("certificate verify failed")),
]


@pytest.mark.parametrize("error", TRANSIENT, ids=str)
def test_what_may_pass_by_itself_is_transient(error: SdkError) -> None:
    assert understand(error, PLAIN).transient


@pytest.mark.parametrize("error", PERMANENT, ids=str)
def test_what_a_person_must_change_is_permanent(error: SdkError) -> None:
    assert not understand(error, PLAIN).transient


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (
            answer("PermanentRedirect", 301, headers={"x-amz-bucket-region": "eu-west-1"}),
            "The connection's region is us-east-1, but the bucket is in eu-west-1: correct it.",
        ),
        (
            answer("KMS.DisabledException", 400),
            "The key is disabled: its owner must enable it.",
        ),
        (
            answer("InvalidArgument", 400),
            (
                f"Sent with: server_side_encryption aws:kms, kms_key_id {KEY}, "
                "acl bucket-owner-full-control."
            ),
        ),
        (
            answer("AccessDenied", 403, operation="AssumeRole"),
            (
                "The role arn:aws:iam::123456789012:role/writer was not given to us: its trust "
                "policy must name us and the external_id."
            ),
        ),
        (
            NoCredentialsError(),
            "Give credentials by the AWS default chain: environment, files, or role.",
        ),
        (answer("SlowDown", 503), ""),
    ],
    ids=str,
)
def test_advice_says_what_to_do(error: SdkError, advice: str) -> None:
    assert understand(error, FULL).advice == advice


# Within an account, or an organisation, S3 says more; across accounts it does not.
PLAIN_DENIAL = "Access Denied"
DENIAL_WITH_CONTEXT = (
    "User: arn:aws:iam::213824691356:user/s3-copy is not authorized to perform: s3:PutObject on "
    'resource: "arn:aws:s3:::acme-bucket/a" because no resource-based policy allows it'
)


@pytest.mark.parametrize("message", [PLAIN_DENIAL, DENIAL_WITH_CONTEXT])
def test_a_denial_is_quoted_and_its_possible_causes_listed_but_none_asserted(message: str) -> None:
    failure = understand(answer("AccessDenied", 403, message), FULL)
    assert failure.said == f"AccessDenied (403): {message}"
    assert failure.advice == (
        "Possible causes: the bucket's policy does not grant us s3:PutObject there; it demands"
        " another encryption than what is sent (aws:kms); the key's policy does not grant us"
        " kms:GenerateDataKey; the bucket is not account 123456789012's; we may not set an ACL"
        " (s3:PutObjectAcl); we may not set tags (s3:PutObjectTagging)."
    )


def test_only_what_could_be_the_cause_is_listed() -> None:
    advice = understand(answer("AccessDenied", 403), PLAIN).advice
    assert advice == (
        "Possible causes: the bucket's policy does not grant us s3:PutObject there; it demands"
        " another encryption than what is sent (none)."
    )
