"""What the other end-to-end tests rest on: what a bucket's policy does not grant is refused.

Under `s3:PutObject` S3 also takes multipart uploads, here as on AWS. They cannot be refused, but an
object that was put in parts is known by the dash in its ETag.
"""

import base64
import hashlib
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from examples.demo.policies import encryption_policy
from examples.demo.s3_server import S3Server

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_KEY = "logs/one.ndjson"
_BODY = b'{"type":"page"}\n'

_REFUSED: dict[str, Callable[["S3Client", str], object]] = {
    "GetObject": lambda s3, bucket: s3.get_object(Bucket=bucket, Key=_KEY),
    "HeadObject": lambda s3, bucket: s3.head_object(Bucket=bucket, Key=_KEY),
    "HeadObject of none": lambda s3, bucket: s3.head_object(Bucket=bucket, Key="none"),
    "HeadBucket": lambda s3, bucket: s3.head_bucket(Bucket=bucket),
    "ListObjectsV2": lambda s3, bucket: s3.list_objects_v2(Bucket=bucket),
    "ListMultipartUploads": lambda s3, bucket: s3.list_multipart_uploads(Bucket=bucket),
    "GetBucketLocation": lambda s3, bucket: s3.get_bucket_location(Bucket=bucket),
    "GetBucketPolicy": lambda s3, bucket: s3.get_bucket_policy(Bucket=bucket),
    "DeleteObject": lambda s3, bucket: s3.delete_object(Bucket=bucket, Key=_KEY),
    "DeleteBucket": lambda s3, bucket: s3.delete_bucket(Bucket=bucket),
    "CopyObject": lambda s3, bucket: s3.copy_object(
        Bucket=bucket, Key="copy", CopySource=f"{bucket}/{_KEY}"
    ),
    "PutObjectAcl": lambda s3, bucket: s3.put_object_acl(Bucket=bucket, Key=_KEY, ACL="private"),
    "PutObjectTagging": lambda s3, bucket: s3.put_object_tagging(
        Bucket=bucket, Key=_KEY, Tagging={"TagSet": [{"Key": "a", "Value": "b"}]}
    ),
}


@pytest.mark.parametrize("call", _REFUSED)
def test_the_writer_is_refused_any_other_call(
    call: str, bucket: str, owner: "S3Client", writer: "S3Client"
) -> None:
    owner.put_object(Bucket=bucket, Key=_KEY, Body=_BODY)

    with pytest.raises(ClientError) as refusal:
        _REFUSED[call](writer, bucket)

    assert _status(refusal.value) == 403
    assert _keys(owner, bucket) == [_KEY]


def test_deleting_many_is_refused_for_each(
    bucket: str, owner: "S3Client", writer: "S3Client"
) -> None:
    owner.put_object(Bucket=bucket, Key=_KEY, Body=_BODY)

    answer = writer.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": _KEY}]})

    assert [error["Code"] for error in answer["Errors"]] == ["AccessDenied"]
    assert _keys(owner, bucket) == [_KEY]


def test_the_writer_sees_no_buckets(bucket: str, writer: "S3Client") -> None:
    assert bucket not in [entry["Name"] for entry in writer.list_buckets()["Buckets"]]


def test_the_writer_puts_and_the_owner_reads_the_same_bytes(
    bucket: str, owner: "S3Client", writer: "S3Client"
) -> None:
    writer.put_object(Bucket=bucket, Key=_KEY, Body=_BODY, ContentType="application/x-ndjson")

    answer = owner.get_object(Bucket=bucket, Key=_KEY)

    assert answer["Body"].read() == _BODY
    assert answer["ContentType"] == "application/x-ndjson"
    assert "ServerSideEncryption" not in dict(answer)
    assert answer["ETag"] == f'"{hashlib.md5(_BODY).hexdigest()}"'  # noqa: S324 - S3's own


