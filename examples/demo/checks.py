"""What must hold after the demo's run: each check has a name, and what was expected and found."""

from collections.abc import Iterator
from typing import NamedTuple

from examples.demo.customers import CONNECTIONS, DESTINATIONS
from examples.demo.expected import Expected
from examples.demo.ops_records import Sums
from examples.demo.read_back import NO_ENCRYPTION, Found


class Check(NamedTuple):
    """One thing that must hold."""

    name: str
    expected: object
    found: object

    @property
    def holds(self) -> bool:
        """Whether it does."""
        return self.expected == self.found


def bucket_checks(
    expected: Expected, found: dict[str, Found], strays: list[str]
) -> Iterator[Check]:
    """The buckets hold what was sent, all of it, unchanged, once, encrypted, and nothing else."""
    connections = {connection.name: connection for connection in CONNECTIONS}
    for destination in DESTINATIONS:
        name = destination.name
        sent, there = expected.deliveries[name], found[name]
        encryption = connections[destination.connection].encryption or NO_ENCRYPTION
        yield Check(f"{name}: events", sent.events, there.delivery.events)
        yield Check(f"{name}: raw bytes", sent.raw_bytes, there.delivery.raw_bytes)
        yield Check(f"{name}: sum of the lines' SHA-256", sent.digest, there.delivery.digest)
        yield Check(f"{name}: encryption", {encryption}, there.encryptions)
        yield Check(f"{name}: faulty objects", [], there.faults)
        yield Check(f"{name}: objects by the manifests", there.sha256, there.listed)
        yield Check(f"{name}: missing by the manifests", [], there.missing)
    yield Check("objects under no destination's prefix", [], strays)


def sum_checks(expected: Expected, found: dict[str, Found], sums: Sums) -> Iterator[Check]:
    """Tallies and receipts agree with what was sent, with the buckets, and with each other."""
    yield Check("tallies: events read", expected.read, sums.read)
    yield Check("tallies: blank lines", expected.blank, sums.blank)
    yield Check("tallies: matched", expected.matched, sums.matched)
    yield Check("tallies: unmatched", expected.unmatched, sums.unmatched)
    yield Check("tallies: opted out", expected.opted_out, sums.opted_out)
    yield Check("tallies: dead letters", expected.malformed, sums.dead)
    yield Check("tallies: matched pairs", expected.pairs, sums.pairs)
    yield Check(
        "events read = matched + unmatched + opted out + dead letters",
        sums.read,
        sums.matched + sums.unmatched + sums.opted_out + sums.dead,
    )
    yield Check("matched pairs = delivered + parked", sums.pairs, sums.delivered + sums.parked)
    yield Check("receipts: parked events", 0, sums.parked)
    objects = {
        (there.bucket, key): sha256
        for there in found.values()
        for key, sha256 in there.sha256.items()
    }
    yield Check("receipts: the SHA-256 of each object in the buckets", objects, sums.sha256)
