"""What is to become of the generated events: worked out with nothing of the program itself."""

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from examples.demo.customers import DESTINATIONS

_DIGEST_MODULUS: Final = 2**256


@dataclass
class Delivery:
    """A sum over a destination's events, in whatever order they come.

    Attributes:
        events: How many lines.
        raw_bytes: Their length, each with its line feed.
        digest: Sum of the lines' SHA-256, without line feeds, modulo 2**256: two sums are the same
            only where the same lines occur the same number of times.
    """

    events: int = 0
    raw_bytes: int = 0
    digest: int = 0

    def add(self, line: bytes) -> None:
        """Counts one event in; `line` has no line feed."""
        self.events += 1
        self.raw_bytes += len(line) + 1
        digest = int.from_bytes(hashlib.sha256(line).digest(), "big")
        self.digest = (self.digest + digest) % _DIGEST_MODULUS


@dataclass
class Expected:
    """What is to become of the generated lines.

    Attributes:
        files: Where they are.
        read: Lines that are not blank.
        blank: Lines without anything.
        raw_bytes: Length of all lines, each with its line feed.
        matched: Events for one destination or more.
        unmatched: Events for none.
        opted_out: Events that must go nowhere.
        malformed: Lines that are no event.
        deliveries: What each destination gets, by its name.
    """

    files: tuple[Path, ...]
    read: int = 0
    blank: int = 0
    raw_bytes: int = 0
    matched: int = 0
    unmatched: int = 0
    opted_out: int = 0
    malformed: int = 0
    deliveries: dict[str, Delivery] = field(
        default_factory=lambda: {destination.name: Delivery() for destination in DESTINATIONS}
    )

    @property
    def pairs(self) -> int:
        """Events by destination: an event for two destinations counts twice."""
        return sum(delivery.events for delivery in self.deliveries.values())
