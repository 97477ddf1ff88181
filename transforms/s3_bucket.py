"""A bucket as a place to be read, by its owner or, for the operator's own, by the operator.

Reading needs `s3:ListBucket` and `s3:GetObject`; moving also `s3:PutObject` and `s3:DeleteObject`.
Nothing here is ever called on a customer's bucket with the writer's identity.
"""

import os
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError, FlexibleChecksumError
from botocore.session import get_session

from transforms.connection import Connection
from transforms.failures import SDK_ERRORS
from transforms.object_tree import CHUNK_BYTES, Listing
from transforms.s3 import put_parameters
from transforms.s3_client import ClientSettings, s3_client
from transforms.s3_read_errors import code_of, read_error

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_MOST_RESUMES: Final = 5
_GONE: Final = ("NoSuchKey", "404")


class S3Bucket:
    """Reads, and moves, the objects below a prefix of a bucket.

    Args:
        client: Whoever reads; threads share it.
        bucket: The bucket's name.
        prefix: A folder of it; a key of the tree is what follows. Empty: the whole bucket.
        put_headers: Parameters of `PutObject` that a moved object must have again: encryption.
        owner: The account that must own the bucket.
    """

    def __init__(
        self,
        client: "S3Client",
        bucket: str,
        prefix: str = "",
        put_headers: Mapping[str, Any] | None = None,
        owner: str | None = None,
    ) -> None:
        self._client = client
        self._bucket = bucket
        self._root = f"{prefix.rstrip('/')}/" if prefix.strip("/") else ""
        self._put_headers = dict(put_headers or {})
        self._owner: dict[str, Any] = {"ExpectedBucketOwner": owner} if owner else {}

    def url(self, key: str) -> str:
        """The object's URL, `s3://bucket/key`."""
        return f"s3://{self._bucket}/{self._root}{key}"

    def list(self, prefix: str = "") -> Iterator[Listing]:
        """All objects below the prefix, a request for each thousand.

        Empty objects whose key ends in `/`, which S3's console makes for folders, are left out.
        """
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=f"{self._root}{prefix}", **self._owner
        )
        try:
            for page in pages:
                for each in page.get("Contents", ()):
                    if each["Size"] or not each["Key"].endswith("/"):
                        yield each["Key"][len(self._root) :], each["Size"]
        except SDK_ERRORS as error:
            raise read_error(error, "list", self.url(prefix)) from error

    def chunks(self, key: str) -> Iterator[bytes]:
        """An object's bytes; a connection that breaks is taken up where it broke."""
        position, etag, failed = 0, "", 0
        while True:
            try:
                answer = self._get(key, position, etag)
                etag = answer["ETag"]
                while chunk := answer["Body"].read(CHUNK_BYTES):
                    position += len(chunk)
                    yield chunk
            except SDK_ERRORS as error:  # noqa: PERF203 - the loop is for this
                failed += 1
                if (
                    isinstance(error, (ClientError, FlexibleChecksumError))
                    or failed > _MOST_RESUMES
                ):
                    raise read_error(error, "read", self.url(key)) from error
            else:
                return

    def read(self, key: str) -> bytes:
        """An object, whole."""
        return b"".join(self.chunks(key))

    def head(self, key: str, length: int) -> bytes:
        """An object's beginning, by one ranged request."""
        try:
            body: bytes = self._get(key, 0, "", f"bytes=0-{length - 1}")["Body"].read()
        except ClientError as error:
            if code_of(error) == "InvalidRange":  # of an empty object no byte can be asked for
                return b""
            raise read_error(error, "read", self.url(key)) from error
        except SDK_ERRORS as error:
            raise read_error(error, "read", self.url(key)) from error
        return body

    def move(self, key: str, new_key: str) -> None:
        """Copies an object to its new key, then deletes it: at no time is there none."""
        try:
            self._copy(key, new_key)
            self._client.delete_object(Bucket=self._bucket, Key=self._root + key, **self._owner)
        except SDK_ERRORS as error:
            if code_of(error) in _GONE and self._exists(new_key):
                return  # moved before
            raise read_error(error, "move", self.url(key)) from error

    def _copy(self, key: str, new_key: str) -> None:
        headers = dict(self._put_headers)
        if "Tagging" in headers:
            headers["TaggingDirective"] = "REPLACE"
        if owner := headers.get("ExpectedBucketOwner"):
            headers["ExpectedSourceBucketOwner"] = owner
        self._client.copy_object(
            **{"Bucket": self._bucket, **headers},
            Key=self._root + new_key,
            CopySource={"Bucket": self._bucket, "Key": self._root + key},
        )

    def _exists(self, key: str) -> bool:
        try:
            self._client.head_object(Bucket=self._bucket, Key=self._root + key, **self._owner)
        except SDK_ERRORS:
            return False
        return True

    def _get(self, key: str, position: int, etag: str, span: str = "") -> Any:  # noqa: ANN401 - the SDK's answer
        asked: dict[str, Any] = {"Range": span} if span else {}
        if position:
            # Another object that was put there meanwhile must not be joined to this one.
            asked = {"Range": f"bytes={position}-", "IfMatch": etag}
        return self._client.get_object(
            Bucket=self._bucket, Key=self._root + key, **asked, **self._owner
        )


def owners_bucket(
    bucket: str,
    prefix: str,
    region: str | None = None,
    endpoint_url: str | None = None,
    owner: str | None = None,
) -> S3Bucket:
    """A bucket as the identity of the AWS default chain reads it.

    Args:
        bucket: Its name.
        prefix: A folder of it.
        region: Its region; `None` takes that of the environment, and follows S3 to the right one.
        endpoint_url: Another address for S3.
        owner: The account that must own the bucket.

    Raises:
        TreeError: A client cannot be made of the environment.
    """
    try:
        settings = ClientSettings(region or _region(), endpoint_url, None, None)
        return S3Bucket(s3_client(settings), bucket, prefix, owner=owner)
    except SDK_ERRORS as error:
        raise read_error(error, "list", f"s3://{bucket}/{prefix}") from error


def operators_bucket(connection: Connection, prefix: str) -> S3Bucket:
    """The bucket of the operator's own connection, with its role and its encryption.

    Raises:
        TreeError: A client cannot be made for the connection.
    """
    settings = ClientSettings(
        connection.region, connection.endpoint_url, connection.role_arn, connection.external_id
    )
    headers = put_parameters(connection)
    try:
        client = s3_client(settings)
    except SDK_ERRORS as error:
        raise read_error(error, "list", f"s3://{connection.bucket}/{prefix}") from error
    owner = connection.expected_bucket_owner
    return S3Bucket(client, connection.bucket, prefix, headers, owner)


def _region() -> str:
    """The environment's region; where it has none, the one that knows all others."""
    found = get_session().get_config_variable("region") or os.environ.get("AWS_REGION")
    return str(found or "us-east-1")
