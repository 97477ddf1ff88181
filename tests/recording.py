"""A store that records what is put, in order, for pipelines that run in this process."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from transforms.errors import PutError
from transforms.places import Place, bucket_and_owner
from transforms.store import Failure, PutRequest

_calls: list[tuple[str, PutRequest]] = []
_refused: set[str] = set()


@dataclass(frozen=True)
class RecordingStore:
    """Records (bucket, request); refuses the buckets it is told to."""

    bucket: str

    def put(self, request: PutRequest, deadline: float | None = None) -> None:  # noqa: ARG002
        if self.bucket in _refused:
            failure = Failure(f"{self.bucket} refuses everything", transient=False)
            raise PutError(f"cannot put {request.key}: {failure}", failure)
        _calls.append((self.bucket, request))


def open_recording(place: Place) -> RecordingStore:
    """The opener to hand to `Put` and `build`."""
    return RecordingStore(bucket_and_owner(place)[0])


@dataclass
class Recording:
    """What was put since the recording began."""

    calls: list[tuple[str, PutRequest]] = field(default_factory=list)

    def objects(self) -> dict[tuple[str, str], bytes]:
        """(bucket, key) → body; an object put again must have the same body."""
        found: dict[tuple[str, str], bytes] = {}
        for bucket, request in self.calls:
            known = found.setdefault((bucket, request.key), request.body)
            assert known == request.body, f"{request.key} was overwritten with other content"
        return found


@contextmanager
def recording(refuse: tuple[str, ...] = ()) -> Iterator[Recording]:
    """Begins a new recording."""
    _calls.clear()
    _refused.clear()
    _refused.update(refuse)
    yield Recording(_calls)
