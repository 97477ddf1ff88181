"""Lanes: many destinations' puts side by side, so that none holds up another.

Each destination's puts stand in a lane of their own. Few of a lane's are under way at once, a lane
whose circuit is open gets its puts back unsent, and no put is waited for longer than its deadline:
one that has not answered by then is given up, though it may still land.
"""

import queue
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from transforms.circuit import MOST_IN_FLIGHT, Circuit, Verdict
from transforms.errors import PutError
from transforms.store import Failure

MAX_PUTS_IN_FLIGHT: Final = 16
"""Puts under way that have not been so for long; the slow ones' number is bounded by itself."""

MAX_BYTES: Final = 2**27
"""Bodies that are held for puts, waiting or under way: two of the largest default parts."""

DEFAULT_PUT_DEADLINE: Final = 30.0
"""Seconds for one put, all its attempts together."""

OPERATORS_SECONDS: Final = 300.0
"""The same for a lane without a circuit: of the operator's own place, slow is not broken."""

_MOST_THREADS: Final = 128
_SLOW_SECONDS: Final = 2.0
_STUCK_SECONDS: Final = 5.0
_LOOK_SECONDS: Final = 0.5  # how often what waits is looked at while nothing answers

Act = Callable[[float], None]
"""Does one put, in a thread; gets the deadline by `time.monotonic`, raises `PutError`."""

Settled = Callable[[Failure | None], None]
"""Hears how a put ended, in the thread that owns the lanes."""


@dataclass(eq=False)
class _Put:
    lane: "_Lane"
    size_bytes: int
    act: Act
    settled: Settled
    begun: float = 0.0
    end: float = 0.0


class _Lane:
    def __init__(self, circuit: Circuit | None) -> None:
        self.circuit = circuit
        self.ready = False
        self.waiting: deque[_Put] = deque()
        self.in_flight: list[_Put] = []
        self.last_success = 0.0

    def verdict(self, now: float) -> Verdict:
        if self.circuit:
            return self.circuit.verdict(len(self.in_flight), now)
        return Verdict.GO if len(self.in_flight) < MOST_IN_FLIGHT else Verdict.WAIT


