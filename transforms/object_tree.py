"""Places as they are read: objects by key, listed and read in chunks.

Keys are below the tree's own place (a prefix of a bucket, a folder) and hold `/` between folders.
"""

from collections.abc import Iterator
from typing import Final, Protocol

from transforms.errors import JobError

CHUNK_BYTES: Final = 2**20

Listing = tuple[str, int]
"""An object's key, and its length in bytes."""


class TreeError(JobError):
    """A place cannot be read, or something in it cannot be moved: what was refused, and why."""


class ObjectGoneError(TreeError):
    """There is no object of this key, or no longer."""


class UnreadableObjectError(TreeError):
    """One object cannot be read, while others may be: it is archived, say."""


class ObjectTree(Protocol):
    """A place to be read. All methods may be called from many threads at once.

    Every method raises `TreeError` where the place cannot be read.
    """

    def url(self, key: str) -> str:
        """Where an object lies, for people.

        `s3://bucket/key` where the tree is the bucket itself: a manifest then must name its objects
        by just these. Anything else says that the tree is a copy, and of the URLs in a manifest
        only the last component counts.
        """

    def list(self, prefix: str = "") -> Iterator[Listing]:
        """All objects whose key begins with a prefix, in any order."""

    def chunks(self, key: str) -> Iterator[bytes]:
        """An object's bytes as they come, about `CHUNK_BYTES` at a time.

        Raises:
            ObjectGoneError: There is none.
            UnreadableObjectError: It cannot be read; others may.
        """


class OpsTree(ObjectTree, Protocol):
    """The operator's own place, whose objects are small enough to be held, and are moved."""

    def read(self, key: str) -> bytes:
        """An object, whole.

        Raises:
            ObjectGoneError: There is none.
        """

    def head(self, key: str, length: int) -> bytes:
        """So much of an object's beginning, or all of a shorter one.

        Raises:
            ObjectGoneError: There is none.
        """

    def move(self, key: str, new_key: str) -> None:
        """Gives an object another key, and replaces what is there.

        May be repeated after it was killed at any point: what was moved already is left as it is.

        Raises:
            ObjectGoneError: There is an object at neither key.
        """
