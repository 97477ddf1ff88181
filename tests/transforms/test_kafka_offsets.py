import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.coders import StructCoder
from transforms.kafka.offsets import OffsetRange, OffsetTracker


def test_a_checkpoint_cuts_behind_what_was_claimed() -> None:
    tracker = OffsetTracker(OffsetRange(10))
    assert tracker.try_claim(12)
    assert tracker.try_split(0) == (OffsetRange(10, 13), OffsetRange(13))
    assert tracker.check_done()


def test_a_checkpoint_before_anything_was_claimed_leaves_all() -> None:
    tracker = OffsetTracker(OffsetRange(10, 20))
    assert tracker.try_split(0) == (OffsetRange(10, 10), OffsetRange(10, 20))
    assert tracker.check_done()


def test_nothing_is_claimed_behind_a_checkpoint() -> None:
    tracker = OffsetTracker(OffsetRange(10))
    tracker.try_claim(12)
    tracker.try_split(0)
    assert not tracker.try_claim(13)
    assert tracker.check_done()


def test_a_partition_is_never_split_among_readers() -> None:
    assert OffsetTracker(OffsetRange(0, 100)).try_split(0.5) is None


def test_a_range_that_was_read_leaves_nothing() -> None:
    tracker = OffsetTracker(OffsetRange(10, 20))
    assert tracker.try_claim(19)
    assert tracker.try_split(0) is None
    assert tracker.check_done()


def test_a_record_behind_the_end_tells_that_no_more_come_before_it() -> None:
    tracker = OffsetTracker(OffsetRange(10, 20))
    assert tracker.try_claim(15)
    assert not tracker.try_claim(23)
    assert tracker.try_split(0) is None
    assert tracker.check_done()


def test_what_was_not_read_is_an_error() -> None:
    tracker = OffsetTracker(OffsetRange(10, 20))
    tracker.try_claim(15)
    with pytest.raises(ValueError, match="offsets from 16 on were not read"):
        tracker.check_done()


def test_an_offset_is_claimed_once() -> None:
    tracker = OffsetTracker(OffsetRange(10))
    tracker.try_claim(12)
    with pytest.raises(ValueError, match="offset 12 is claimed again; 13 is next"):
        tracker.try_claim(12)


def test_only_a_range_with_an_end_is_bounded() -> None:
    assert OffsetTracker(OffsetRange(0, 1)).is_bounded()
    assert not OffsetTracker(OffsetRange(0)).is_bounded()


def test_progress_counts_offsets() -> None:
    tracker = OffsetTracker(OffsetRange(10, 20))
    tracker.try_claim(11)
    progress = tracker.current_progress()
    assert (progress.completed_work, progress.remaining_work) == (2, 8)
    assert OffsetRange(10, 20).length == 10
    assert OffsetRange(10).length == 1


@given(st.lists(st.tuples(st.integers(1, 9), st.booleans()), max_size=30), st.integers(0, 60))
def test_however_it_is_checkpointed_every_offset_is_answered_for_once(
    claims: list[tuple[int, bool]], stop: int
) -> None:
    answered: list[int] = []
    tracker, at = OffsetTracker(OffsetRange(0, stop)), 0
    for step, checkpoint in [*claims, (stop + 1, False)]:
        at += step
        if not tracker.try_claim(at - 1):
            break
        if checkpoint and (split := tracker.try_split(0)):
            done, left = split
            answered += range(done.start, done.stop or 0)
            assert tracker.check_done()
            tracker = OffsetTracker(left)
    last = tracker.current_restriction()
    assert [*answered, *range(last.start, last.stop or 0)] == [*range(stop)]


def test_a_range_lies_in_savepoints_as_it_always_did() -> None:
    coder = StructCoder(OffsetRange)
    assert coder.encode(OffsetRange(7)) == b"\x92\x07\xc0"
    assert coder.encode(OffsetRange(7, 300)) == b"\x92\x07\xcd\x01\x2c"
    assert coder.decode(b"\x92\x07\xcd\x01\x2c") == OffsetRange(7, 300)