class Lanes:
    """Puts under way, by lane; owned by one thread, which calls all of its methods.

    Args:
        circuits: Gives the circuit of a lane; `None` for a lane that needs none.
        deadline_seconds: For one put, all its attempts together.
    """

    def __init__(
        self,
        circuits: Callable[[str], Circuit | None],
        deadline_seconds: float = DEFAULT_PUT_DEADLINE,
    ) -> None:
        self._circuits = circuits
        self._deadline_seconds = deadline_seconds
        self._lanes: dict[str, _Lane] = {}
        self._ready: deque[_Lane] = deque()  # with puts that wait, the next to be served first
        self._in_flight: dict[_Put, None] = {}  # in the order in which they were begun
        self._answers: queue.SimpleQueue[tuple[_Put, BaseException | None]] = queue.SimpleQueue()
        self._bytes = 0

    def submit(self, lane: str, size_bytes: int, act: Act, settled: Settled) -> None:
        """Puts one put into its lane; `settled` may call this too.

        Args:
            lane: A destination's name.
            size_bytes: What the put holds in memory until it is settled.
            act: Does it.
            settled: Hears how it ended: of the failure, or `None`.
        """
        if lane not in self._lanes:
            self._lanes[lane] = _Lane(self._circuits(lane))
        into = self._lanes[lane]
        into.waiting.append(_Put(into, size_bytes, act, settled))
        self._make_ready(into)
        self._bytes += size_bytes

    def advance(self) -> None:
        """Begins what may begin, and hears what has answered, without waiting."""
        self._turn(wait=False)

    def wait(self) -> None:
        """Hears what answers next, and waits for that at most half a second."""
        self._turn(wait=True)

    def make_room(self, size_bytes: int) -> None:
        """Waits until so many bytes more may be held, or nothing is held."""
        while self._bytes and self._bytes + size_bytes > MAX_BYTES:
            if not self._give_up_stuck():
                self._turn(wait=True)

    def drain(self) -> None:
        """Waits until every put is settled."""
        while self._ready or self._in_flight:
            self._turn(wait=True)

    def _turn(self, *, wait: bool) -> None:
        """Hears what has answered, gives up what is late, and begins what may begin."""
        self._begin()
        if wait and self._in_flight:
            until_late = min(put.end for put in self._in_flight) - time.monotonic()
            self._hear(min(max(until_late, 0.0), _LOOK_SECONDS))
        while not self._answers.empty():
            self._hear(0.0)
        self._give_up_late()
        self._begin()

    def _hear(self, seconds: float) -> None:
        try:
            put, error = self._answers.get(timeout=seconds)
        except queue.Empty:
            return
        if put not in self._in_flight:
            return  # it was given up before
        if error is not None and not isinstance(error, PutError):
            raise error
        self._settle(put, error.failure if error else None)

    def _give_up_late(self) -> None:
        now = time.monotonic()
        for put in [put for put in self._in_flight if put.end <= now]:
            said = f"nothing within {put.end - put.begun:g} s; it may still be stored"
            self._settle(put, Failure(said, transient=True, answered=False))

    def _give_up_stuck(self) -> bool:
        """Where there is no room, lanes that nothing has got through for a while are emptied."""
        long_ago = time.monotonic() - _STUCK_SECONDS
        said = f"not sent: nothing was answered for {_STUCK_SECONDS:g} s, and others need the room"
        stuck = [
            lane
            for lane in self._ready
            if lane.circuit and lane.waiting and lane.in_flight and lane.last_success < long_ago
            if all(put.begun < long_ago for put in lane.in_flight)
        ]
        for lane in stuck:
            while lane.waiting:
                failure = Failure(said, transient=True, answered=False, attempts=0)
                self._hand_back(lane.waiting.popleft(), failure)
        return bool(stuck)

    def _begin(self) -> None:
        """Begins what may begin, lane after lane."""
        now = time.monotonic()
        for _ in range(len(self._ready)):
            if not self._has_slot(now):
                return
            lane = self._ready.popleft()
            lane.ready = False
            self._serve(lane, now)
            if lane.waiting:
                self._make_ready(lane)

    def _serve(self, lane: _Lane, now: float) -> None:
        while lane.waiting and self._has_slot(now):
            verdict = lane.verdict(now)
            if verdict is Verdict.WAIT:
                return
            put = lane.waiting.popleft()
            if verdict is Verdict.PARK:
                self._hand_back(put, _unsent(lane.circuit))
            else:
                self._launch(put, now)

    def _make_ready(self, lane: _Lane) -> None:
        if not lane.ready:
            lane.ready = True
            self._ready.append(lane)

    def _has_slot(self, now: float) -> bool:
        if len(self._in_flight) >= _MOST_THREADS:
            return False
        quick = sum(put.begun > now - _SLOW_SECONDS for put in self._in_flight)
        return quick < MAX_PUTS_IN_FLIGHT

    def _launch(self, put: _Put, now: float) -> None:
        put.begun = now
        circuit = put.lane.circuit
        put.end = now + (circuit.patience(self._deadline_seconds) if circuit else OPERATORS_SECONDS)
        put.lane.in_flight.append(put)
        self._in_flight[put] = None
        # A thread of its own, which nobody waits for: a pool's would all be held by hanging puts.
        threading.Thread(target=self._act, args=(put,), daemon=True, name="put").start()

    def _act(self, put: _Put) -> None:
        try:
            put.act(put.end)
        except BaseException as error:  # noqa: BLE001 - raised again by the lanes' owner
            self._answers.put((put, error))
        else:
            self._answers.put((put, None))

    def _settle(self, put: _Put, failure: Failure | None) -> None:
        lane, now = put.lane, time.monotonic()
        del self._in_flight[put]
        lane.in_flight.remove(put)
        if failure is None:
            lane.last_success = now
        if lane.circuit:
            if failure is None:
                lane.circuit.succeeded()
            else:
                lane.circuit.failed(failure, now)
        self._hand_back(put, failure)

    def _hand_back(self, put: _Put, failure: Failure | None) -> None:
        self._bytes -= put.size_bytes
        put.settled(failure)


def _unsent(circuit: Circuit | None) -> Failure:
    """What is said of a put that was not sent since those before it had failed."""
    before = circuit.failure if circuit else None
    if before is None:
        return Failure("not sent: those before it failed", transient=True, attempts=0)
    return Failure(before.said, before.transient, before.answered, before.advice, before.causes, 0)
