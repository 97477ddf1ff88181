"""What a failed put means: the whole policy, in one table.

A failure is transient where the same request may succeed later by itself, and permanent where a
person must first change something. A cause that the answer does not name is never asserted: across
accounts S3 says no more than "Access Denied", and then the possible ones are listed, in order.

Codes are those of the Amazon S3 API Reference, "Error responses"; AWS KMS's come with `KMS.` before
them, as S3 passes them on; AWS STS's are those of `AssumeRole`.
"""

from typing import Final

import msgspec
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,  # noqa: A004 - botocore's, of which the builtin is not a base
    CredentialRetrievalError,
    HTTPClientError,
    NoCredentialsError,
    PartialCredentialsError,
    SSLError,
)
from botocore.parsers import ResponseParserError

from transforms.connection import Connection

SDK_ERRORS: Final = (ClientError, BotoCoreError, ResponseParserError)
"""All that boto3 raises for a request."""

SdkError = ClientError | BotoCoreError | ResponseParserError

_PASSING: Final = (HTTPClientError, ConnectionError, ResponseParserError)


class Failure(msgspec.Struct, frozen=True):
    """A failed put, understood.

    Attributes:
        answered: Whether S3 said it.
        said: What was answered, or raised, in its own words.
        transient: Whether the same request may succeed later by itself.
        advice: What to do, or what may be the cause; empty where there is nothing to add.
    """

    answered: bool
    said: str
    transient: bool
    advice: str


_REGION_HEADER: Final = "x-amz-bucket-region"
_WRONG_REGION: Final = frozenset(
    {"PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException"}
)
_FOLLOWED_STATUSES: Final = (301, 302, 307, 308)
_SERVER_ERROR: Final = 500
_TRANSIENT_STATUSES: Final = (408, 429)
_TRANSIENT_CODES: Final = frozenset(
    {
        "RequestTimeout",  # 400: the body came too slowly
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "KMS.ThrottlingException",
        "TooManyRequests",
        "RequestLimitExceeded",
        "BandwidthLimitExceeded",
        "OperationAborted",  # 409: something else is changing the bucket
        "ConditionalRequestConflict",
        # The SDK renews credentials before they expire; a machine that slept may be too late once.
        "ExpiredToken",
        "ExpiredTokenException",
    }
)
_ADVICE: Final = {
    "NoSuchBucket": "The bucket does not exist: correct the connection's bucket, or have it made.",
    "AllAccessDisabled": "S3 has shut the bucket off: its owner must ask AWS why.",
    "AccountProblem": "There is a problem with the bucket owner's account: they must ask AWS why.",
    "InvalidAccessKeyId": "The access key is not known, or is disabled: check our credentials.",
    "SignatureDoesNotMatch": "The secret does not fit the access key: check our credentials.",
    "InvalidToken": "The session token is not valid: check our credentials.",
    "RequestTimeTooSkewed": "This machine's clock is more than 15 minutes off: set it right.",
    "AccessControlListNotSupported": "The bucket takes no ACLs: remove the connection's acl.",
    "InvalidStorageClass": "Correct the connection's storage_class.",
    "InvalidTag": "Correct the connection's tags.",
    "EntityTooLarge": "One put takes 5 GiB: lower the destination's max_object_bytes.",
    "KeyTooLongError": "Shorten the destination's prefix.",
    "BadDigest": "The body was changed on its way: look at what lies between here and S3.",
    "XAmzContentSHA256Mismatch": "The body was changed on its way: look at what lies in between.",
    "KMS.DisabledException": "The key is disabled: its owner must enable it.",
    "KMS.NotFoundException": "There is no such key in this region: correct kms_key_id.",
    "KMS.KMSInvalidStateException": "The key is being deleted, or not ready: its owner must act.",
    "KMS.InvalidKeyUsageException": "The key is not one for encryption: correct kms_key_id.",
}
_ADVICE_BY_TYPE: Final[dict[type[Exception], str]] = {
    NoCredentialsError: "Give credentials by the AWS default chain: environment, files, or role.",
    PartialCredentialsError: "Give both the access key and its secret.",
    CredentialRetrievalError: "Check the AWS credentials of this machine.",
    SSLError: "Check the certificates of this machine, and endpoint_url.",
}


def understand(error: SdkError, connection: Connection) -> Failure:
    """Looks a failure up.

    Args:
        error: What the SDK raised, all its retries behind it.
        connection: What the put was made with.
    """
    if isinstance(error, ClientError):
        return _understand_answer(error, connection)
    advice = next((a for kind, a in _ADVICE_BY_TYPE.items() if isinstance(error, kind)), "")
    return Failure(
        answered=False,
        said=str(error),
        transient=isinstance(error, _PASSING) and not advice,
        advice=advice,
    )


def _understand_answer(error: ClientError, connection: Connection) -> Failure:
    answer = error.response.get("Error", {})
    metadata = error.response.get("ResponseMetadata", {})
    code, status = answer.get("Code", "no code"), metadata.get("HTTPStatusCode", 0)
    transient = status >= _SERVER_ERROR or status in _TRANSIENT_STATUSES or code in _TRANSIENT_CODES
    if code in _WRONG_REGION or status in _FOLLOWED_STATUSES:
        region = metadata.get("HTTPHeaders", {}).get(_REGION_HEADER) or answer.get("Region")
        advice = _other_region(region, connection)
    elif error.operation_name == "AssumeRole" and not transient:
        advice = _refused_role(connection)
    elif code == "AccessDenied":
        advice = _possible_causes(connection)
    elif code in ("InvalidArgument", "InvalidRequest"):
        advice = _what_is_sent(connection)
    else:
        advice = _ADVICE.get(code, "")
    return Failure(
        answered=True,
        said=f"{code} ({status}): {answer.get('Message', 'no message')}",
        transient=transient,
        advice=advice,
    )


def _other_region(region: object, connection: Connection) -> str:
    there = f"the bucket is in {region}" if region else "the bucket is in another one"
    return f"The connection's region is {connection.region}, but {there}: correct it."


def _refused_role(connection: Connection) -> str:
    return f"The role {connection.role_arn} was not given to us: its trust policy must name us" + (
        " and the external_id." if connection.external_id else "."
    )


def _possible_causes(connection: Connection) -> str:
    causes = [
        "the bucket's policy does not grant us s3:PutObject there",
        (
            "it demands another encryption than what is sent"
            f" ({connection.server_side_encryption or 'none'})"
        ),
    ]
    if connection.kms_key_id:
        causes.append("the key's policy does not grant us kms:GenerateDataKey")
    if connection.expected_bucket_owner:
        causes.append(f"the bucket is not account {connection.expected_bucket_owner}'s")
    if connection.acl:
        causes.append("we may not set an ACL (s3:PutObjectAcl)")
    if connection.tags:
        causes.append("we may not set tags (s3:PutObjectTagging)")
    return f"Possible causes: {'; '.join(causes)}."


def _what_is_sent(connection: Connection) -> str:
    fields = ("server_side_encryption", "kms_key_id", "bucket_key_enabled", "acl", "storage_class")
    sent = [f"{name} {value}" for name in fields if (value := getattr(connection, name))]
    return f"Sent with: {', '.join(sent)}." if sent else ""
