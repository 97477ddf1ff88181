"""Redriving: parked objects are put again, under their own keys, and listed in a manifest.

An object's file is moved to `redriven/` only after the object is put and the manifest that lists it
is stored too. So a redrive can be killed at any moment: what it had not moved is put again, the
same bytes under the same key. For the same reason it can run twice at once, and beside the job.

Each destination's puts travel in a lane of their own. Until one object got through, the probe, only
one is under way; after a refusal for good the rest of that destination stays parked, untried.

Into a new bucket no parked manifest is put, since its URLs lead into the old one: its file is only
moved. What is delivered there stands in the manifests that the redrive writes.
"""

import contextlib
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

import msgspec

from transforms.circuit import MOST_IN_FLIGHT, Circuit, Verdict
from transforms.errors import PutError
from transforms.lanes import DEFAULT_PUT_DEADLINE, MAX_BYTES, Lanes
from transforms.object_tree import ObjectGoneError, OpsTree, TreeError, UnreadableObjectError
from transforms.parked import HEAD_BYTES, parked_head
from transforms.parked_files import ParkedFile, read_parked, redriven_name
from transforms.places import Place, StoreOpener, open_store
from transforms.records import ManifestMode
from transforms.redrive_groups import (
    Group,
    Outcome,
    Redriven,
    is_of_another_bucket,
    queue_up,
    redriven_manifest,
)
from transforms.store import Failure, Store

_MOVES: Final = "_moves"  # a lane's name that no destination can have
_AGAIN: Final = "Its object was delivered, and will be put again, the same, next time."

Watch = Callable[["Redrive"], None]
"""Looks how far a redrive has come; called often, in its own thread."""


class _Circuit(Circuit):
    """A patient circuit, which learns nothing of a put of which nothing was sent."""

    def __init__(self) -> None:
        super().__init__(patient=True)

    def failed(self, failure: Failure, now: float) -> None:
        if failure.attempts:
            super().failed(failure, now)


