"""Error answers as Amazon S3 gives them: status, headers and XML.

Codes and messages are those of the Amazon S3 API Reference, "Error responses"; the denials with
context those of the IAM User Guide, "Troubleshoot access denied error messages"; AWS KMS's messages
those that S3 passes on. S3 ends the connection with nearly every error, and so do these.
"""

import time
from dataclasses import dataclass, replace
from email.utils import formatdate
from enum import Enum
from html import escape
from http import HTTPStatus
from typing import Final

WRITER_ARN: Final = "arn:aws:iam::213824691356:user/s3-copy"
KEY_ARN: Final = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
OTHER_REGION: Final = "eu-west-1"

_REQUEST_ID: Final = "4442587FB7D0A2F9"
_HOST_ID: Final = "Uuag1LuByRx9e6j5Onimru9pO4ZVKnJ2Qz7/C1NPcfTWAtRPfTaOFg=="
_PHRASES: Final = {"SlowDown": "Slow Down"}
_HOUR: Final = 3600


@dataclass(frozen=True)
class Reply:
    """An answer but for what depends on the request.

    Attributes:
        status: HTTP's.
        code: S3's; empty where the answer is not S3's.
        headers: Beside the date, and those that tell where the body ends.
        body: With places for `bucket`, `key`, `now` and `hour_ago`.
    """

    status: int
    code: str
    headers: tuple[str, ...]
    body: str

    def render(self, method: str, bucket: str, key: str) -> bytes:
        """The whole answer as bytes, after which the connection is to be closed."""
        now = time.time()
        body = self.body.format(
            bucket=escape(bucket),
            key=escape(key),
            now=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now)),
            hour_ago=time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now - _HOUR)),
        ).encode()
        phrase = _PHRASES.get(self.code, HTTPStatus(self.status).phrase)
        lines = [
            f"HTTP/1.1 {self.status} {phrase}",
            *self.headers,
            f"Date: {formatdate(now, usegmt=True)}",
            "Connection: close",
        ]
        if self.code:  # S3 sends its errors in chunks
            lines += ["Transfer-Encoding: chunked", "Server: AmazonS3"]
            body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
        else:
            lines += [f"Content-Length: {len(body)}"]
        head = "".join(f"{line}\r\n" for line in (*lines, "")).encode()
        return head if method == "HEAD" else head + body


def _s3(status: int, code: str, message: str, **more: str) -> Reply:
    fields = {"Code": code, "Message": message, **more}
    fields |= {"RequestId": _REQUEST_ID, "HostId": _HOST_ID}
    inside = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in fields.items())
    headers = (
        f"x-amz-request-id: {_REQUEST_ID}",
        f"x-amz-id-2: {_HOST_ID}",
        "Content-Type: application/xml",
    )
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error>{inside}</Error>'
    return Reply(status, code, headers, body)


def _elsewhere(reply: Reply) -> Reply:
    return replace(reply, headers=(f"x-amz-bucket-region: {OTHER_REGION}", *reply.headers))


def _denied(action: str, resource: str, why: str) -> Reply:
    return _s3(
        403,
        "AccessDenied",
        f"User: {WRITER_ARN} is not authorized to perform: {action} on {resource} {why}",
    )


def _proxy(status: int, kind: str, body: str) -> Reply:
    return Reply(status, "", (f"Content-Type: {kind}", "Server: proxy"), body)


_OBJECT: Final = 'resource: "arn:aws:s3:::{bucket}/{key}"'


