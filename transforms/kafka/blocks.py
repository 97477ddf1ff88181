"""Blocks of Kafka records: cut where an aligned range of offsets ends, or earlier.

Block k begins at or after offset k·N. What ends a block early (its size, a self-checkpoint) starts
another of the same aligned range, and so of the same shard: which shard a record belongs to, and
the order within it, do not depend on how a stream was cut.
"""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple, TypeVar

from confluent_kafka import Message

from transforms.records import Block

T = TypeVar("T")

DEFAULT_BLOCK_RECORDS: Final = 8192
"""N: with events of 1 KiB, as much as a file's block."""


class Records(NamedTuple):
    """Consecutive records of a partition.

    Attributes:
        offsets: Rising.
        values: Their values, `None` for a tombstone.
        times: In milliseconds since 1970, negative where Kafka tells none.
    """

    offsets: Sequence[int]
    values: Sequence[bytes | None]
    times: Sequence[int]

    def part(self, start: int, stop: int | None = None) -> "Records":
        """The records from an index to another."""
        part = slice(start, stop)
        return Records(self.offsets[part], self.values[part], self.times[part])


def records_of(messages: Sequence[Message]) -> Records:
    """What is wanted of messages, at least one; keys and headers are not."""
    first, last = _offset(messages[0]), _offset(messages[-1])
    offsets: Sequence[int] = range(first, last + 1)
    if len(offsets) != len(messages):  # there are gaps
        offsets = [_offset(message) for message in messages]
    # Methods mapped over messages cost half of what a loop does.
    times = [time for _, time in map(Message.timestamp, messages)]
    return Records(offsets, [*map(Message.value, messages)], times)


class Common(NamedTuple):
    """What the blocks of one reading have in common.

    Attributes:
        source: The name of the partition.
        run: The run's id.
        watermark: The partition's, in seconds; `None` where the input is bounded.
        found: When the partition was found, in seconds since 1970; `None` where nobody knows.
    """

    source: str
    run: str
    watermark: int | None
    found: int | None = None


class BlockCutter:
    """A block in the making.

    Args:
        common: What all blocks get.
        block_records: N, the length of an aligned range of offsets.
        block_bytes: A longer block is several, unless it is one record.
    """

    def __init__(self, common: Common, block_records: int, block_bytes: int) -> None:
        self._common = common
        self._block_records = block_records
        self._block_bytes = block_bytes
        self._parts: list[Records] = []
        self._bytes = 0

    def add(self, records: Records) -> Iterator[Records]:
        """The records of each block that is complete with these, which follow those before."""
        start = records.offsets[0] - records.offsets[0] % self._block_records
        here = self._count_before(records.offsets, start + self._block_records)
        size = sum(map(len, filter(None, records.values[:here])))
        if here > 1 and size > self._block_bytes:
            here //= 2
            yield from self.add(records.part(0, here))
        else:
            yield from self._add(records.part(0, here), start, size)
        if here < len(records.offsets):
            yield from self.add(records.part(here))

    def rest(self) -> Iterator[Records]:
        """The records that are in no block yet, if there are any."""
        if self._parts:
            yield self._joined()

    def block(self, records: Records) -> Block:
        """A block of such records."""
        offsets, values, times = records
        seconds = [time // 1000 for time in times]
        record_times: Sequence[int | None] = seconds
        if min(seconds) < 0:
            record_times = [None if time < 0 else time for time in seconds]
        lines = [value for value in values if value is not None]
        tombstones: list[int] = []
        if len(lines) < len(values):
            tombstones = [index for index, value in enumerate(values) if value is None]
            lines = [value or b"" for value in values]
        return Block(
            source=self._common.source,
            start=offsets[0] - offsets[0] % self._block_records,
            lines=lines,
            first=offsets[0],
            positions=offsets,
            record_time=next((time for time in record_times if time is not None), None),
            watermark=self._common.watermark,
            run=self._common.run,
            record_times=record_times,
            tombstones=tombstones,
            found=self._common.found,
        )

    def _add(self, records: Records, start: int, size: int) -> Iterator[Records]:
        if self._parts and (
            self._parts[0].offsets[0] < start or self._bytes + size > self._block_bytes
        ):
            yield self._joined()
        self._parts.append(records)
        self._bytes += size
        if records.offsets[-1] + 1 == start + self._block_records:
            yield self._joined()

    def _joined(self) -> Records:
        parts, self._parts, self._bytes = self._parts, [], 0
        if len(parts) == 1:
            return parts[0]
        first, last = parts[0].offsets[0], parts[-1].offsets[-1]
        offsets: Sequence[int] = range(first, last + 1)
        if len(offsets) != sum(len(part.offsets) for part in parts):
            offsets = _chained(part.offsets for part in parts)
        return Records(
            offsets, _chained(part.values for part in parts), _chained(part.times for part in parts)
        )

    @staticmethod
    def _count_before(offsets: Sequence[int], border: int) -> int:
        if offsets[-1] < border:
            return len(offsets)
        return next(index for index, offset in enumerate(offsets) if offset >= border)


def _chained(parts: Iterable[Sequence[T]]) -> list[T]:
    return list(itertools.chain.from_iterable(parts))


def _offset(message: Message) -> int:
    offset = message.offset()
    if offset is None:
        raise ValueError("a record without an offset")
    return offset
