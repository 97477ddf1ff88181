"""span: the part of the events that a backfill asks for, by their event time.

What lies outside is counted, and is nobody's dead letter.
"""

import msgspec

from transforms.window import Placed


class Span(msgspec.Struct, frozen=True):
    """A half-open interval of event time, in seconds since 1970; `None` is without bound."""

    start: int | None = None
    end: int | None = None

    def __contains__(self, seconds: float) -> bool:
        return (self.start is None or self.start <= seconds) and (
            self.end is None or seconds < self.end
        )


EVERYTHING = Span()


def within(placed: Placed, span: Span, window_seconds: int) -> Placed:
    """The events of a span; the others are counted as outside.

    Args:
        placed: Events with their windows.
        span: What is asked for.
        window_seconds: The windows' length: an event whose own time is not of its window was placed
            by its record time.
    """
    if span == EVERYTHING:
        return placed
    routed = placed.routed
    kept = []
    for index, time, number in zip(routed.indices, routed.times, placed.numbers, strict=True):
        own = None if time is None else time.timestamp()
        believed = own is not None and own // window_seconds == number
        seconds = own if believed else routed.block.time_of(index)
        kept.append(seconds is not None and seconds in span)
    counted = msgspec.structs.replace(routed, outside=len(kept) - sum(kept))
    return Placed(counted, placed.numbers).keeping(kept)
