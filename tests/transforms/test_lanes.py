import threading
import time
from collections.abc import Iterator

import pytest

from transforms.circuit import MOST_IN_FLIGHT, PROBE_SECONDS, Circuit
from transforms.errors import PutError
from transforms.lanes import MAX_BYTES, MAX_PUTS_IN_FLIGHT, Lanes
from transforms.store import Failure

REFUSED = Failure("AccessDenied (403): Access Denied", transient=False)


class Recorded:
    """Lanes whose puts record how they ended, and hang until `go` is set where they should."""

    def __init__(self, deadline_seconds: float = 5.0) -> None:
        self.circuits: dict[str, Circuit | None] = {}
        self.lanes = Lanes(self.circuit, deadline_seconds)
        self.ended: list[tuple[str, Failure | None]] = []
        self.begun: list[str] = []
        self.go = threading.Event()

    def circuit(self, lane: str) -> Circuit | None:
        return self.circuits.setdefault(lane, Circuit())

    def submit(
        self, lane: str, size: int = 1, *, hangs: bool = False, refused: bool = False
    ) -> None:
        def act(_: float) -> None:
            self.begun.append(lane)
            if hangs:
                self.go.wait()
            if refused:
                raise PutError("refused", REFUSED)

        self.lanes.submit(lane, size, act, lambda failure: self.ended.append((lane, failure)))
        self.lanes.advance()


@pytest.fixture
def recorded() -> Iterator[Recorded]:
    made = Recorded()
    yield made
    made.go.set()


def test_a_hanging_lane_holds_up_no_other(recorded: Recorded) -> None:
    for _ in range(50):
        recorded.submit("hangs", hangs=True)
    began = time.monotonic()
    for number in range(100):
        recorded.submit(f"other-{number % 10}")
    while len(recorded.ended) < 100:
        recorded.lanes.make_room(MAX_BYTES - 60)
    assert time.monotonic() - began < 2
    assert all(failure is None for _, failure in recorded.ended)
    assert recorded.begun.count("hangs") == 1


def test_more_lanes_that_hang_than_there_are_slots_hold_up_no_other(recorded: Recorded) -> None:
    for number in range(2 * MAX_PUTS_IN_FLIGHT):
        recorded.submit(f"hangs-{number}", hangs=True)
    recorded.submit("other")
    began = time.monotonic()
    while not recorded.ended:
        recorded.lanes.make_room(MAX_BYTES - 2 * MAX_PUTS_IN_FLIGHT)
    assert recorded.ended == [("other", None)]
    assert time.monotonic() - began < 4.9  # the deadline of what hangs


def test_what_hangs_is_given_up_at_the_deadline_and_the_rest_of_its_lane_unsent() -> None:
    recorded = Recorded(deadline_seconds=0.3)
    for _ in range(5):
        recorded.submit("hangs", hangs=True)
    began = time.monotonic()
    recorded.lanes.drain()
    assert 0.25 < time.monotonic() - began < 2
    failures = [failure for _, failure in recorded.ended if failure]
    assert [failure.attempts for failure in failures] == [1, 0, 0, 0, 0]
    assert all(failure.transient for failure in failures)
    assert {failure.said for failure in failures} == {
        "nothing within 0.3 s; it may still be stored"
    }
    recorded.go.set()  # what answers now is not heard any more
    recorded.submit("other")
    recorded.lanes.drain()
    assert len(recorded.ended) == 6


def test_a_probe_that_hangs_is_given_up_before_the_deadline(
    recorded: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("transforms.circuit.PROBE_PATIENCE_SECONDS", 0.2)
    circuit = recorded.circuits["hangs"] = Circuit()
    circuit.failed(REFUSED, time.monotonic() - PROBE_SECONDS)
    recorded.submit("hangs", hangs=True)
    began = time.monotonic()
    recorded.lanes.drain()
    assert 0.1 < time.monotonic() - began < 2


def test_a_refused_lane_gets_the_rest_back_with_the_same_answer(recorded: Recorded) -> None:
    for _ in range(20):
        recorded.submit("refused", refused=True)
    recorded.lanes.drain()
    assert recorded.begun == ["refused"]
    answers = [(failure.said, failure.attempts) for _, failure in recorded.ended if failure]
    assert answers == [(REFUSED.said, 1)] + [(REFUSED.said, 0)] * 19


def test_few_of_a_lane_are_under_way_at_once(recorded: Recorded) -> None:
    recorded.submit("busy")
    recorded.lanes.drain()
    for _ in range(20):
        recorded.submit("busy", hangs=True)
    time.sleep(0.1)
    assert len(recorded.begun) == 1 + MOST_IN_FLIGHT
    recorded.go.set()
    recorded.lanes.drain()
    assert len(recorded.ended) == 21


def test_where_there_is_no_room_a_lane_that_does_not_answer_gives_its_own_back(
    recorded: Recorded,
) -> None:
    recorded.lanes = Lanes(recorded.circuit, 30.0)
    third = MAX_BYTES // 3
    recorded.submit("hangs", third, hangs=True)
    recorded.submit("hangs", third, hangs=True)
    began = time.monotonic()
    recorded.lanes.make_room(2 * third)
    assert 4 < time.monotonic() - began < 10
    [(lane, failure)] = recorded.ended
    assert lane == "hangs"
    assert failure is not None
    assert "others need the room" in failure.said


def test_room_is_waited_for_where_what_hangs_is_all_that_its_lane_has() -> None:
    recorded = Recorded(deadline_seconds=6.0)
    part = 60 * 2**20

    def park(_: Failure | None) -> None:
        recorded.lanes.submit(
            "_parking", part, lambda _: None, lambda _: recorded.ended.append(("parked", None))
        )

    recorded.circuits["_parking"] = None
    recorded.submit("hangs", part, hangs=True)
    recorded.lanes.submit("hangs", part, lambda _: None, park)
    began = time.monotonic()
    recorded.lanes.make_room(part)
    assert 4 < time.monotonic() - began < 12
    assert ("parked", None) in recorded.ended
    recorded.go.set()


def test_what_is_the_operators_own_has_more_time() -> None:
    recorded = Recorded(deadline_seconds=0.1)
    recorded.circuits["ops"] = None
    ends: list[float] = []
    recorded.lanes.submit("ops", 1, ends.append, lambda _: None)
    began = time.monotonic()
    recorded.lanes.drain()
    assert ends[0] - began > 100


def test_a_put_may_be_submitted_while_another_is_settled(recorded: Recorded) -> None:
    ended: list[str] = []

    def settled(_: Failure | None) -> None:
        ended.append("first")
        recorded.lanes.submit("parking", 1, lambda _: None, lambda _: ended.append("second"))

    recorded.lanes.submit("acme", 1, lambda _: None, settled)
    recorded.lanes.drain()
    assert ended == ["first", "second"]


def test_a_defect_in_a_put_is_raised_where_the_lanes_are_owned(recorded: Recorded) -> None:
    def act(_: float) -> None:
        raise ZeroDivisionError

    recorded.lanes.submit("acme", 1, act, lambda _: None)
    with pytest.raises(ZeroDivisionError):
        recorded.lanes.drain()
