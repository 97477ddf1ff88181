import errno
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

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


def test_what_was_moved_since_its_folder_was_listed_is_not_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = filled(tmp_path, "a/b", "a/c", "d/e")
    walk = os.walk

    def walk_and_move(top: str, onerror: Callable[[OSError], None]) -> Iterator[Any]:
        for path, folders, names in walk(top, onerror=onerror):
            if path.endswith("/a"):
                (tmp_path / "a/b").unlink()
            yield path, folders, names
            shutil.rmtree(tmp_path / "d", ignore_errors=True)

    monkeypatch.setattr("os.walk", walk_and_move)
    assert list(tree.list()) == [("a/c", 3)]


def test_a_file_of_which_nothing_is_told_is_an_error_of_the_tree(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = filled(tmp_path, "a/b")
    stat = Path.stat

    def refuse(path: Path, *, follow_symlinks: bool = True) -> os.stat_result:
        if path.name == "b":
            raise OSError(5, "Input/output error", str(path))
        return stat(path, follow_symlinks=follow_symlinks)

    monkeypatch.setattr(Path, "stat", refuse)
    with pytest.raises(TreeError, match="a/b: cannot be listed: Input/output error"):
        list(tree.list())


def test_links_to_folders_are_followed_but_never_in_circles(tmp_path: Path) -> None:
    filled(tmp_path / "elsewhere", "x", "more/y")
    tree = filled(tmp_path / "ops", "parked/real/z")
    for name, target in (
        ("linked", tmp_path / "elsewhere"),
        ("again", tmp_path / "ops/parked/real"),
        ("real/up", tmp_path / "ops"),
    ):
        (tmp_path / "ops/parked" / name).symlink_to(target)
    (tmp_path / "elsewhere/more/back").symlink_to(tmp_path)
    expected = [("parked/linked/more/y", 6), ("parked/linked/x", 1), ("parked/real/z", 13)]
    assert sorted(tree.list("parked/")) == expected


def test_a_file_on_another_disk_is_copied_then_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = filled(tmp_path, "parked/a")
    replace = os.replace

    def refuse(old: str | Path, new: str | Path) -> None:
        if Path(old).parent == Path(new).parent:
            replace(old, new)
            return
        raise OSError(errno.EXDEV, "Invalid cross-device link", str(old), None, str(new))

    monkeypatch.setattr("os.replace", refuse)
    tree.move("parked/a", "redriven/a")
    assert list(tree.list()) == [("redriven/a", 8)]
    assert os.listdir(tmp_path / "redriven") == ["a"]  # noqa: PTH208 - by name


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
