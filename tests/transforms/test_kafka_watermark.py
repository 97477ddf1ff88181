from apache_beam.utils.timestamp import MIN_TIMESTAMP, Timestamp
from hypothesis import given
from hypothesis import strategies as st

from transforms.coders import StructCoder
from transforms.kafka.watermark import (
    LOWEST_SECONDS,
    PartitionWatermark,
    WatermarkState,
    watermark_of_records,
)

NOW = 1_795_168_800_000
SECOND = 1000
YEAR_2099 = 4_090_000_000_000


def test_the_newest_record_less_what_may_be_out_of_order() -> None:
    times = [NOW - 90 * SECOND, NOW - 60 * SECOND, NOW - 70 * SECOND]
    assert watermark_of_records(times, NOW, 10 * SECOND) == NOW - 70 * SECOND


def test_a_record_a_little_ahead_of_the_clock_counts_as_now() -> None:
    assert watermark_of_records([NOW + 5 * SECOND], NOW, 10 * SECOND) == NOW - 10 * SECOND


def test_a_record_of_2099_tells_nothing() -> None:
    yesterday = NOW - 86_400 * SECOND
    assert watermark_of_records([yesterday, YEAR_2099], NOW, 0) == yesterday
    assert watermark_of_records([YEAR_2099], NOW, 0) is None


def test_records_without_a_time_tell_nothing() -> None:
    assert watermark_of_records([-1, -1], NOW, 0) is None
    assert watermark_of_records([-1, NOW - SECOND, -1], NOW, 0) == NOW - SECOND


def test_nothing_is_known_at_first() -> None:
    watermark = PartitionWatermark(WatermarkState())
    assert watermark.current_watermark() == MIN_TIMESTAMP
    assert watermark.before_seconds() == LOWEST_SECONDS


def test_blocks_are_told_what_came_with_the_state_not_what_was_estimated_since() -> None:
    watermark = PartitionWatermark(WatermarkState(5_500))
    watermark.advance(9_000)
    assert watermark.before_seconds() == 5
    resumed = PartitionWatermark(watermark.get_estimator_state())
    assert resumed.before_seconds() == 9


@given(st.lists(st.none() | st.integers(0, 10**13)))
def test_it_never_goes_back_and_survives_every_checkpoint(steps: list[int | None]) -> None:
    watermark = PartitionWatermark(WatermarkState())
    seen = [watermark.current_watermark()]
    coder = StructCoder(WatermarkState)
    for millis in steps:
        watermark.advance(millis)
        seen.append(watermark.current_watermark())
        state = coder.decode(coder.encode(watermark.get_estimator_state()))
        watermark = PartitionWatermark(state)
        seen.append(watermark.current_watermark())
    assert seen == sorted(seen)


def test_it_has_milliseconds() -> None:
    assert PartitionWatermark(WatermarkState(1_234)).current_watermark() == Timestamp(1.234)


def test_the_state_lies_in_savepoints_as_it_always_did() -> None:
    assert StructCoder(WatermarkState).encode(WatermarkState(300)) == b"\x91\xcd\x01\x2c"
    assert StructCoder(WatermarkState).encode(WatermarkState()) == b"\x91\xc0"
