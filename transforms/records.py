"""What travels between the stages: small frozen records.

The words are those of the design page. Sizes are bytes, times are whole seconds since 1970 in UTC
unless a name says otherwise, `raw` is before deflate and `stored` is what the bucket holds.
"""

import itertools
from collections.abc import Sequence
from typing import Literal

import msgspec

Kind = Literal["events", "manifest"]
"""What an object holds."""

ManifestMode = Literal["with_data", "off", "always"]
"""Whether a destination gets manifests: of windows with events, none, or of all windows."""

Guarantee = Literal["repeatable", "stable", "orphans_possible"]
"""What holds where a job is replayed: bounded input gives the same objects again; of a stream, what
was put is put again under the same key with the same bytes, or other objects may be left beside
those that are listed."""

Status = Literal["delivered", "parked"]
"""What became of an object."""


class Block(msgspec.Struct, frozen=True):
    """An aligned run of records of one source: the unit that is read, parsed, routed and packed.

    Attributes:
        source: Where the records came from: a file's path.
        start: The aligned source position that the block begins at or after; with `source` it
            decides the shard, so it must not depend on how the work was split.
        lines: The records, without the line feed that ended them (a carriage return stays).
        first: Source position of the first record; with `source` it names the block.
        positions: Source position of each record; `None` where records are lines of a file, whose
            byte offsets follow from `first` and the lines' lengths.
        record_time: The source's own time of the records: a file's last-modified time, or that of
            the first record that has one; `None` where the source tells none.
        watermark: In a stream, its partition's watermark before the block; `None` where the input
            is bounded.
        found: In a stream, when its partition was found, by the clock; `None` where nobody knows.
        run: In a stream, the run's id as the source's elements carry it.
        record_times: Each record's own time, where they have such; rules about a record go by it,
            since where a block of a stream begins is up to chance.
        tombstones: Indices of the records that have no value at all, whose lines are empty; `None`
            where records are lines, of which a blank one is no record.
    """

    source: str
    start: int
    lines: list[bytes]
    first: int
    record_time: int | None
    positions: Sequence[int] | None = None
    watermark: int | None = None
    run: str | None = None
    record_times: Sequence[int | None] | None = None
    tombstones: Sequence[int] | None = None
    found: int | None = None

    @property
    def size_bytes(self) -> int:
        """About the records' length: to add it up would take longer than it is worth."""
        return len(self.lines) * len(self.lines[0]) if self.lines else 0

    def time_of(self, index: int) -> int | None:
        """The record time of one record."""
        return self.record_time if self.record_times is None else self.record_times[index]

    def record_positions(self) -> Sequence[int]:
        """Source position of each record: its byte offset, or the number of the record."""
        if self.positions is not None:
            return self.positions
        lengths = (len(line) + 1 for line in self.lines)
        return list(itertools.accumulate(lengths, initial=self.first))


class Window(msgspec.Struct, frozen=True, array_like=True):
    """A half-open interval of event time, `[start, end)`."""

    start: int
    end: int


class Target(msgspec.Struct, frozen=True, array_like=True):
    """The key of the shuffle: all that decides an object's key, but for window, pane and part.

    A configuration that changes in the middle of a window makes a new target, and so new objects.
    """

    destination: str
    run: str
    bucket: str
    owner: str | None = None
    prefix: str = ""
    layout: str = "plain"
    compression: str = "gzip"
    max_object_bytes: int = 2**26
    shards: int = 1
    shard: int = 0
    revision: str = ""


class Spooled(msgspec.Struct, frozen=True, array_like=True):
    """Where a piece's body lies on the local disk while only its address is shuffled."""

    path: str
    offset: int
    length: int


class Piece(msgspec.Struct, frozen=True, array_like=True):
    """The events of one block for one (target, window): the unit that is shuffled.

    Attributes:
        source: The block's source; with `first` it puts pieces into the order of their events.
        first: The source position of the block's first record.
        events: How many lines the body holds.
        raw_bytes: Length of the lines, each with its line feed.
        crc32: CRC-32 of the same bytes (RFC 1952).
        body: The lines as a raw-deflate run that ends on a byte boundary and is not final
            (RFC 1951, section 2.3), or where on the local disk it lies.
    """

    source: str
    first: int
    events: int
    raw_bytes: int
    crc32: int
    body: bytes | Spooled


class Part(msgspec.Struct, frozen=True):
    """An object, ready to be put: all of its pane, what was cut out of it, or a manifest."""

    target: Target
    window: Window
    pane: int
    part: int
    key: str
    body: bytes
    events: int
    raw_bytes: int
    kind: Kind = "events"

    @property
    def size_bytes(self) -> int:
        """The length of what is to be stored."""
        return len(self.body)


class Receipt(msgspec.Struct, frozen=True):
    """What became of one object; its fields, in this order, are those of its JSON.

    Attributes:
        reason: Why it is parked; empty where it is delivered.
    """

    destination: str
    run: str
    revision: str
    window_start: int
    window_end: int
    pane: int
    shard: int
    part: int
    bucket: str
    key: str
    events: int
    raw_bytes: int
    stored_bytes: int
    sha256: str
    status: Status
    kind: Kind = "events"
    reason: str = ""

    @property
    def url(self) -> str:
        """Where the object lies, or would lie."""
        return (
            f"{self.bucket}/{self.key}" if "/" in self.bucket else f"s3://{self.bucket}/{self.key}"
        )


class DeadLetter(msgspec.Struct, frozen=True):
    """A record that cannot be delivered to anyone, with the stage and the reason.

    Attributes:
        detail: What a person should know beyond the reason.
        record: The record's bytes as the source gave them.
        record_time: Its own, or its block's.
        run: In a stream, the run's id as its block carries it.
    """

    source: str
    position: int
    stage: str
    reason: str
    detail: str
    record: bytes
    record_time: int | None = None
    run: str | None = None


class Tally(msgspec.Struct, frozen=True):
    """What became of one block's records.

    `read = matched + unmatched + opted_out + outside + dead_letters`; `outside` is what a backfill
    of other times leaves out.

    `read` leaves blank lines out. `pairs` counts events by destination: an event that goes to two
    destinations is one matched event and two pairs. `run` is the run's id as the block carries it.
    """

    source: str
    first: int
    read: int
    blank: int
    matched: int
    unmatched: int
    opted_out: int
    dead_letters: dict[str, int]
    pairs: dict[str, int]
    outside: int = 0
    run: str | None = None
