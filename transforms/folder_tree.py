"""A folder as a place to be read, on any of Beam's filesystems."""

import errno
import os
import re
import shutil
import uuid
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from apache_beam.io.filesystem import BeamIOError, CompressionTypes
from apache_beam.io.filesystems import FileSystems

from transforms.object_tree import CHUNK_BYTES, Listing, ObjectGoneError, TreeError

_ERRORS: Final = (OSError, BeamIOError, ValueError)
_UNFINISHED: Final = re.compile(r"\..+\.[0-9a-f]{32}")


class FolderTree:
    """Reads files below a folder; their keys are their paths below it.

    What `FolderStore` has not finished writing is not listed. Links to folders are followed, but no
    folder is listed twice.
    """

    def __init__(self, path: str) -> None:
        self._root = path.rstrip("/") or "/"
        self._local = FileSystems.get_scheme(path) is None

    def url(self, key: str) -> str:
        """The file's path."""
        return f"{self._root.rstrip('/')}/{key}"

    def list(self, prefix: str = "") -> Iterator[Listing]:
        """All files whose path below the folder begins with a prefix; none where it is missing."""
        return self._walk(prefix) if self._local else self._match(prefix)

    def chunks(self, key: str) -> Iterator[bytes]:
        """A file's bytes."""
        try:
            with self._open(key) as file:
                while chunk := file.read(CHUNK_BYTES):
                    yield chunk
        except _ERRORS as error:
            raise self._error("read", key, error) from error

    def read(self, key: str) -> bytes:
        """A file, whole."""
        return b"".join(self.chunks(key))

    def head(self, key: str, length: int) -> bytes:
        """A file's beginning."""
        try:
            with self._open(key) as file:
                found: bytes = file.read(length)
                return found
        except _ERRORS as error:
            raise self._error("read", key, error) from error

    def move(self, key: str, new_key: str) -> None:
        """Renames a file."""
        old, new = self.url(key), self.url(new_key)
        try:
            if self._local:
                Path(new).parent.mkdir(parents=True, exist_ok=True)
                _replace(old, new)
            else:
                _rename(old, new)
        except _ERRORS as error:
            if not self._exists(old) and self._exists(new):
                return
            raise self._error("move", key, error) from error

    def _walk(self, prefix: str) -> Iterator[Listing]:
        folder = prefix.rpartition("/")[0]
        top = self.url(folder).rstrip("/") or "/"
        for path, names in self._folders(top):
            below = os.path.relpath(path, self._root).replace(os.sep, "/")
            for name in names:
                key = name if below == "." else f"{below}/{name}"
                if not key.startswith(prefix) or _UNFINISHED.fullmatch(name):
                    continue
                if (found := self._look_at(Path(path) / name, follow=False)) is not None:
                    yield key, found.st_size

    def _folders(self, top: str) -> Iterator[tuple[str, Sequence[str]]]:
        """All folders from here on, with the names of their files."""
        seen: set[tuple[int, int]] = set()
        # Links come last, so that a folder that is here itself goes by its own name.
        starts = deque([top])
        while starts:
            for path, folders, names in os.walk(starts.popleft(), onerror=self._cannot_list):
                found = self._look_at(Path(path), follow=True)
                if found is None or (found.st_dev, found.st_ino) in seen:
                    folders.clear()
                    continue
                seen.add((found.st_dev, found.st_ino))
                inside = [os.path.join(path, name) for name in folders]  # noqa: PTH118 - as walk does
                starts.extend(filter(os.path.islink, inside))
                yield path, names

    def _look_at(self, path: Path, *, follow: bool) -> os.stat_result | None:
        """What the filesystem knows of it; `None` where it was moved away since it was listed."""
        try:
            return path.stat(follow_symlinks=follow)
        except FileNotFoundError:
            return None
        except OSError as error:
            self._cannot_list(error)
            raise

    def _match(self, prefix: str) -> Iterator[Listing]:
        try:
            found = FileSystems.match([f"{self.url(prefix)}**"])[0].metadata_list
        except _ERRORS as error:
            raise self._error("list", prefix, error) from error
        for each in found:
            # Object stores have empty objects that stand for folders.
            if not each.path.endswith("/"):
                yield each.path[len(self.url("")) :], each.size_in_bytes

    def _open(self, key: str) -> Any:  # noqa: ANN401 - whatever a filesystem opens
        path = self.url(key)
        # By itself Beam would unpack what is named `.gz`.
        return FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED)

    def _exists(self, path: str) -> bool:
        try:
            return bool(FileSystems.exists(path))
        except _ERRORS:
            return False

    def _cannot_list(self, error: OSError) -> None:
        if isinstance(error, FileNotFoundError):
            return  # it was never there, or was moved away
        raise TreeError(f"{error.filename}: cannot be listed: {error.strerror}") from error

    def _error(self, verb: str, key: str, error: Exception) -> TreeError:
        path = self.url(key)
        if verb != "list" and not self._exists(path):
            return ObjectGoneError(f"{path}: there is no such file")
        why = getattr(error, "strerror", None) or str(error).partition("\n")[0]
        return TreeError(f"{path}: cannot {verb}: {why}")


def _replace(old: str, new: str) -> None:
    try:
        os.replace(old, new)  # noqa: PTH105 - Path.replace reads like str.replace
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        # A link has led to another disk. At no time is there none, or half of one.
        unfinished = Path(new).with_name(f".{Path(new).name}.{uuid.uuid4().hex}")
        try:
            shutil.copyfile(old, unfinished)
            unfinished.replace(new)
        finally:
            unfinished.unlink(missing_ok=True)
        Path(old).unlink()


def _rename(old: str, new: str) -> None:
    # Some filesystems refuse to replace; a copy that a kill left there is the same as the original.
    if FileSystems.exists(old) and FileSystems.exists(new):
        FileSystems.delete([new])
    FileSystems.rename([old], [new])
