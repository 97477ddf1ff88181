"""route: events with envelopes → the destinations of each, by a table made once.

One event may go to many destinations. Nothing of its content goes further than this table: object
keys come from the configuration alone.
"""

import datetime as dt
from collections.abc import Iterator, Sequence
from itertools import compress
from typing import Final, Literal

import apache_beam as beam
import msgspec

from transforms.coders import BundleCoder
from transforms.dead_letters import dead_letters
from transforms.edition import Editions
from transforms.envelope import opts_out
from transforms.parse import Parsed
from transforms.records import Block, DeadLetter, Target
from transforms.routing_table import RoutingTable

STAGE: Final = "route"

Unmatched = Literal["count", "dead_letter"]
"""What becomes of an event that matches no destination."""


class Routed(msgspec.Struct, frozen=True):
    """A block's matched events with what became of the others.

    `events`, `indices`, `times` and `matches` run side by side; an index is the record's in the
    block, a match is the indices of an event's destinations among `targets`: those of the
    configuration that routed the block, whatever has come into force since.
    """

    block: Block
    events: list[bytes]
    indices: Sequence[int]
    times: list[dt.datetime | None]
    matches: list[tuple[int, ...]]
    blank: int
    unmatched: int
    opted_out: int
    dead_letters: list[DeadLetter]
    targets: Sequence[Target] = ()
    outside: int = 0

    @property
    def size_bytes(self) -> int:
        """The block's size; the events are of the same bytes."""
        return self.block.size_bytes


beam.coders.registry.register_coder(Routed, BundleCoder)


def route(parsed: Parsed, table: RoutingTable, unmatched: Unmatched = "count") -> Routed:
    """Finds each event's destinations, and sets apart who opted out and what matches none."""
    matches = table.matches(parsed.envelopes)
    opted_out = {
        index
        for index, envelope in enumerate(parsed.envelopes)
        if envelope.integrations is not None and opts_out(envelope.integrations)
    }
    for index in opted_out:
        matches[index] = ()
    missed = [i for i, match in enumerate(matches) if not match and i not in opted_out]
    letters = parsed.dead_letters
    if unmatched == "dead_letter":
        fault = ("unmatched", "no destination matches the event")
        faults = dict.fromkeys((parsed.indices[i] for i in missed), fault)
        letters = letters + dead_letters(parsed.block, STAGE, faults)
        missed = []
    return Routed(
        block=parsed.block,
        events=list(compress(parsed.events, matches)),
        indices=parsed.indices if all(matches) else list(compress(parsed.indices, matches)),
        times=[each.time for each in compress(parsed.envelopes, matches)],
        matches=list(filter(None, matches)),
        blank=parsed.blank,
        unmatched=len(missed),
        opted_out=len(opted_out),
        dead_letters=letters,
        targets=table.targets,
    )


class Route(beam.PTransform):
    """`Parsed` → `Routed`, each block by the configuration that is in force."""

    def __init__(self, editions: Editions, unmatched: Unmatched = "count") -> None:
        super().__init__()
        self._editions = editions
        self._unmatched = unmatched

    def expand(self, parsed: beam.PCollection[Parsed]) -> beam.PCollection[Routed]:
        """Applies `route` to each block."""
        return parsed | beam.ParDo(_RouteBlock(self._editions, self._unmatched))


class _RouteBlock(beam.DoFn):
    def __init__(self, editions: Editions, unmatched: Unmatched) -> None:
        self._editions = editions
        self._unmatched = unmatched

    def process(self, parsed: Parsed) -> Iterator[Routed]:
        yield route(parsed, self._editions.now().table, self._unmatched)
