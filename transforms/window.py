"""window: which interval of event time an event or a piece belongs to.

An event that no window can take is a dead letter here, where it still has its bytes: a runner would
drop it without a word.
"""

import datetime as dt
from collections.abc import Sequence
from itertools import compress
from typing import Final

import apache_beam as beam
import msgspec
from apache_beam.transforms.trigger import (
    AccumulationMode,
    AfterCount,
    AfterProcessingTime,
    AfterWatermark,
)
from apache_beam.transforms.window import FixedWindows

from transforms.dead_letters import Fault, dead_letters
from transforms.fixed_windows import EPOCH, NO_WINDOW, Windows
from transforms.kafka.watermark import LOWEST_SECONDS
from transforms.records import Block, Piece, Target, Window
from transforms.route import Routed

STAGE: Final = "window"

DEFAULT_WINDOW_SECONDS: Final = 600
DEFAULT_LATE_FIRING_DELAY_SECONDS: Final = 300
DEFAULT_ALLOWED_LATENESS_SECONDS: Final = 86_400
DEFAULT_MAX_CLOCK_SKEW_SECONDS: Final = 3_600

MOST_AHEAD_SECONDS: Final = 365 * 86_400
"""How far ahead of what a stream has come to a window may begin: one of 2099 would never close."""


class Lateness(msgspec.Struct, frozen=True):
    """What a stream's events may deviate from its own times, in seconds.

    Attributes:
        allowed_lateness: How long after its end a window still takes events, by the watermark.
        max_clock_skew: How far behind its record time an event's own time may lie and be believed.
    """

    allowed_lateness: int = DEFAULT_ALLOWED_LATENESS_SECONDS
    max_clock_skew: int = DEFAULT_MAX_CLOCK_SKEW_SECONDS

    def has_expired(self, window: Window, block: Block) -> bool:
        """Whether a runner would drop what the block has for this window."""
        return block.watermark is not None and window.end + self.allowed_lateness <= block.watermark


def is_out_of_reach(seconds: int, block: Block) -> bool:
    """Whether a time is so far ahead of what the block's stream has come to that nobody waits."""
    reached = _reached(block)
    return reached is not None and seconds > reached + MOST_AHEAD_SECONDS


def _reached(block: Block) -> int | None:
    """What a block's stream has come to: its watermark, or when its partition was found if later.

    The second is there before any record is read, and comes with the partition: whoever reads the
    block again knows the same.
    """
    if block.watermark is None or block.watermark == LOWEST_SECONDS:
        return block.found
    return max(block.watermark, block.found or block.watermark)


DEFAULT_LATENESS: Final = Lateness()


class Placed(msgspec.Struct, frozen=True):
    """A block's matched events, side by side with the numbers of their windows."""

    routed: Routed
    numbers: list[int]

    def keeping(self, kept: Sequence[bool]) -> "Placed":
        """The events that are kept, side by side as before."""
        routed = self.routed
        left = msgspec.structs.replace(
            routed,
            events=list(compress(routed.events, kept)),
            indices=list(compress(routed.indices, kept)),
            times=list(compress(routed.times, kept)),
            matches=list(compress(routed.matches, kept)),
        )
        return Placed(left, list(compress(self.numbers, kept)))


def place(routed: Routed, windows: Windows, lateness: Lateness) -> Placed:
    """Finds each event's window; an event that none can take becomes a dead letter.

    Event time is the event's own, the first of the configured fields that holds one; in a stream it
    must not be later than the record time, if there is one, by more than the clock skew. Else it is
    the record time (and not another field: a clock that is wrong in one is as wrong in the next).
    No rule looks at the wall clock, so that a replay decides the same.
    """
    block = routed.block
    record_time = block.record_time if windows.number(block.record_time) != NO_WINDOW else None
    latest = _latest(record_time, block, lateness)
    if block.record_times is None:
        numbers = windows.numbers(routed.times, record_time, latest)
    else:
        numbers = _numbers_by_record(routed, windows, lateness)
    if block.watermark is None and record_time is not None and block.record_times is None:
        return Placed(routed, numbers)  # no event can be refused
    refused: dict[int, Fault] = {}
    for number in set(numbers):
        fault = _fault(number, windows, block, lateness)
        if fault is not None:
            refused[number] = fault
    return _without(routed, numbers, refused) if refused else Placed(routed, numbers)


