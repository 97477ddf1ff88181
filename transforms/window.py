"""window: which interval of event time an event or a piece belongs to.

Fixed windows that start at multiples of their length since 1970, as Beam's `FixedWindows` has them.
Pack splits a block with these, and Beam windows the pieces with its own: a test holds them equal.
"""

import datetime as dt
from collections.abc import Sequence
from typing import Final

import apache_beam as beam
from apache_beam.transforms.window import FixedWindows

from transforms.records import Piece, Target, Window

DEFAULT_WINDOW_SECONDS: Final = 600

_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.timezone.utc)
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

    def numbers(self, times: Sequence[dt.datetime | None], record_time: int) -> list[int]:
        """The window's number for each event.

        Args:
            times: Event time, with its offset, by the event's own account; `None` where it has no
                usable one. Nor is a time usable whose window is not all in the years 1 to 9999.
            record_time: What stands in for it, in seconds since 1970.
        """
        record_number = record_time // self._seconds
        # The window of the last event with a time: mostly the next one's too, and to compare times
        # is cheaper than to divide them.
        number, start, end = record_number, _EPOCH, _EPOCH
        numbers: list[int] = []
        for time in times:
            if time is None:
                numbers.append(record_number)
            elif start <= time < end:
                numbers.append(number)
            elif (found := (time - _EPOCH) // self._length) in self._usable:
                number, start = found, _EPOCH + found * self._length
                end = start + self._length
                numbers.append(number)
            else:
                numbers.append(record_number)
        return numbers

    def window(self, number: int) -> Window:
        """The window of a number."""
        return Window(number * self._seconds, (number + 1) * self._seconds)


class WindowByEventTime(beam.PTransform):
    """Puts each piece into the fixed window of its timestamp."""

    def __init__(self, seconds: int) -> None:
        super().__init__()
        self._seconds = seconds

    def expand(
        self, pieces: beam.PCollection[tuple[Target, Piece]]
    ) -> beam.PCollection[tuple[Target, Piece]]:
        """Applies Beam's `FixedWindows`."""
        return pieces | beam.WindowInto(FixedWindows(self._seconds)).with_output_types(
            tuple[Target, Piece]
        )