class Answer(Enum):
    """What is answered in place of the real server, after the whole request was read.

    The mildest come first: hypothesis shrinks towards them.
    """

    INTERNAL_ERROR = _s3(
        500, "InternalError", "We encountered an internal error. Please try again."
    )
    SLOW_DOWN = _s3(503, "SlowDown", "Please reduce your request rate.")
    SERVICE_UNAVAILABLE = _s3(503, "ServiceUnavailable", "Service is unable to handle request.")
    REQUEST_TIMEOUT = _s3(
        400,
        "RequestTimeout",
        "Your socket connection to the server was not read from or written to within the timeout"
        " period. Idle connections will be closed.",
    )
    TOO_MANY_REQUESTS = _s3(429, "TooManyRequests", "Please reduce your request rate.")
    """Not S3's own: what is compatible with it answers so."""
    EXPIRED_TOKEN = _s3(
        400,
        "ExpiredToken",
        "The provided token has expired.",
        **{"Token-0": "IQoJb3JpZ2luX2VjEXAMPLE"},
    )
    ACCESS_DENIED = _s3(403, "AccessDenied", "Access Denied")
    """All that is said across accounts."""
    ACCESS_DENIED_BY_NO_POLICY = _denied(
        "s3:PutObject", _OBJECT, "because no resource-based policy allows the s3:PutObject action"
    )
    ACCESS_DENIED_EXPLICITLY = _denied(
        "s3:PutObject", _OBJECT, "with an explicit deny in a resource-based policy"
    )
    ACCESS_DENIED_TO_KMS = _denied(
        "kms:GenerateDataKey",
        f"resource: {KEY_ARN}",
        "because no resource-based policy allows the kms:GenerateDataKey action",
    )
    ACCESS_DENIED_TO_FOREIGN_KMS = _denied(
        "kms:GenerateDataKey",
        "this resource",
        "because the resource does not exist in this Region, no resource-based policies allow"
        " access, or a resource-based policy explicitly denies access",
    )
    """The key is another account's."""
    ALL_ACCESS_DISABLED = _s3(
        403, "AllAccessDisabled", "All access to this object has been disabled"
    )
    NO_SUCH_BUCKET = _s3(
        404, "NoSuchBucket", "The specified bucket does not exist", BucketName="{bucket}"
    )
    PERMANENT_REDIRECT = _elsewhere(
        _s3(
            301,
            "PermanentRedirect",
            "The bucket you are attempting to access must be addressed using the specified"
            " endpoint. Please send all future requests to this endpoint.",
            Endpoint=f"{{bucket}}.s3.{OTHER_REGION}.amazonaws.com",
            Bucket="{bucket}",
        )
    )
    AUTHORIZATION_HEADER_MALFORMED = _elsewhere(
        _s3(
            400,
            "AuthorizationHeaderMalformed",
            "The authorization header is malformed; the region 'us-east-1' is wrong; expecting"
            f" '{OTHER_REGION}'",
            Region=OTHER_REGION,
        )
    )
    KMS_DISABLED = _s3(400, "KMS.DisabledException", f"{KEY_ARN} is disabled.")
    KMS_NOT_FOUND = _s3(400, "KMS.NotFoundException", f"Key '{KEY_ARN}' does not exist")
    KMS_INVALID_STATE = _s3(400, "KMS.KMSInvalidStateException", f"{KEY_ARN} is pending deletion.")
    ACCESS_CONTROL_LIST_NOT_SUPPORTED = _s3(
        400, "AccessControlListNotSupported", "The bucket does not allow ACLs"
    )
    INVALID_ARGUMENT = _s3(
        400,
        "InvalidArgument",
        "Server Side Encryption with AWS KMS managed key requires HTTP header"
        " x-amz-server-side-encryption : aws:kms",
        ArgumentName="x-amz-server-side-encryption",
        ArgumentValue="AES256",
    )
    INVALID_ACCESS_KEY_ID = _s3(
        403,
        "InvalidAccessKeyId",
        "The AWS Access Key Id you provided does not exist in our records.",
        AWSAccessKeyId="AKIAIOSFODNN7EXAMPLE",
    )
    REQUEST_TIME_TOO_SKEWED = _s3(
        403,
        "RequestTimeTooSkewed",
        "The difference between the request time and the current time is too large.",
        RequestTime="{hour_ago}",
        ServerTime="{now}",
        MaxAllowedSkewMilliseconds="900000",
    )
    PROXY_NOTHING = _proxy(200, "text/plain", "")
    """200 and an empty body, and no ETag: nothing was stored."""
    PROXY_PAGE = _proxy(200, "text/html", "<html><body>Please log in<br></body></html>")
    """200 and a page that is no XML: nothing was stored."""
    PROXY_BAD_GATEWAY = _proxy(502, "text/html", "<html><body>502 Bad Gateway<hr></body></html>")
