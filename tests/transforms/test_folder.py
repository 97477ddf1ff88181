import hashlib
from pathlib import Path

import boto3
import pytest
from apache_beam.io.filesystems import FileSystems
from apache_beam.options.pipeline_options import PipelineOptions
from moto import mock_aws

from transforms.errors import PutError
from transforms.folder import FolderStore
from transforms.store import Folder, PutRequest


def request(key: str, body: bytes = b"body") -> PutRequest:
    return PutRequest("receipts", key, body, "text/plain", hashlib.sha256(body).digest())


def test_an_object_is_a_file_below_the_folder(tmp_path: Path) -> None:
    store = FolderStore(Folder(str(tmp_path / "ops")))
    store.put(request("receipts/2026/a.ndjson", b"one"))
    store.put(request("receipts/2026/a.ndjson", b"two"))
    assert [p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*") if p.is_file()] == [
        "ops/receipts/2026/a.ndjson"
    ]
    assert (tmp_path / "ops/receipts/2026/a.ndjson").read_bytes() == b"two"


def test_a_file_is_seen_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("transforms.folder.os.replace", full)
    with pytest.raises(PutError, match="No space left on device"):
        FolderStore(Folder(str(tmp_path))).put(request("a.ndjson"))
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(PutError, match=r"cannot write .*/file/a\.ndjson"):
        FolderStore(Folder(str(tmp_path / "file"))).put(request("a.ndjson"))


@mock_aws
def test_any_filesystem_of_beams_will_do(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    FileSystems.set_options(PipelineOptions([]))  # as running a pipeline does
    owner = boto3.client("s3", region_name="us-east-1")
    owner.create_bucket(Bucket="ops-bucket")
    FolderStore(Folder("s3://ops-bucket/ops")).put(request("a/b.ndjson", b"one"))
    found = owner.get_object(Bucket="ops-bucket", Key="ops/a/b.ndjson")
    assert found["Body"].read() == b"one"


def test_a_filesystem_that_is_not_installed_is_named() -> None:
    with pytest.raises(PutError, match=r"cannot write nowhere://ops/a\.ndjson"):
        FolderStore(Folder("nowhere://ops")).put(request("a.ndjson"))
