import os
from pathlib import Path

import pytest
from apache_beam.io.filesystem import FileMetadata, MatchResult
from apache_beam.io.filesystems import FileSystems

from transforms.errors import NothingMatchedError, ReadError
from transforms.match import InputFile, match_files


def written(path: Path, content: bytes) -> InputFile:
    path.write_bytes(content)
    return match_files([str(path)])[0]


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


def test_files_are_matched_with_what_the_run_id_is_made_of(tmp_path: Path) -> None:
    path = tmp_path / "a.ndjson"
    path.write_bytes(b"{}\n")
    os.utime(path, (0, 1_763_633_400.9))

    assert match_files([str(path)]) == [InputFile(str(path), 3, 1_763_633_400_900_000)]


def test_a_file_whose_filesystem_tells_no_time_has_no_record_time() -> None:
    assert InputFile("/a", 1, 1_763_633_400_900_000).record_time == 1_763_633_400
    assert InputFile("mem://a", 1, 0).record_time is None


def test_matched_files_are_sorted_and_each_is_there_once(tmp_path: Path) -> None:
    for name in ("b.gz", "a.gz", "c.ndjson"):
        (tmp_path / name).write_bytes(b"x")

    files = match_files([f"{tmp_path}/c*", f"{tmp_path}/*", f"file://{tmp_path}/a.gz"])

    assert [file.path for file in files] == [
        f"{tmp_path}/{name}" for name in ("a.gz", "b.gz", "c.ndjson")
    ]


def test_a_local_file_has_the_same_name_whatever_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "in").mkdir()
    file = written(tmp_path / "in" / "a.ndjson", b"{}\n")

    monkeypatch.chdir(tmp_path)
    assert match_files(["in/*.ndjson"]) == [file]
    monkeypatch.chdir(tmp_path / "in")
    assert match_files(["a.ndjson", "../in/./a.ndjson"]) == [file]


def test_a_star_stays_in_its_folder_and_two_do_not(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    inner, outer = written(tmp_path / "in" / "a", b"1"), written(tmp_path / "b", b"2")

    assert match_files([f"{tmp_path}/*"]) == [outer]
    assert match_files([f"{tmp_path}/**"]) == [outer, inner]


def test_a_name_with_the_characters_of_a_glob_names_its_file(tmp_path: Path) -> None:
    file = written(tmp_path / "a[1]*.ndjson", b"{}\n")

    assert match_files([file.path]) == [file]


@pytest.mark.parametrize("pattern", ["missing.ndjson", "*.gz", "missing/*"])
def test_each_pattern_must_match(tmp_path: Path, pattern: str) -> None:
    there = written(tmp_path / "a.ndjson", b"{}\n").path

    with pytest.raises(NothingMatchedError) as it:
        match_files([there, f"{tmp_path}/{pattern}"])
    assert str(it.value).startswith(f"{tmp_path}/{pattern}: matches no file.\n")


def test_a_folder_is_no_file_and_the_error_shows_the_glob(tmp_path: Path) -> None:
    with pytest.raises(ReadError, match=rf"^{tmp_path}: is a folder.\nName its files: {tmp_path}/"):
        match_files([f"{tmp_path}/"])


def test_a_filesystem_that_is_not_there_is_an_error_that_names_the_pattern() -> None:
    with pytest.raises(ReadError, match=r"^nosuch://a/b: cannot be listed: "):
        match_files(["nosuch://a/b"])


def test_empty_objects_that_stand_for_folders_are_no_files(monkeypatch: pytest.MonkeyPatch) -> None:
    class Bucket:
        def match(self, patterns: list[str]) -> list[MatchResult]:
            found = [FileMetadata("mem://in/", 0), FileMetadata("mem://in/a.gz", 9, 7.5)]
            return [MatchResult(pattern, found) for pattern in patterns]

    monkeypatch.setattr(FileSystems, "get_filesystem", lambda _: Bucket())

    assert match_files(["mem://in/*"]) == [InputFile("mem://in/a.gz", 9, 7_500_000)]
