"""Fixed windows that start at multiples of their length since 1970, as Beam has them.

Pack splits a block with these, and Beam windows the pieces with its own: a test holds them equal.
"""

import datetime as dt
from collections.abc import Sequence
from typing import Final

from apache_beam.utils.timestamp import Timestamp

from transforms.records import Window

NO_WINDOW: Final = -(2**63)
"""The number of no window: what an event has that neither knows its time nor is told one."""

EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.timezone.utc)
_FOREVER: Final = dt.datetime.max.replace(tzinfo=dt.timezone.utc)
_MICROSECOND: Final = dt.timedelta(microseconds=1)
# A window that reaches out of the years 1 to 9999 could not be written into a key.
_FIRST_SECOND: Final = -62_135_596_800
_LAST_SECOND: Final = 253_402_300_799


class Windows:
    """Fixed windows, numbered from the one that starts with 1970.

    Args:
        seconds: The windows' length.
    """

    def __init__(self, seconds: int) -> None:
        self._seconds = seconds
        self._length = dt.timedelta(seconds=seconds)
        self._usable = range(-(-_FIRST_SECOND // seconds), _LAST_SECOND // seconds)

    def number(self, time: int | None) -> int:
        """The number of a time's window; `NO_WINDOW` if it is not all in the years 1 to 9999."""
        number = NO_WINDOW if time is None else time // self._seconds
        return number if number in self._usable else NO_WINDOW

    def numbers(
        self,
        times: Sequence[dt.datetime | None],
        record_time: int | None,
        latest: int | None = None,
    ) -> list[int]:
        """The window's number for each event, `NO_WINDOW` where it has none.

        Args:
            times: Event time, with its offset, by the event's own account; `None` where it has no
                usable one. Nor is a time usable whose window is not all in the years 1 to 9999.
            record_time: What stands in for it, in seconds since 1970.
            latest: In seconds since 1970; a later time is not usable either.
        """
        record_number = self.number(record_time)
        bound = _after(latest)
        # The window of the last event with a time, up to the bound: mostly the next one's too, and
        # to compare times is cheaper than to divide them.
        number, start, end = record_number, EPOCH, EPOCH
        numbers: list[int] = []
        for time in times:
            if time is None:
                numbers.append(record_number)
            elif start <= time < end:
                numbers.append(number)
            elif time < bound and (found := (time - EPOCH) // self._length) in self._usable:
                number, start = found, EPOCH + found * self._length
                end = min(start + self._length, bound)
                numbers.append(number)
            else:
                numbers.append(record_number)
        return numbers

    def window(self, number: int) -> Window:
        """The window of a number."""
        return Window(number * self._seconds, (number + 1) * self._seconds)


def whole_seconds(border: Timestamp) -> int:
    """A window's border in seconds since 1970.

    Raises:
        ValueError: It is not a whole second: a key has no room for less, and two windows within a
            second would share one.
    """
    if border.micros % 1_000_000:
        raise ValueError(f"a window must begin and end with a second, not at {border}")
    return int(border)


def _after(latest: int | None) -> dt.datetime:
    """The first time that is later; as good as never where that is out of the years 1 to 9999."""
    if latest is None or latest >= _LAST_SECOND:
        return _FOREVER
    return EPOCH + dt.timedelta(seconds=max(latest, _FIRST_SECOND)) + _MICROSECOND
