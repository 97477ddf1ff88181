"""A spool: pieces' bodies on the local disk while only their addresses are shuffled.

The in-process direct runner keeps all that is shuffled in memory, in four copies. Where all workers
share one machine, the bodies need not be among it.
"""

import contextlib
import io
import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import apache_beam as beam
import msgspec

from transforms.errors import SpoolError
from transforms.records import Piece, Spooled


class Spool:
    """One file, to be appended to by one worker and read by any on the same machine.

    Args:
        folder: Where the file is made. Whoever names the folder removes it after the run.
    """

    def __init__(self, folder: str) -> None:
        # A name that no other worker and no repeated bundle has: an address is never used again.
        self._path = Path(folder) / f"{uuid.uuid4().hex}.pieces"
        self._file: io.BufferedWriter = self._path.open("wb")
        self._length = 0

    def take(self, piece: Piece) -> Piece:
        """The piece with its body's address in place of the body; readable after `flush`."""
        if isinstance(piece.body, Spooled):
            return piece
        with _naming(self._path):
            self._write(piece.body)
        address = Spooled(os.fspath(self._path), self._length, len(piece.body))
        self._length += address.length
        return msgspec.structs.replace(piece, body=address)

    def _write(self, body: bytes) -> None:
        self._file.write(body)

    def flush(self) -> None:
        """Hands what was taken to the operating system, so that others can read it."""
        with _naming(self._path):
            self._file.flush()

    def close(self) -> None:
        """Flushes and closes the file."""
        self._file.close()


class SpoolingDoFn(beam.DoFn):
    """A DoFn whose pieces wait in a spool of its own, or travel whole where there is no folder."""

    def __init__(self, folder: str | None) -> None:
        self._folder = folder

    def setup(self) -> None:
        """Makes the spool."""
        self._spool = Spool(self._folder) if self._folder else None

    def keep(self, piece: Piece) -> Piece:
        """What is to be shuffled of a piece."""
        return self._spool.take(piece) if self._spool else piece

    def finish_bundle(self) -> None:
        """Makes the bundle's pieces readable before anyone hears of them."""
        if self._spool:
            self._spool.flush()

    def teardown(self) -> None:
        """Closes the spool."""
        if self._spool:
            self._spool.close()


@contextlib.contextmanager
def _naming(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise SpoolError(
            f"{path.parent}: {error.strerror}\nPacked events wait there, about a sixth of the"
            " input: make room, or name another folder by TMPDIR."
        ) from error


class SpoolReader:
    """Reads pieces' bodies, wherever they lie; keeps the spools that it has read from open."""

    def __init__(self) -> None:
        self._files: dict[str, io.BufferedReader] = {}

    def body_of(self, piece: Piece) -> bytes:
        """A piece's body.

        Raises:
            OSError: The spool file cannot be read.
        """
        body = piece.body
        if not isinstance(body, Spooled):
            return body
        if body.path not in self._files:
            self._files[body.path] = Path(body.path).open("rb")  # noqa: SIM115 - until `close`
        found = os.pread(self._files[body.path].fileno(), body.length, body.offset)
        if len(found) < body.length:
            raise OSError(f"{body.path} ends before byte {body.offset + body.length}")
        return found

    def close(self) -> None:
        """Closes the spools."""
        for file in self._files.values():
            file.close()
        self._files.clear()


def body_length(piece: Piece) -> int:
    """The length of a piece's body in bytes, without reading it."""
    return piece.body.length if isinstance(piece.body, Spooled) else len(piece.body)
