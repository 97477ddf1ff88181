import datetime as dt

import pytest
from apache_beam.transforms.window import FixedWindows, WindowFn
from apache_beam.utils.timestamp import Timestamp
from hypothesis import given
from hypothesis import strategies as st

from transforms.fixed_windows import Windows
from transforms.records import Window

_UTC = dt.timezone.utc
_times = st.datetimes(
    min_value=dt.datetime(2, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
    max_value=dt.datetime(9998, 1, 1),  # noqa: DTZ001 - the same
    timezones=st.sampled_from([_UTC, dt.timezone(dt.timedelta(hours=-7))]),
)


def window_of(windows: Windows, time: dt.datetime | None, record_time: int = 0) -> Window:
    return windows.window(windows.numbers([time], record_time)[0])


@given(_times, st.sampled_from([1, 7, 60, 600, 3600, 86_400]))
def test_an_event_is_in_the_window_that_beam_gives_its_time(
    time: dt.datetime, seconds: int
) -> None:
    beams_time = Timestamp.from_rfc3339(time.astimezone(_UTC).isoformat())
    context = WindowFn.AssignContext(beams_time)
    [beams] = FixedWindows(seconds).assign(context)
    ours = window_of(Windows(seconds), time)
    assert (ours.start, ours.end) == (beams.start, beams.end)


def test_a_window_ends_just_before_the_next_one_starts() -> None:
    windows = Windows(600)
    last = dt.datetime(2026, 11, 20, 10, 9, 59, 999_999, tzinfo=dt.timezone.utc)
    first = last + dt.timedelta(microseconds=1)
    assert window_of(windows, last) == Window(1_795_168_800, 1_795_169_400)
    assert window_of(windows, first) == Window(1_795_169_400, 1_795_170_000)


@given(st.lists(_times | st.none()), st.sampled_from([7, 600, 86_400]))
def test_many_times_at_once_are_as_each_by_itself(
    times: list[dt.datetime | None], seconds: int
) -> None:
    windows = Windows(seconds)
    last = dt.datetime(9999, 12, 31, 23, 59, 59, tzinfo=_UTC)
    for several in (times, [each for time in times for each in (time, last, time)]):
        alone = [windows.numbers([time], 0)[0] for time in several]
        assert windows.numbers(several, 0) == alone


def test_far_from_now_no_microsecond_is_lost() -> None:
    last = dt.datetime(9998, 12, 31, 23, 59, 59, 999_999, tzinfo=dt.timezone.utc)
    assert window_of(Windows(60), last).end == 253_370_764_800


@pytest.mark.parametrize(
    "time",
    [
        dt.datetime(9999, 12, 31, 23, 59, tzinfo=dt.timezone(dt.timedelta(hours=-12))),
        dt.datetime(9999, 12, 31, 23, 59, tzinfo=_UTC),
        dt.datetime(1, 1, 1, tzinfo=dt.timezone(dt.timedelta(hours=14))),
        None,
    ],
)
def test_where_the_window_could_not_be_written_the_record_time_stands_in(
    time: dt.datetime | None,
) -> None:
    assert window_of(Windows(600), time, 1_795_168_801) == Window(1_795_168_800, 1_795_169_400)
