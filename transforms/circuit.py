"""A circuit breaker: what one destination's answers so far say of the next put.

It is closed while puts get through, and opens where they are refused, so that a broken bucket costs
the others nothing. While it is open nothing is sent, but for one probe per interval. One that hangs
does cost them something: what comes after it waits with it. So it is not waited for as long as
another put, and the next comes later.
"""

from enum import Enum
from typing import Final

from transforms.store import Failure

PROBE_SECONDS: Final = 60.0
"""How long an open circuit stays so before one put may probe it."""

MOST_PROBE_SECONDS: Final = 480.0
"""The same after probes that failed with what may pass, each of which doubles it."""

PROBE_PATIENCE_SECONDS: Final = 10.0
"""How long a probe is waited for."""

MOST_IN_FLIGHT: Final = 4
"""Puts that one destination may have under way."""

_REPEATED: Final = 2


class Verdict(Enum):
    """What becomes of a put that is next in its destination's line."""

    GO = "go"
    WAIT = "wait"
    PARK = "park"


class Circuit:
    """The circuit of one destination; times are seconds by any clock that does not go back.

    It opens on a permanent failure, on the second transient one in a row, and on the first where
    nothing has got through yet: a put that failed has been sent again and again by then. Until
    something has got through, one put at a time is under way.

    Args:
        patient: Whether puts wait for a probe's answer, instead of being parked meanwhile.
    """

    def __init__(self, *, patient: bool = False) -> None:
        self._patient = patient
        self._proven = False
        self._failures = 0
        self._open_until: float | None = None
        self._pause = PROBE_SECONDS
        self.failure: Failure | None = None

    def verdict(self, in_flight: int, now: float) -> Verdict:
        """What becomes of the next put while so many of this destination's are under way."""
        if self._open_until is not None:
            if now < self._open_until:
                return Verdict.PARK
            if in_flight:
                return Verdict.WAIT if self._patient else Verdict.PARK
            return Verdict.GO
        most = MOST_IN_FLIGHT if self._proven else 1
        return Verdict.GO if in_flight < most else Verdict.WAIT

    def patience(self, seconds: float) -> float:
        """How long a put that begins now is waited for, where it would be so many seconds."""
        return seconds if self._open_until is None else min(seconds, PROBE_PATIENCE_SECONDS)

    def succeeded(self) -> None:
        """A put got through: the circuit is closed."""
        self._proven = True
        self._failures = 0
        self._pause = PROBE_SECONDS
        self._open_until = self.failure = None

    def failed(self, failure: Failure, now: float) -> None:
        """A put failed for good."""
        self._failures += 1
        if not failure.transient or not self._proven or self._failures >= _REPEATED:
            was_probe = self._open_until is not None and now >= self._open_until
            if was_probe and failure.transient:
                self._pause = min(2 * self._pause, MOST_PROBE_SECONDS)
            self._open_until = now + self._pause
            self._proven = False
            self.failure = failure
