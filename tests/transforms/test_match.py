import os
from pathlib import Path

import pytest

from transforms.errors import NothingMatchedError, ReadError
from transforms.match import match_files


def test_a_pipe_is_not_taken_for_an_empty_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.ndjson")
    for pattern in ("pipe.ndjson", "*.ndjson"):
        with pytest.raises(ReadError, match="is a pipe or a device"):
            match_files([str(tmp_path / pattern)])


def test_a_file_that_does_not_tell_its_size_is_not_taken_for_an_empty_one() -> None:
    if not Path("/proc/self/environ").exists():
        pytest.skip("no /proc here")
    with pytest.raises(ReadError, match="does not tell its size"):
        match_files(["/proc/self/environ"])


def test_a_name_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"\xff.ndjson")).write_bytes(b"{}\n")
    with pytest.raises(ReadError, match="its name is not UTF-8"):
        match_files([f"{tmp_path}/*"])


def test_a_folder_that_may_not_be_listed_is_not_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "open").mkdir()
    (tmp_path / "open" / "a.ndjson").write_bytes(b"{}\n")
    (tmp_path / "shut").mkdir()
    scandir = os.scandir

    def refusing(path: str) -> object:
        if str(path).endswith("shut"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr("os.scandir", refusing)  # root may list anything
    with pytest.raises(ReadError, match="shut: cannot be listed: Permission denied"):
        match_files([f"{tmp_path}/**"])
    [found] = match_files([f"{tmp_path}/open/*"])
    assert found.path.endswith("open/a.ndjson")


def test_the_same_file_by_two_patterns_is_read_once(tmp_path: Path) -> None:
    (tmp_path / "a.ndjson").write_bytes(b"{}\n")
    patterns = [f"{tmp_path}/a.ndjson", f"/{tmp_path}/*", f"{tmp_path}/./a*"]
    assert len(match_files(patterns)) == 1


def test_nothing_matched_names_the_pattern(tmp_path: Path) -> None:
    with pytest.raises(NothingMatchedError, match=r"none-\*\.ndjson: matches no file"):
        match_files([f"{tmp_path}/none-*.ndjson"])