def test_the_writer_puts_nothing_where_no_policy_grants_it(
    s3_server: S3Server, writer: "S3Client"
) -> None:
    name = f"closed-{uuid.uuid4().hex[:12]}"
    s3_server.create_bucket(name, {"Version": "2012-10-17", "Statement": _other_statement(name)})

    with pytest.raises(ClientError, match="Access Denied"):
        writer.put_object(Bucket=name, Key=_KEY, Body=_BODY)


def test_encryption_is_reported_where_it_was_asked_for(
    bucket: str, owner: "S3Client", writer: "S3Client"
) -> None:
    writer.put_object(Bucket=bucket, Key=_KEY, Body=_BODY, ServerSideEncryption="AES256")

    assert owner.head_object(Bucket=bucket, Key=_KEY)["ServerSideEncryption"] == "AES256"
    assert owner.get_object(Bucket=bucket, Key=_KEY)["Body"].read() == _BODY


def test_a_policy_that_demands_encryption_is_enforced(
    s3_server: S3Server, owner: "S3Client", writer: "S3Client"
) -> None:
    name = f"strict-{uuid.uuid4().hex[:12]}"
    s3_server.create_bucket(name, encryption_policy(name))

    with pytest.raises(ClientError, match="Access Denied"):
        writer.put_object(Bucket=name, Key=_KEY, Body=_BODY)
    with pytest.raises(ClientError, match="Access Denied"):
        writer.put_object(Bucket=name, Key=_KEY, Body=_BODY, ServerSideEncryption="aws:kms")
    assert _keys(owner, name) == []

    writer.put_object(Bucket=name, Key=_KEY, Body=_BODY, ServerSideEncryption="AES256")
    assert _keys(owner, name) == [_KEY]


def test_a_wrong_checksum_is_refused(bucket: str, owner: "S3Client", writer: "S3Client") -> None:
    checksum = base64.b64encode(hashlib.sha256(b"other bytes").digest()).decode()

    with pytest.raises(ClientError, match="BadDigest"):
        writer.put_object(Bucket=bucket, Key=_KEY, Body=_BODY, ChecksumSHA256=checksum)

    assert _keys(owner, bucket) == []


def test_an_object_put_in_parts_is_known_by_its_etag(
    bucket: str, owner: "S3Client", writer: "S3Client"
) -> None:
    upload = writer.create_multipart_upload(Bucket=bucket, Key=_KEY)["UploadId"]
    part = writer.upload_part(Bucket=bucket, Key=_KEY, PartNumber=1, UploadId=upload, Body=_BODY)
    writer.complete_multipart_upload(
        Bucket=bucket,
        Key=_KEY,
        UploadId=upload,
        MultipartUpload={"Parts": [{"ETag": part["ETag"], "PartNumber": 1}]},
    )

    assert "-1" in owner.head_object(Bucket=bucket, Key=_KEY)["ETag"]


def test_a_missing_bucket_is_not_made_by_a_put(owner: "S3Client") -> None:
    with pytest.raises(ClientError, match="NoSuchBucket"):
        owner.put_object(Bucket="never-made", Key=_KEY, Body=_BODY)


def test_two_servers_run_side_by_side(s3_server: S3Server, bucket: str) -> None:
    with S3Server() as other:
        assert other.endpoint_url != s3_server.endpoint_url
        assert other.client("owner").list_buckets()["Buckets"] == []
        folder = other.log.parent

    assert not folder.exists()
    assert bucket in [
        entry["Name"] for entry in s3_server.client("owner").list_buckets()["Buckets"]
    ]


def _status(error: ClientError) -> int:
    return error.response["ResponseMetadata"]["HTTPStatusCode"]


def _keys(owner: "S3Client", bucket: str) -> list[str]:
    return [entry["Key"] for entry in owner.list_objects_v2(Bucket=bucket).get("Contents", [])]


def _other_statement(bucket: str) -> list[dict[str, Any]]:
    return [
        {
            "Effect": "Allow",
            "Principal": {"AWS": "arn:aws:iam::000000000000:user/someone-else"},
            "Action": "s3:PutObject",
            "Resource": f"arn:aws:s3:::{bucket}/*",
        }
    ]
