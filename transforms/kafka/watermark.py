"""The watermark of one partition: how far its records' own times have come.

It is made from the clock, so that two attempts at the same records may make different ones. What a
block is told is therefore not what is estimated while it is read, but what the runner was told
before: that comes with the restriction, so that whoever reads it again is told the same.
"""

from collections.abc import Sequence
from typing import Final

import msgspec
from apache_beam.io.iobase import WatermarkEstimator
from apache_beam.utils.timestamp import MIN_TIMESTAMP, Timestamp

LOWEST_SECONDS: Final = int(MIN_TIMESTAMP)
"""What a stream's watermark is before anything is known of it."""

FUTURE_MILLIS: Final = 60_000
"""A record dated further ahead of the clock tells nothing: one from 2099 must close no window, not
even while yesterday's records are read."""


class WatermarkState(msgspec.Struct, frozen=True, array_like=True):
    """The watermark as the runner was told it, in milliseconds since 1970; `None` before the first.

    It lies in savepoints: a field may be added at the end, with a default, and none taken away.
    """

    millis: int | None = None


def watermark_of_records(
    times: Sequence[int], now_millis: int, max_out_of_orderness_millis: int
) -> int | None:
    """What records tell: the newest one's time, or now, less what they may be out of order.

    Args:
        times: The records' times in milliseconds since 1970, negative where one has none.
        now_millis: The clock.
        max_out_of_orderness_millis: How much older than one before it a record may be.

    Returns:
        A watermark in milliseconds; `None` where no record has a time that can be believed.
    """
    latest = now_millis + FUTURE_MILLIS
    newest = max(times, default=-1)
    if newest > latest:
        newest = max((time for time in times if time <= latest), default=-1)
    if newest < 0:
        return None
    return min(newest, now_millis) - max_out_of_orderness_millis


class PartitionWatermark(WatermarkEstimator):
    """The watermark of one partition, which never goes back."""

    def __init__(self, state: WatermarkState) -> None:
        self._before = self._millis = state.millis

    def before_seconds(self) -> int:
        """What the runner knew when this reading began, in whole seconds."""
        return LOWEST_SECONDS if self._before is None else self._before // 1000

    def advance(self, millis: int | None) -> None:
        """Moves on to a watermark, unless it is there already."""
        if millis is not None and (self._millis is None or millis > self._millis):
            self._millis = millis

    def current_watermark(self) -> Timestamp:
        """The watermark, for the runner."""
        return MIN_TIMESTAMP if self._millis is None else Timestamp(micros=self._millis * 1000)

    def get_estimator_state(self) -> WatermarkState:
        """The watermark, for whoever reads on."""
        return WatermarkState(self._millis)

    def observe_timestamp(self, timestamp: Timestamp) -> None:
        """Nothing: blocks are not stamped, their records are."""
