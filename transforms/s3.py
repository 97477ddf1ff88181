"""Amazon S3 as a store, and the one call that it makes.

`PutObject` needs `s3:PutObject` on the bucket and nothing else.
"""

import base64
from collections.abc import Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlencode

from botocore.exceptions import ClientError

from transforms.connection import Connection
from transforms.errors import PutError
from transforms.failures import SDK_ERRORS, understand
from transforms.s3_client import (
    ClientSettings,
    TooLateError,
    end_attempts_at,
    forget_clients,
    s3_client,
)
from transforms.store import Failure, PutRequest

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_EXPIRED: Final = ("ExpiredToken", "ExpiredTokenException")


class S3Store:
    """Puts objects into a connection's bucket, with the headers that the connection demands.

    Attributes:
        client: The client that it shares with all connections that agree in `ClientSettings`.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._settings = ClientSettings(
            region=connection.region,
            endpoint_url=connection.endpoint_url,
            role_arn=connection.role_arn,
            external_id=connection.external_id,
        )
        try:
            self.client = s3_client(self._settings)
        except ValueError as error:
            raise self._error("", Failure(str(error), transient=False, answered=False)) from error
        except SDK_ERRORS as error:
            raise self._error("", understand(error, connection)) from error
        self._parameters = put_parameters(connection)

    def put(self, request: PutRequest, deadline: float | None = None) -> None:
        """One `PutObject`; the SDK retries what may pass, in its standard mode.

        Raises:
            PutError: S3 refused the object, or did not answer.
        """
        end_attempts_at(deadline)
        try:
            answer = self._put(request)
        except (TooLateError, RuntimeError) as error:
            # botocore raises the second where renewed credentials have expired already.
            failure = Failure(str(error), transient=True, answered=False)
            raise self._error(request.key, failure) from error
        except SDK_ERRORS as error:
            raise self._error(request.key, understand(error, self._connection)) from error
        doubt = _doubt(answer, self._connection)
        if doubt:
            # Also of an object that is stored, where the answer was cut off: again, it is the same.
            raise self._error(request.key, Failure(doubt, transient=True))

    def _put(self, request: PutRequest) -> Mapping[str, Any]:
        client = self.client
        try:
            return self._put_by(client, request)
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") not in _EXPIRED:
                raise
        # The SDK renews credentials before they expire; those of a file or of the environment it
        # reads but once, when a client is made.
        if self.client is client:
            forget_clients()
            self.client = s3_client(self._settings)
        return self._put_by(self.client, request)

    def _put_by(self, client: "S3Client", request: PutRequest) -> Mapping[str, Any]:
        return client.put_object(
            **self._parameters,
            Key=request.key,
            Body=request.body,
            ContentType=request.content_type,
            ChecksumSHA256=base64.b64encode(request.sha256).decode(),
        )

    def _error(self, key: str, failure: Failure) -> PutError:
        connection = self._connection
        what = f"cannot put {key}" if key else "cannot put anything"
        where = f"{what} into bucket {connection.bucket} (connection {connection.name})"
        return PutError(f"{where}: {failure}", failure)


def _doubt(answer: Mapping[str, Any], connection: Connection) -> str | None:
    """Why an answer that is no error is no proof that the object is stored as it should be.

    S3 answers 200 with an ETag, and names the encryption that was asked for (Amazon S3 API
    Reference, PutObject). What stands between here and there may answer anything.
    """
    status = answer["ResponseMetadata"]["HTTPStatusCode"]
    if status != HTTPStatus.OK or not answer.get("ETag"):
        return f"{status} without an ETag, which S3 does not: is there a proxy?"
    asked, got = connection.server_side_encryption, answer.get("ServerSideEncryption")
    if asked is not None and got != asked:
        return f"200, but the object's encryption is {got or 'none'} where {asked} was asked for"
    return None


def put_parameters(connection: Connection) -> dict[str, Any]:
    """The parameters of `PutObject` that are the same for all objects of a connection."""
    optional = {
        "ServerSideEncryption": connection.server_side_encryption,
        "SSEKMSKeyId": connection.kms_key_id,
        "BucketKeyEnabled": connection.bucket_key_enabled,
        "ExpectedBucketOwner": connection.expected_bucket_owner,
        "ACL": connection.acl,
        "StorageClass": connection.storage_class,
        "Tagging": urlencode(connection.tags, quote_via=quote) if connection.tags else None,
    }
    given = {name: value for name, value in optional.items() if value is not None}
    return {"Bucket": connection.bucket, **given}
