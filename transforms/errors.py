"""What stops a job, in words for the person who started it.

A message says in one or two lines what is wrong, where (file and byte or record, destination and
key), and what to do.
"""

from transforms.store import Failure


class JobError(Exception):
    """The job cannot go on; the message is for a person, and needs no traceback beside it."""


class ReadError(JobError):
    """A file cannot be read as what its name says; the run must not go on without it."""


class NothingMatchedError(ReadError):
    """An input pattern names no file."""


class PutError(JobError):
    """An object could not be put: what was refused, where, and what to do.

    Attributes:
        failure: Why.
    """

    def __init__(self, message: str, failure: Failure | None = None) -> None:
        super().__init__(message)
        # Beam raises an error again with its message alone.
        self.failure = failure or Failure(message, transient=False, answered=False)

    def __reduce__(self) -> tuple[type["PutError"], tuple[str, Failure]]:
        return (type(self), (str(self), self.failure))


class SpoolError(JobError):
    """The local disk does not take what waits for the shuffle."""
