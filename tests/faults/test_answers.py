"""Each answer is what a real client takes it for."""

from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError

from examples.demo.s3_server import OWNER, S3Server
from tests.faults.fault_server import Answer, FaultServer, Rule
from tests.faults.s3_clients import BODY, KEY, LARGE, client_of, keys_in, refusal_of, status_of

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

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
            f'{_DENIED}s3:PutObject on resource: "arn:aws:s3:::BUCKET/{KEY}" because no'
            " resource-based policy allows the s3:PutObject action"
        ),
    ),
    Answer.ACCESS_DENIED_EXPLICITLY: (
        403,
        "AccessDenied",
        (
            f'{_DENIED}s3:PutObject on resource: "arn:aws:s3:::BUCKET/{KEY}" with an explicit deny'
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


@pytest.mark.parametrize("body", [BODY, LARGE], ids=["small", "5 MiB"])
@pytest.mark.parametrize("answer", [a for a in Answer if a is not Answer.PROXY_NOTHING])
def test_an_error_is_what_s3_answers_and_nothing_is_stored(
    answer: Answer, body: bytes, bucket: str, s3_server: S3Server, server: FaultServer
) -> None:
    server.script([Rule(answer)])

    with client_of(server, s3_server) as through:
        error = refusal_of(through, bucket, body)

    status, code, message = _SEEN[answer]
    assert (status_of(error), error["Error"]["Code"]) == (status, code)
    assert error["Error"]["Message"] == message.replace("BUCKET", bucket)
    assert {request[:4] for request in server.requests} == {("PUT", bucket, KEY, answer.name)}
    assert keys_in(s3_server.client(OWNER), bucket) == []


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
    assert refusal_of(writer, bucket)["Error"][name] == value.replace("BUCKET", bucket)


@pytest.mark.parametrize(
    "answer", [Answer.PERMANENT_REDIRECT, Answer.AUTHORIZATION_HEADER_MALFORMED]
)
def test_another_region_is_named_in_a_header(
    answer: Answer, bucket: str, server: FaultServer, writer: "S3Client"
) -> None:
    server.script([Rule(answer)])
    headers = refusal_of(writer, bucket)["ResponseMetadata"]["HTTPHeaders"]
    assert headers["x-amz-bucket-region"] == "eu-west-1"
    assert headers["x-amz-request-id"] == "4442587FB7D0A2F9"


def test_a_proxy_answers_200_without_an_etag(
    bucket: str, owner: "S3Client", server: FaultServer, writer: "S3Client"
) -> None:
    server.script([Rule(Answer.PROXY_NOTHING)])

    answer = writer.put_object(Bucket=bucket, Key=KEY, Body=BODY)

    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert "ETag" not in dict(answer)
    assert keys_in(owner, bucket) == []


def test_an_error_to_head_has_no_body(
    bucket: str, s3_server: S3Server, server: FaultServer
) -> None:
    server.script([Rule(Answer.ACCESS_DENIED)])
    with (
        client_of(server, s3_server, OWNER) as through,
        pytest.raises(ClientError, match=r"\(403\).*Forbidden"),
    ):
        through.head_object(Bucket=bucket, Key=KEY)
