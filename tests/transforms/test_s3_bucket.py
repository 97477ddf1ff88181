import io
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ReadTimeoutError
from moto import mock_aws

from transforms.connection import Connection
from transforms.object_tree import ObjectGoneError, TreeError, UnreadableObjectError
from transforms.s3_bucket import S3Bucket, operators_bucket, owners_bucket
from transforms.s3_client import forget_clients

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@pytest.fixture
def owner(monkeypatch: pytest.MonkeyPatch) -> Iterator["S3Client"]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    forget_clients()
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket="acme-bucket")
        yield client
    forget_clients()


def put(owner: "S3Client", *keys: str) -> None:
    for key in keys:
        owner.put_object(Bucket="acme-bucket", Key=key, Body=key.encode())


def test_keys_are_those_below_the_prefix_as_a_folder(owner: "S3Client") -> None:
    put(owner, "logs/a", "logs/b/c", "logs2/d", "e")
    owner.put_object(Bucket="acme-bucket", Key="logs/b/")  # what S3's console makes of a folder
    for prefix in ("logs", "logs/"):
        tree = S3Bucket(owner, "acme-bucket", prefix)
        assert list(tree.list()) == [("a", 6), ("b/c", 8)]
        assert list(tree.list("b/")) == [("b/c", 8)]
        assert tree.url("a") == "s3://acme-bucket/logs/a"
    assert len(list(S3Bucket(owner, "acme-bucket").list())) == 4


def test_more_keys_than_one_answer_holds_are_all_listed(owner: "S3Client") -> None:
    put(owner, *(f"logs/{n:04}" for n in range(1001)))
    assert len(list(S3Bucket(owner, "acme-bucket", "logs").list())) == 1001


def test_an_object_is_read_whole_or_its_beginning(owner: "S3Client") -> None:
    put(owner, "logs/a")
    owner.put_object(Bucket="acme-bucket", Key="logs/empty")
    tree = S3Bucket(owner, "acme-bucket", "logs")
    assert tree.read("a") == b"logs/a"
    assert tree.head("a", 4) == b"logs"
    assert tree.head("a", 4000) == b"logs/a"
    assert tree.head("empty", 4) == b""
    for read in (tree.read, lambda key: tree.head(key, 9)):
        with pytest.raises(ObjectGoneError, match="s3://acme-bucket/logs/b: there is no such obj"):
            read("b")


class Breaking(io.BytesIO):
    """A body whose connection breaks after a few bytes."""

    def read(self, size: int | None = -1) -> bytes:
        del size
        if self.tell() >= 4:
            raise ReadTimeoutError(endpoint_url="http://s3")
        return super().read(4)


class BreakingClient:
    """A client that records what is asked, and breaks each answer but the last."""

    def __init__(self, body: bytes, breaks: int) -> None:
        self.body = body
        self.breaks = breaks
        self.asked: list[dict[str, Any]] = []

    def get_object(self, **asked: Any) -> dict[str, Any]:  # noqa: ANN401 - any parameter
        self.asked.append(asked)
        rest = self.body[int(asked.get("Range", "bytes=0-")[6:-1]) :]
        body = Breaking(rest) if len(self.asked) <= self.breaks else io.BytesIO(rest)
        return {"ETag": '"e"', "Body": body}


def test_a_connection_that_breaks_is_taken_up_where_it_broke() -> None:
    client: Any = BreakingClient(b"0123456789", breaks=2)
    assert b"".join(S3Bucket(client, "acme-bucket").chunks("a")) == b"0123456789"
    assert [(a.get("Range"), a.get("IfMatch")) for a in client.asked] == [
        (None, None),
        ("bytes=4-", '"e"'),
        ("bytes=8-", '"e"'),
    ]


def test_a_connection_that_goes_on_breaking_is_given_up() -> None:
    client: Any = BreakingClient(b"0" * 100, breaks=100)
    with pytest.raises(TreeError, match="s3://acme-bucket/a: cannot read: no answer: Read timeout"):
        list(S3Bucket(client, "acme-bucket").chunks("a"))
    assert len(client.asked) == 6


def test_an_archived_object_is_told_from_a_place_that_cannot_be_read(owner: "S3Client") -> None:
    owner.put_object(Bucket="acme-bucket", Key="a", Body=b"a", StorageClass="GLACIER")
    with pytest.raises(UnreadableObjectError, match=r"InvalidObjectState \(403\).*is archived"):
        S3Bucket(owner, "acme-bucket").read("a")


@pytest.mark.usefixtures("owner")
def test_a_bucket_that_is_not_there_is_said() -> None:
    with pytest.raises(TreeError, match=r"(?s)NoSuchBucket \(404\).*correct its name"):
        list(owners_bucket("other-bucket", "logs").list())


OPS = {"name": "ops", "bucket": "acme-bucket", "region": "us-east-1"}


def test_a_moved_object_is_encrypted_and_tagged_as_the_connection_says(owner: "S3Client") -> None:
    put(owner, "ops/parked/a")
    connection = Connection.model_validate(
        OPS
        | {
            "server_side_encryption": "AES256",
            "tags": {"team": "data"},
            "storage_class": "STANDARD_IA",
        }
    )
    tree = operators_bucket(connection, "ops")
    tree.move("parked/a", "redriven/a")
    assert list(tree.list()) == [("redriven/a", 12)]
    head = owner.head_object(Bucket="acme-bucket", Key="ops/redriven/a")
    assert (head["ServerSideEncryption"], head["StorageClass"]) == ("AES256", "STANDARD_IA")
    tags = owner.get_object_tagging(Bucket="acme-bucket", Key="ops/redriven/a")["TagSet"]
    assert tags == [{"Key": "team", "Value": "data"}]


def test_a_move_may_be_repeated_at_any_point(owner: "S3Client") -> None:
    tree = operators_bucket(Connection.model_validate(OPS), "ops")
    put(owner, "ops/parked/a", "ops/redriven/a")  # killed between copy and delete
    tree.move("parked/a", "redriven/a")
    tree.move("parked/a", "redriven/a")  # killed after the delete
    assert list(tree.list()) == [("redriven/a", 12)]
    assert tree.read("redriven/a") == b"ops/parked/a"
    with pytest.raises(ObjectGoneError):
        tree.move("parked/b", "redriven/b")
