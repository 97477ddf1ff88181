"""What a redrive tries first, how much at once, and who waits for whom."""

import random
import threading
import time
from collections import Counter

import msgspec
import pytest

from tests.parking import DENIED, SLOW, Buckets, Ops, parked_part
from tests.transforms.redrives import KEY, NAMES, Redrives
from transforms.parked_files import find_parked
from transforms.redrive import Redrive
from transforms.redrive_groups import Outcome
from transforms.store import PutRequest


def test_until_one_got_through_one_is_tried_and_after_a_refusal_no_other(
    ops: Ops, buckets: Buckets, redrive: Redrives
) -> None:
    for n in range(9):
        ops.park(parked_part(number=n))
    buckets.refusing["acme-bucket"] = DENIED
    work = redrive.begin()
    assert len(buckets.calls) == 1
    assert [each.outcome for each in work.objects] == [Outcome.PARKED] * 9
    assert [each.failure.attempts for each in work.objects if each.failure] == [1] + [0] * 8


def test_thousands_that_are_not_tried_take_no_time_while_another_hangs(
    ops: Ops, buckets: Buckets, redrive: Redrives
) -> None:
    for n in range(2000):
        ops.park(parked_part(key=f"logs/{n}"))
    ops.park(parked_part("beta"))
    buckets.refusing["acme-bucket"] = DENIED
    buckets.hanging.add("beta-bucket")
    redrive.deadline_seconds = 3.0
    turns: list[int] = []
    work = redrive.begin(lambda work: turns.append(work.ended[Outcome.PARKED]))
    assert work.ended == {Outcome.PARKED: 2001}
    assert len(turns) < 20  # of which each may wait for half a second
    assert 2000 in turns


def test_what_may_pass_by_itself_is_tried_first_and_what_was_refused_itself_last(
    ops: Ops, buckets: Buckets, redrive: Redrives
) -> None:
    unsent = msgspec.structs.replace(DENIED, attempts=0)
    ops.park(parked_part("acme", 0), DENIED)
    ops.park(parked_part("acme", 1), unsent)
    ops.park(parked_part("beta", 2), DENIED)
    ops.park(parked_part("beta", 3), SLOW)
    files = [file for file in find_parked(redrive.tree) if file.parked]
    random.Random(1).shuffle(files)
    work = Redrive(redrive.tree, redrive.places, {}, buckets.open)
    work.run(files)
    assert [each.parked.shard for each in work.objects] == [3, 1, 0, 2]
    assert buckets.keys("acme-bucket")[:2] == [KEY.format("acme", 1), KEY.format("acme", 0)]
    assert buckets.keys("beta-bucket")[:2] == [KEY.format("beta", 3), KEY.format("beta", 2)]


def test_a_destination_that_hangs_holds_up_no_other(
    ops: Ops, buckets: Buckets, redrive: Redrives
) -> None:
    for n in range(9):
        ops.park(parked_part("acme", n), SLOW)
        ops.park(parked_part("beta", n))
    buckets.hanging.add("acme-bucket")
    redrive.deadline_seconds = 3.0
    seen: list[Counter[Outcome]] = []
    work = redrive.begin(lambda work: seen.append(Counter(work.ended)))
    assert work.ended == {Outcome.REDRIVEN: 9, Outcome.PARKED: 9}
    assert Counter({Outcome.REDRIVEN: 9}) in seen  # before those that hang are given up
    assert len(buckets.keys("acme-bucket")) == 1


def test_few_of_a_destination_are_under_way_at_once(
    ops: Ops, buckets: Buckets, redrive: Redrives
) -> None:
    for n in range(9):
        ops.park(parked_part(number=n))
    redrive()
    assert 1 <= buckets.most_at_once <= 4


def test_bodies_are_held_only_as_far_as_there_is_memory(
    ops: Ops, buckets: Buckets, redrive: Redrives, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = [ops.park(parked_part(name, n)).stat().st_size for name in NAMES for n in range(9)]
    put = buckets.put

    def put_slowly(bucket: str, request: PutRequest) -> None:
        put(bucket, request)
        running.append(threading.active_count())
        time.sleep(0.01)

    running: list[int] = []
    buckets.put = put_slowly  # type: ignore[method-assign]
    redrive.modes = dict.fromkeys(NAMES, "off")
    monkeypatch.setattr("transforms.redrive.MAX_BYTES", max(sizes) + 1)
    before = threading.active_count()
    assert set(redrive().values()) == {Outcome.REDRIVEN}
    puts_and_moves = 1 + 4
    assert max(running) - before <= puts_and_moves
