"""Storage as the sink sees it: one method, one request."""

from typing import Protocol

import msgspec


class PutRequest(msgspec.Struct, frozen=True):
    """One object to be put.

    Attributes:
        destination: Whose object it is; for messages only.
        key: The object's key.
        body: Its content.
        content_type: What it is stored as.
        sha256: The SHA-256 of `body`, which the store checks where it can.
    """

    destination: str
    key: str
    body: bytes
    content_type: str
    sha256: bytes


class Folder(msgspec.Struct, frozen=True):
    """A folder on any of Beam's filesystems, as a place to put objects."""

    path: str


class Store(Protocol):
    """Where objects are put."""

    def put(self, request: PutRequest) -> None:
        """Puts an object, whole or not at all; the same key again is replaced.

        May be called from many threads at once.

        Raises:
            PutError: The object was not put, or it is not known that it was.
        """