def _numbers_by_record(routed: Routed, windows: Windows, lateness: Lateness) -> list[int]:
    """The windows' numbers where each record has a time of its own.

    All are looked at together with the strictest bound, and what that leaves over by itself.
    """
    block, times = routed.block, routed.times
    # Records of one block have few times, in whole seconds.
    usable = {
        time: None if windows.number(time) == NO_WINDOW else time
        for time in set(block.record_times or ())
    }
    strictest = min((time for time in usable.values() if time is not None), default=None)
    numbers = windows.numbers(times, None, _latest(strictest, block, lateness))
    if NO_WINDOW in numbers:
        by_record = {time: windows.number(kept) for time, kept in usable.items()}
        for at, number in enumerate(numbers):
            if number == NO_WINDOW:
                told = block.time_of(routed.indices[at])
                if times[at] is None:
                    numbers[at] = by_record[told]
                else:
                    latest = _latest(usable[told], block, lateness)
                    (numbers[at],) = windows.numbers([times[at]], usable[told], latest)
    return numbers


def _latest(record_time: int | None, block: Block, lateness: Lateness) -> int | None:
    """Up to when an event's own time is believed; `None` for any time."""
    if block.watermark is None or record_time is None:
        return None
    return record_time + lateness.max_clock_skew


def ops_time(block: Block, windows: Windows, lateness: Lateness) -> int:
    """The timestamp of a block's tally and dead letters: its record time, or 0 where it has none.

    In a stream it is what the stream has come to where that time's window has expired, or is out of
    reach, for these must not be dropped or wait for ever either.
    """
    number = windows.number(block.record_time)
    time = block.record_time if block.record_time is not None and number != NO_WINDOW else 0
    expired = lateness.has_expired(windows.window(windows.number(time)), block)
    if expired:
        return block.watermark or 0
    return _reached(block) or 0 if is_out_of_reach(time, block) else time


class WindowByEventTime(beam.PTransform):
    """Puts each piece into the fixed window of its timestamp.

    A window's first pane comes when the watermark has passed its end. What comes later is gathered
    for a while, so that stragglers do not become an object each; no pane repeats another's pieces.

    Args:
        seconds: The windows' length.
        allowed_lateness_seconds: How long after its end a window takes pieces.
        late_firing_delay_seconds: How long late pieces are gathered, in processing time; 0 for not
            at all, so that each is an object of its own.
    """

    def __init__(
        self,
        seconds: int,
        allowed_lateness_seconds: int = DEFAULT_ALLOWED_LATENESS_SECONDS,
        late_firing_delay_seconds: int = DEFAULT_LATE_FIRING_DELAY_SECONDS,
    ) -> None:
        super().__init__()
        self._seconds = seconds
        self._allowed_lateness_seconds = allowed_lateness_seconds
        self._late_firing_delay_seconds = late_firing_delay_seconds

    def expand(
        self, pieces: beam.PCollection[tuple[Target, Piece]]
    ) -> beam.PCollection[tuple[Target, Piece]]:
        """Applies Beam's `FixedWindows`; bounded input has no late pieces, and needs no trigger."""
        if pieces.is_bounded:
            return pieces | beam.WindowInto(FixedWindows(self._seconds)).with_output_types(
                tuple[Target, Piece]
            )
        delay = self._late_firing_delay_seconds
        return pieces | beam.WindowInto(
            FixedWindows(self._seconds),
            trigger=AfterWatermark(late=AfterProcessingTime(delay) if delay else AfterCount(1)),
            accumulation_mode=AccumulationMode.DISCARDING,
            allowed_lateness=self._allowed_lateness_seconds,
        ).with_output_types(tuple[Target, Piece])


def _fault(number: int, windows: Windows, block: Block, lateness: Lateness) -> Fault | None:
    if number == NO_WINDOW:
        return "no_time", "neither the event nor its source tells a time that is usable"
    window = windows.window(number)
    if is_out_of_reach(window.start, block):
        return "no_time", (
            f"its window from {_stamp(window.start)} is more than a year ahead of"
            f" {_stamp(_reached(block))}, to which the stream has come: it would never close"
        )
    if not lateness.has_expired(window, block):
        return None
    return "too_late", (
        f"its window from {_stamp(window.start)} to {_stamp(window.end)} and the allowed lateness"
        f" of {lateness.allowed_lateness} s ended before the watermark {_stamp(block.watermark)}"
    )


def _stamp(seconds: int | None) -> str:
    try:
        return (EPOCH + dt.timedelta(seconds=seconds or 0)).isoformat().replace("+00:00", "Z")
    except OverflowError:
        return f"at second {seconds}"


def _without(routed: Routed, numbers: list[int], refused: dict[int, Fault]) -> Placed:
    """The events that are not refused, and a dead letter for each that is."""
    faults = {
        index: refused[number]
        for index, number in zip(routed.indices, numbers, strict=True)
        if number in refused
    }
    letters = routed.dead_letters + dead_letters(routed.block, STAGE, faults)
    with_letters = msgspec.structs.replace(routed, dead_letters=letters)
    return Placed(with_letters, numbers).keeping([number not in refused for number in numbers])
