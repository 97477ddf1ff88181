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
from transforms.destination import Destination
from transforms.envelope import Envelope, opts_out
from transforms.parse import Parsed
from transforms.records import Block, DeadLetter

STAGE: Final = "route"

Unmatched = Literal["count", "dead_letter"]
"""What becomes of an event that matches no destination."""


class Routed(msgspec.Struct, frozen=True):
    """A block's matched events with what became of the others.

    `events`, `indices`, `times` and `matches` run side by side; an index is the record's in the
    block, a match is the indices of an event's destinations among those that the table was made of.
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
    outside: int = 0

    @property
    def size_bytes(self) -> int:
        """The block's size; the events are of the same bytes."""
        return self.block.size_bytes


beam.coders.registry.register_coder(Routed, BundleCoder)


class RoutingTable:
    """Write key → destinations, then by type and event name where a destination asks for them."""

    def __init__(self, destinations: Sequence[Destination]) -> None:
        """Prepares the table; destinations that are not enabled get nothing."""
        rules: dict[str | None, list[_Rule]] = {}  # an event without a key finds none
        for index, destination in enumerate(destinations):
            match = destination.match
            if destination.enabled:
                for write_key in match.write_key:
                    rule = _Rule(index, _wanted(match.type), _wanted(match.event))
                    rules.setdefault(write_key, []).append(rule)
        self._unfiltered = {
            write_key: tuple(rule.destination for rule in found)
            for write_key, found in rules.items()
            if not any(rule.types or rule.events for rule in found)
        }
        self._filtered = {
            write_key: found
            for write_key, found in rules.items()
            if write_key not in self._unfiltered
        }

    def matches(self, envelopes: Sequence[Envelope]) -> list[tuple[int, ...]]:
        """For each envelope the indices of its event's destinations, in ascending order."""
        find, unfiltered = self._find, self._unfiltered
        return [unfiltered.get(each.write_key) or find(each) for each in envelopes]

    def _find(self, envelope: Envelope) -> tuple[int, ...]:
        rules = self._filtered.get(envelope.write_key, ())
        return tuple(rule.destination for rule in rules if rule.wants(envelope))


class _Rule(msgspec.Struct, frozen=True):
    destination: int
    types: frozenset[str] | None
    events: frozenset[str] | None

    def wants(self, envelope: Envelope) -> bool:
        return (self.types is None or envelope.type in self.types) and (
            self.events is None or envelope.event in self.events
        )


def _wanted(names: Sequence[str] | None) -> frozenset[str] | None:
    return frozenset(names) if names else None


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
    )


class Route(beam.PTransform):
    """`Parsed` → `Routed`."""

    def __init__(self, destinations: Sequence[Destination], unmatched: Unmatched = "count") -> None:
        super().__init__()
        self._destinations = tuple(destinations)
        self._unmatched = unmatched

    def expand(self, parsed: beam.PCollection[Parsed]) -> beam.PCollection[Routed]:
        """Applies `route` to each block."""
        return parsed | beam.ParDo(_RouteBlock(self._destinations, self._unmatched))


class _RouteBlock(beam.DoFn):
    def __init__(self, destinations: tuple[Destination, ...], unmatched: Unmatched) -> None:
        self._destinations = destinations
        self._unmatched = unmatched

    def setup(self) -> None:
        self._table = RoutingTable(self._destinations)

    def process(self, parsed: Parsed) -> Iterator[Routed]:
        yield route(parsed, self._table, self._unmatched)
