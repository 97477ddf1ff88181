import os
from pathlib import Path

import boto3
import pytest
from apache_beam.io.filesystems import FileSystems
from apache_beam.options.pipeline_options import PipelineOptions
from moto import mock_aws

from transforms.folder_tree import FolderTree
from transforms.object_tree import CHUNK_BYTES, ObjectGoneError, TreeError


def filled(root: Path, *keys: str) -> FolderTree:
    for key in keys:
        path = root / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(key.encode())
    return FolderTree(str(root))


def test_files_are_listed_by_their_path_below_the_folder(tmp_path: Path) -> None:
    tree = filled(tmp_path, "parked/a/b.avro", "parked/c.avro", "parked2/d", "e")
    assert sorted(tree.list()) == [
        ("e", 1),
        ("parked/a/b.avro", 15),
        ("parked/c.avro", 13),
        ("parked2/d", 9),
    ]
    assert sorted(tree.list("parked/")) == [("parked/a/b.avro", 15), ("parked/c.avro", 13)]
    assert sorted(tree.list("parked/a")) == [("parked/a/b.avro", 15)]
    assert list(tree.list("redriven/")) == []


def test_what_is_not_finished_is_not_listed_but_other_hidden_files_are(tmp_path: Path) -> None:
    tree = filled(tmp_path, f"a/.b.avro.{'0f' * 16}", "a/.DS_Store")
    assert list(tree.list()) == [("a/.DS_Store", 11)]


def test_files_are_read_as_they_are_whatever_their_name_says(tmp_path: Path) -> None:
    tree = filled(tmp_path, "a.gz")
    body = os.urandom(CHUNK_BYTES + 1)
    (tmp_path / "a.gz").write_bytes(body)
    assert tree.read("a.gz") == body
    assert [len(chunk) for chunk in tree.chunks("a.gz")] == [CHUNK_BYTES, 1]
    assert tree.head("a.gz", 10) == body[:10]
    assert tree.head("a.gz", 2**22) == body


def test_a_file_that_is_not_there_is_gone(tmp_path: Path) -> None:
    tree = FolderTree(str(tmp_path))
    for read in (tree.read, lambda key: tree.head(key, 9), lambda key: tree.move(key, "new")):
        with pytest.raises(ObjectGoneError, match=r"/nothing: there is no such file"):
            read("nothing")


def test_a_file_is_moved_into_a_folder_that_was_not_there_and_replaces(tmp_path: Path) -> None:
    tree = filled(tmp_path, "parked/a")
    tree.move("parked/a", "redriven/x/a")
    assert list(tree.list()) == [("redriven/x/a", 8)]
    tree.move("parked/a", "redriven/x/a")  # again, after a kill
    filled(tmp_path, "parked/a")
    tree.move("parked/a", "redriven/x/a")
    assert list(tree.list()) == [("redriven/x/a", 8)]


def test_a_folder_that_cannot_be_listed_is_no_empty_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = filled(tmp_path, "a/b")

    def refuse(path: str) -> None:
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr("os.scandir", refuse)
    with pytest.raises(TreeError, match="cannot be listed: Permission denied"):
        list(tree.list())


def test_where_a_filesystem_refuses_to_replace_the_old_copy_goes_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls: list[tuple[str, ...]] = []
    fake = "transforms.folder_tree.FileSystems"
    monkeypatch.setattr(f"{fake}.exists", lambda _: True)
    monkeypatch.setattr(f"{fake}.delete", lambda paths: calls.append(("delete", *paths)))
    monkeypatch.setattr(f"{fake}.rename", lambda a, b: calls.append(("rename", *a, *b)))
    FolderTree("hdfs://ops").move("parked/a", "redriven/a")
    assert calls == [
        ("delete", "hdfs://ops/redriven/a"),
        ("rename", "hdfs://ops/parked/a", "hdfs://ops/redriven/a"),
    ]


@mock_aws
def test_any_filesystem_of_beams_will_do(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    FileSystems.set_options(PipelineOptions([]))  # as running a pipeline does
    owner = boto3.client("s3", region_name="us-east-1")
    owner.create_bucket(Bucket="ops-bucket")
    for key in ("ops/parked/a.gz", "ops/parked/b/c", "ops/tallies/d"):
        owner.put_object(Bucket="ops-bucket", Key=key, Body=key.encode())
    tree = FolderTree("s3://ops-bucket/ops")
    assert sorted(tree.list("parked/")) == [("parked/a.gz", 15), ("parked/b/c", 14)]
    assert list(tree.list("redriven/")) == []
    assert tree.read("parked/a.gz") == b"ops/parked/a.gz"
    assert tree.head("parked/a.gz", 3) == b"ops"
    tree.move("parked/a.gz", "redriven/a.gz")
    tree.move("parked/a.gz", "redriven/a.gz")
    assert sorted(tree.list()) == [("parked/b/c", 14), ("redriven/a.gz", 15), ("tallies/d", 13)]
    with pytest.raises(ObjectGoneError):
        tree.read("parked/a.gz")
