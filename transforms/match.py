"""Which files an input names, on any filesystem that Beam knows."""

import os.path
import re
from collections.abc import Sequence
from math import floor
from pathlib import Path
from typing import Final

import msgspec
from apache_beam.io.filesystem import FileMetadata
from apache_beam.io.filesystems import FileSystems
from apache_beam.io.localfilesystem import LocalFileSystem

from transforms.errors import NothingMatchedError, ReadError

_MICROS: Final = 1_000_000


class InputFile(msgspec.Struct, frozen=True):
    """A file as it was when it was matched.

    Attributes:
        path: With its scheme, or absolute.
        size_bytes: Its length as stored, compressed or not.
        modified_micros: When it was last modified, in microseconds since 1970; 0 where the
            filesystem does not tell.
    """

    path: str
    size_bytes: int
    modified_micros: int

    @property
    def record_time(self) -> int | None:
        """The record time of its records, in whole seconds since 1970; `None` if there is none."""
        return self.modified_micros // _MICROS if self.modified_micros else None


def match_files(patterns: Sequence[str]) -> list[InputFile]:
    """The files that the patterns name, sorted by path, each once.

    A pattern is a path or a glob as Beam has them (`*` within a folder, `**` across folders, `?`,
    `[...]`), with the filesystem's scheme unless it is local. Local paths are made absolute: the
    same file has the same name whatever folder the command is run in.

    Raises:
        NothingMatchedError: A pattern names no file.
        ReadError: A pattern names a folder, or its filesystem is unknown or cannot be listed.
    """
    matched = {
        each.path: InputFile(
            each.path, each.size_in_bytes, floor(each.last_updated_in_seconds * 1_000_000)
        )
        for pattern in patterns
        for each in _match(pattern)
    }
    return [matched[path] for path in sorted(matched)]


def _match(pattern: str) -> list[FileMetadata]:
    pattern = pattern.removeprefix("file://")  # which Beam does not know
    try:
        filesystem = FileSystems.get_filesystem(pattern)
        if isinstance(filesystem, LocalFileSystem):
            # `Path.resolve` would follow links, and a link is what a person may want to name. Two
            # slashes at the start are one, or the same file would have two names.
            pattern = "/" + os.path.abspath(pattern).lstrip("/")  # noqa: PTH100
            return _match_local(filesystem, pattern)
        found = filesystem.match([pattern])[0].metadata_list
    except (OSError, ValueError) as error:
        raise ReadError(f"{pattern}: cannot be listed: {error}") from error
    # Object stores have empty objects that stand for folders.
    return _some([each for each in found if not each.path.endswith("/")], pattern)


def _match_local(filesystem: LocalFileSystem, pattern: str) -> list[FileMetadata]:
    if Path(pattern).is_dir():
        raise ReadError(f"{pattern}: is a folder.\nName its files: {pattern}/*")
    if Path(pattern).exists():  # also where its name has a glob's characters
        found = [filesystem.metadata(pattern)]
    else:
        _refuse_hidden_folders(pattern)
        found = filesystem.match([pattern])[0].metadata_list
    for each in found:
        _refuse_odd_file(each)
    return _some(found, pattern)


def _some(files: list[FileMetadata], pattern: str) -> list[FileMetadata]:
    if not files:
        raise NothingMatchedError(
            f"{pattern}: matches no file.\nCheck the path; in a shell, quote a pattern with a *."
        )
    return files


def _refuse_hidden_folders(pattern: str) -> None:
    """Beam passes over a folder that it may not list: what is in it would silently be missing."""
    fixed = re.split(r"[*?\[]", pattern, maxsplit=1)[0].rpartition("/")[0] or "/"
    rest = pattern[len(fixed) + 1 :]
    across = "/" in rest or "**" in rest  # the pattern reaches into the folders below

    def refuse(error: OSError) -> None:
        if across or error.filename == fixed:
            raise ReadError(f"{error.filename}: cannot be listed: {error.strerror}") from error

    if Path(fixed).is_dir():
        for _ in os.walk(fixed, onerror=refuse):
            if not across:
                break


def _refuse_odd_file(file: FileMetadata) -> None:
    try:
        file.path.encode()
    except UnicodeEncodeError:
        raise ReadError(f"{file.path!a}: its name is not UTF-8.\nRename it.") from None
    # What has no size of its own (a pipe, a device, a file of /proc) would count as empty.
    if file.size_in_bytes == 0 and not _is_empty(Path(file.path)):
        raise ReadError(
            f"{file.path}: is a pipe or a device, or does not tell its size.\n"
            "Write what it gives into a file first."
        )


def _is_empty(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return not file.read(1)
