"""A spool: pieces' bodies on the local disk while only their addresses are shuffled.

The in-process direct runner keeps all that is shuffled in memory, in four copies. Where all workers
share one machine, the bodies need not be among it.
"""

import io
import os
import uuid
from pathlib import Path

import msgspec

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
        body = body_of(piece)
        self._file.write(body)
        address = Spooled(os.fspath(self._path), self._length, len(body))
        self._length += len(body)
        return msgspec.structs.replace(piece, body=address)

    def flush(self) -> None:
        """Hands what was taken to the operating system, so that others can read it."""
        self._file.flush()

    def close(self) -> None:
        """Flushes and closes the file."""
        self._file.close()


def body_of(piece: Piece) -> bytes:
    """A piece's body, wherever it lies.

    Raises:
        OSError: The spool file cannot be read.
    """
    if not isinstance(piece.body, Spooled):
        return piece.body
    with Path(piece.body.path).open("rb") as file:
        file.seek(piece.body.offset)
        return file.read(piece.body.length)


def body_length(piece: Piece) -> int:
    """The length of a piece's body in bytes, without reading it."""
    return piece.body.length if isinstance(piece.body, Spooled) else len(piece.body)