class Redrive:
    """One redrive of what was found; owned by one thread.

    Args:
        tree: The ops path.
        places: By a destination's name, where its objects go today.
        modes: By a destination's name, whether it gets manifests.
        opener: Opens the store for a place.
        deadline_seconds: For one put, all its attempts together.

    Attributes:
        objects: All that is to be redriven, and what became of each.
        ended: How many ended how.
    """

    def __init__(
        self,
        tree: OpsTree,
        places: Mapping[str, Place],
        modes: Mapping[str, ManifestMode],
        opener: StoreOpener = open_store,
        deadline_seconds: float = DEFAULT_PUT_DEADLINE,
    ) -> None:
        self._tree = tree
        self._places = places
        self._modes = modes
        self._opener = opener
        self._stores: dict[str, Store] = {}
        self._circuits: dict[str, Circuit] = {}
        self._lanes = Lanes(self._circuit_of, deadline_seconds)
        self._waiting: dict[str, deque[tuple[Redriven, Group]]] = {}
        # Those that may be served: with ten thousand destinations, to look at all takes too long.
        self._hungry: dict[str, None] = {}
        self._under_way: Counter[str] = Counter()
        self._held_bytes = 0
        self._proven: set[str] = set()
        self.objects: list[Redriven] = []
        self.ended: Counter[Outcome] = Counter()

    def run(self, files: Iterable[ParkedFile], watch: Watch = lambda _: None) -> None:
        """Puts the objects of these files, as far as their buckets take them.

        Args:
            files: Those that may be put where their destinations lead today.
            watch: Looks on.

        Raises:
            TreeError: The ops path cannot be read, or nothing can be moved in it.
        """
        for one, group in queue_up(files):
            self.objects.append(one)
            if is_of_another_bucket(one.parked, self._places[one.destination]):
                self._move(one, was_put=False)
                continue
            self._waiting.setdefault(one.destination, deque()).append((one, group))
            self._hungry[one.destination] = None
        while self.ended.total() < len(self.objects):
            self._feed()
            self._lanes.wait()
            watch(self)

    def _circuit_of(self, lane: str) -> Circuit | None:
        return None if lane == _MOVES else self._circuits.setdefault(lane, _Circuit())

    def _feed(self) -> None:
        """Begins puts, of each destination few, and as many as there is memory for."""
        while self._hungry:
            name = next(iter(self._hungry))
            waiting, shut = self._waiting[name], self._is_shut(name)
            most = MOST_IN_FLIGHT if name in self._proven else 1
            while waiting and (shut or self._under_way[name] < most):
                held = self._held_bytes + waiting[0][0].file.size_bytes
                if not shut and self._held_bytes and held > MAX_BYTES:
                    return
                self._begin(*waiting.popleft())
            del self._hungry[name]

    def _is_shut(self, name: str) -> bool:
        """Whether what is begun comes back at once, unsent."""
        circuit = self._circuits.get(name)
        return circuit is not None and circuit.verdict(1, time.monotonic()) is Verdict.PARK

    def _begin(self, one: Redriven, group: Group) -> None:
        name, size_bytes = one.destination, one.file.size_bytes
        self._under_way[name] += 1
        self._held_bytes += size_bytes

        def act(deadline: float) -> None:
            self._put(one, deadline)

        def hear(failure: Failure | None) -> None:
            self._under_way[name] -= 1
            self._held_bytes -= size_bytes
            self._hungry[name] = None
            if failure is None:
                self._proven.add(name)
            one.failure = failure
            group.open -= 1
            if not group.open:
                self._close(group)

        self._lanes.submit(name, size_bytes, act, hear)

    def _put(self, one: Redriven, deadline: float) -> None:
        try:
            one.parked, body = read_parked(one.file.name, self._tree.read(one.file.name))
        except ObjectGoneError as error:
            one.otherwise = Outcome.GONE
            raise _unsent("another redrive has moved it meanwhile") from error
        except (ValueError, UnreadableObjectError) as error:
            one.otherwise = Outcome.DAMAGED
            raise _unsent(str(error)) from error
        self._store(one.destination).put(one.request(body), deadline)

    def _close(self, group: Group) -> None:
        """All of a group's puts have ended: lists those that got through, then moves them."""
        got = [each for each in group.objects if each.failure is None]
        for each in group.objects:
            if each.failure is not None:
                self._end(each, each.failure)
        if not got or group.is_of_manifests or self._modes.get(group.destination) == "off":
            self._move_all(got)
        else:
            self._list(group.destination, got)

    def _list(self, name: str, got: Sequence[Redriven]) -> None:
        request = redriven_manifest([each.parked for each in got], self._places[name])

        def act(deadline: float) -> None:
            self._store(name).put(request, deadline)

        def hear(failure: Failure | None) -> None:
            if failure is None:
                self._move_all(got)
                return
            said = f"delivered, but not the manifest that lists it: {failure.said}"
            for each in got:
                self._end(each, msgspec.structs.replace(failure, said=said))

        # A lane of its own: the destination's may have closed behind the last of the objects.
        self._lanes.submit(f"{name} manifests", len(request.body), act, hear)

    def _move_all(self, got: Iterable[Redriven]) -> None:
        for each in got:
            self._move(each)

    def _move(self, one: Redriven, *, was_put: bool = True) -> None:
        def act(_: float) -> None:
            # Gone: another redrive has moved it.
            with contextlib.suppress(ObjectGoneError):
                try:
                    if was_put:
                        self._insist_on_content(one)
                    self._tree.move(one.file.name, redriven_name(one.file.name))
                except ObjectGoneError:
                    raise
                except TreeError as error:
                    raise TreeError(f"{error}\n{_AGAIN}" if was_put else str(error)) from error

        def hear(failure: Failure | None) -> None:
            if failure is not None and failure.attempts:  # it was given up
                said = f"not moved to redriven/: {failure.said}"
                said += f"\n{_AGAIN}" if was_put else ""
                failure = msgspec.structs.replace(failure, said=said)
            self._end(one, failure)

        self._lanes.submit(_MOVES, 0, act, hear)

    def _insist_on_content(self, one: Redriven) -> None:
        """What is moved must be what was put: a job may park other content under the same key."""
        try:
            now = parked_head(self._tree.head(one.file.name, HEAD_BYTES))
        except ValueError as error:
            raise _unsent(f"delivered, but its file was damaged meanwhile: {error}") from error
        if now.sha256 != one.parked.sha256:
            raise _unsent("delivered, but other content was parked under its key meanwhile")

    def _end(self, one: Redriven, failure: Failure | None) -> None:
        one.failure = failure
        one.outcome = Outcome.REDRIVEN if failure is None else one.otherwise
        self.ended[one.outcome] += 1

    def _store(self, name: str) -> Store:
        # Called from many threads: to open one twice costs little, and clients are shared.
        if name not in self._stores:
            self._stores[name] = self._opener(self._places[name])
        return self._stores[name]


def _unsent(why: str) -> PutError:
    return PutError(why, Failure(why, transient=True, answered=False, attempts=0))
