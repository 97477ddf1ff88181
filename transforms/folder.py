"""A folder as a store: the operator's own place on any of Beam's filesystems."""

import contextlib
import os
import uuid
from pathlib import Path

from apache_beam.io.filesystem import BeamIOError, CompressionTypes
from apache_beam.io.filesystems import FileSystems

from transforms.errors import PutError
from transforms.store import Failure, Folder, PutRequest


class FolderStore:
    """Puts objects as files below a folder."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder

    def put(self, request: PutRequest, deadline: float | None = None) -> None:  # noqa: ARG002 - a write to a file cannot be ended
        """Writes a file whose path below the folder is the object's key.

        Raises:
            PutError: The file could not be written.
        """
        path = f"{self._folder.path}/{request.key}"
        try:
            path = FileSystems.join(self._folder.path, *request.key.split("/"))
            if FileSystems.get_scheme(path) is None:
                _write_local(Path(path), request.body)
            else:
                # Object stores show an object only when it is whole, at close.
                with FileSystems.create(
                    path, request.content_type, CompressionTypes.UNCOMPRESSED
                ) as file:
                    file.write(request.body)
        except (OSError, BeamIOError, ValueError) as error:
            failure = Failure(str(error), transient=False, answered=False)
            raise PutError(f"cannot write {path}: {error}", failure) from error


def _write_local(path: Path, body: bytes) -> None:
    # A local file is seen while it is written: another name until it is whole.
    unfinished = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        try:
            unfinished.write_bytes(body)
        except FileNotFoundError:  # mostly the folder is there
            path.parent.mkdir(parents=True, exist_ok=True)
            unfinished.write_bytes(body)
        os.replace(unfinished, path)  # noqa: PTH105 - Path.replace reads like str.replace
    except OSError:
        with contextlib.suppress(OSError):
            unfinished.unlink()
        raise
