"""The offsets of one partition that are to be read: a restriction in Beam's sense.

It can be cut at one place alone, behind what was read: a partition is read in order, by one reader.
"""

import msgspec
from apache_beam.io.iobase import RestrictionProgress, RestrictionTracker


class OffsetRange(msgspec.Struct, frozen=True, array_like=True):
    """Offsets `[start, stop)`, with `stop` `None` for ever.

    It lies in savepoints: a field may be added at the end, with a default, and none taken away.
    """

    start: int
    stop: int | None = None

    @property
    def length(self) -> int:
        """How many offsets it has; 1 where it has no end."""
        return 1 if self.stop is None else max(self.stop - self.start, 0)


class OffsetTracker(RestrictionTracker):
    """Knows what of an offset range has been read.

    An offset is claimed with all before it: offsets that hold no records (markers of transactions,
    what was compacted away) are claimed with the next that does, or with the last before an end.
    """

    def __init__(self, offsets: OffsetRange) -> None:
        self._range = offsets
        self._next = offsets.start
        self._refused = False

    def current_restriction(self) -> OffsetRange:
        """What this reader answers for, what it has read already included."""
        return self._range

    def try_claim(self, position: int) -> bool:
        """Claims all offsets up to and with this one.

        Raises:
            ValueError: It was claimed before.
        """
        if position < self._next:
            raise ValueError(f"offset {position} is claimed again; {self._next} is next")
        if self._range.stop is not None and position >= self._range.stop:
            self._refused = True
            return False
        self._next = position + 1
        return True

    def try_split(self, fraction_of_remainder: float) -> tuple[OffsetRange, OffsetRange] | None:
        """Cuts behind what was claimed, where a checkpoint is asked for; nowhere else.

        Returns:
            What was read, and what is left; `None` where nothing is left, or no cut is made.
        """
        if fraction_of_remainder != 0 or self._done():
            return None
        left = OffsetRange(self._next, self._range.stop)
        self._range = OffsetRange(self._range.start, self._next)
        return self._range, left

    def check_done(self) -> bool:
        """True.

        Raises:
            ValueError: Something of the range was not read.
        """
        if not self._done():
            raise ValueError(f"offsets from {self._next} on were not read: {self._range}")
        return True

    def current_progress(self) -> RestrictionProgress:
        """How many offsets were read and, where the range has an end, are still to be."""
        read = self._next - self._range.start
        left = 1 if self._range.stop is None else self._range.stop - self._next
        return RestrictionProgress(completed=read, remaining=max(left, 0))

    def is_bounded(self) -> bool:
        """Whether the range has an end."""
        return self._range.stop is not None

    def _done(self) -> bool:
        stop = self._range.stop
        return stop is not None and (self._refused or self._next >= stop)
