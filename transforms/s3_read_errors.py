"""What a refused read of a bucket means, in words for whoever reads it."""

from typing import Final

from botocore.exceptions import (
    ClientError,
    EndpointConnectionError,
    FlexibleChecksumError,
    NoCredentialsError,
    PartialCredentialsError,
)

from transforms.failures import SdkError
from transforms.object_tree import ObjectGoneError, TreeError, UnreadableObjectError
from transforms.said import fit_to_show

_GONE: Final = ("NoSuchKey", "404", "PreconditionFailed")
_PERMISSIONS: Final = {
    "list": "s3:ListBucket on the bucket",
    "read": "s3:GetObject on its objects (and kms:Decrypt where they are encrypted with a KMS key)",
    "move": "s3:GetObject, s3:PutObject and s3:DeleteObject on its objects",
}
_REGION: Final = (
    "The bucket is in another region: give it with --region, or correct the connection."
)
_ADVICE: Final = {
    "NoSuchBucket": "The bucket does not exist: correct its name.",
    "InvalidAccessKeyId": "The access key is not known, or is disabled: check the credentials.",
    "SignatureDoesNotMatch": "The secret does not fit the access key: check the credentials.",
    "InvalidToken": "The session token is not valid: check the credentials.",
    "ExpiredToken": "The credentials have expired: renew them.",
    "RequestTimeTooSkewed": "This machine's clock is more than 15 minutes off: set it right.",
    "PermanentRedirect": _REGION,
    "AuthorizationHeaderMalformed": _REGION,
}


def read_error(error: SdkError, verb: str, url: str) -> TreeError:
    """The error to raise for a request that failed.

    Args:
        error: What the SDK raised, all its retries behind it.
        verb: What was to be done: list, read or move.
        url: What was to be read.
    """
    code = code_of(error)
    if code in _GONE:
        return ObjectGoneError(f"{url}: there is no such object")
    if code == "InvalidObjectState":
        return UnreadableObjectError(f"{_said(error)}: it is archived, and must be restored first")
    if isinstance(error, FlexibleChecksumError):
        return UnreadableObjectError(f"not the bytes that S3 has a checksum of: {_said(error)}")
    return TreeError(f"{url}: cannot {verb}: {_said(error)}\n{_advice(error, verb)}".rstrip())


def code_of(error: SdkError) -> str:
    """S3's code of a refusal; empty where S3 said nothing."""
    return error.response.get("Error", {}).get("Code", "") if isinstance(error, ClientError) else ""


def _said(error: SdkError) -> str:
    if not isinstance(error, ClientError):
        return f"no answer: {fit_to_show(str(error))}"
    answer = error.response.get("Error", {})
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    message = fit_to_show(answer.get("Message", "no message"))
    return f"S3 answered: {code_of(error)} ({status}): {message}"


def _advice(error: SdkError, verb: str) -> str:
    if code_of(error) in ("AccessDenied", "403"):
        return f"The credentials need {_PERMISSIONS[verb]}."
    if isinstance(error, (NoCredentialsError, PartialCredentialsError)):
        return (
            "Give credentials that may read the bucket, by the AWS default chain: environment,"
            " files (AWS_PROFILE), or role."
        )
    if isinstance(error, EndpointConnectionError):
        return "Check the network, and the endpoint's address."
    return _ADVICE.get(code_of(error), "")
