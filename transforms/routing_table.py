"""The routing table: from an event's envelope to its destinations, made once per configuration."""

from collections.abc import Sequence

import msgspec

from transforms.destination import Destination
from transforms.envelope import Envelope
from transforms.records import Target


class RoutingTable:
    """Write key → destinations, then by type and event name where a destination asks for them.

    Args:
        destinations: Those that are not enabled get nothing.
        targets: Theirs, side by side with them.

    Attributes:
        targets: What the indices that it gives are of.
    """

    def __init__(self, destinations: Sequence[Destination], targets: Sequence[Target] = ()) -> None:
        self.targets = targets
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
