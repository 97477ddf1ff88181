"""Storage as the sink sees it: one method, one request."""

from typing import Protocol

import msgspec


class Failure(msgspec.Struct, frozen=True):
    """Why a put failed, understood.

    Attributes:
        said: What was answered, or raised, in its own words.
        transient: Whether the same request may succeed later by itself; else a person must act.
        answered: Whether S3 said it.
        advice: What to do, where that is known; empty where it is not.
        causes: What may be the cause, the likeliest first, where the answer names none.
        attempts: How many requests were sent for it.
    """

    said: str
    transient: bool
    answered: bool = True
    advice: str = ""
    causes: tuple[str, ...] = ()
    attempts: int = 1

    def __str__(self) -> str:
        """All of it in two or three lines, for the person who must act."""
        said = f"S3 answered: {self.said}" if self.answered else self.said
        passing = "It may pass by itself." if self.transient else ""
        causes = f"Possible causes: {'; '.join(self.causes)}." if self.causes else ""
        return "\n".join(filter(None, (said, self.advice or passing, causes)))


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

    def put(self, request: PutRequest, deadline: float | None = None) -> None:
        """Puts an object, whole or not at all; the same key again is replaced.

        May be called from many threads at once.

        Args:
            request: What to put.
            deadline: By `time.monotonic`, after which no further attempt is begun.

        Raises:
            PutError: The object was not put, or it is not known that it was.
        """
