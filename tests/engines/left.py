"""What a job over a stream left, held against what was produced."""

import gzip
import hashlib
import json
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any, NamedTuple

from tests.engines.steady import DESTINATIONS, Steady

Place = tuple[str, str]
"""Bucket and key."""


class Left(NamedTuple):
    """What a job left.

    Attributes:
        stored: What the buckets hold.
        parked: What waits in the ops path to be put there.
        ops: The ops path.
    """

    stored: dict[Place, bytes]
    parked: dict[Place, bytes]
    ops: Path

    def listed(self) -> tuple[dict[Place, dict[str, Any]], dict[Place, dict[str, Any]]]:
        """What all manifests together call delivered, and what else they miss.

        A manifest that is parked counts: it is delivered with what it lists.
        """
        objects: dict[Place, dict[str, Any]] = {}
        missing: dict[Place, dict[str, Any]] = {}
        for place, body in {**self.stored, **self.parked}.items():
            if _is_manifest(place):
                manifest = json.loads(body)
                for each in manifest["objects"]:
                    objects[_place(each["url"])] = each
                for each in manifest["missing"]:
                    missing[_place(each["url"])] = each
        return objects, {place: each for place, each in missing.items() if place not in objects}

    def by_manifests(self) -> dict[str, Counter[int]]:
        """By destination, how often each number is in an object that the manifests speak of.

        Raises:
            AssertionError: An object is not there, or is not what its manifest says.
        """
        objects, missing = self.listed()
        found = _of_each_destination()
        for place, each in {**missing, **objects}.items():
            body = self.stored[place] if place in objects else self.parked[place]
            assert hashlib.sha256(body).hexdigest() == each["sha256"], place
            found[_destination(place)].update(numbers(place, body))
        return found

    def by_listing(self) -> dict[str, Counter[int]]:
        """The same for all objects in the buckets, whatever a manifest says."""
        found = _of_each_destination()
        for place, body in self.stored.items():
            if not _is_manifest(place):
                found[_destination(place)].update(numbers(place, body))
        return found

    def manifests(self, part: str) -> list[dict[str, Any]]:
        """The manifests in the buckets whose keys have this in them, in the order of their keys."""
        places = [
            place for place in sorted(self.stored) if _is_manifest(place) and part in place[1]
        ]
        return [json.loads(self.stored[place]) for place in places]

    def orphans(self) -> set[Place]:
        """Objects in the buckets that no manifest speaks of."""
        objects, missing = self.listed()
        return {
            place
            for place in self.stored
            if not _is_manifest(place) and place not in objects and place not in missing
        }

    def altered(self) -> set[Place]:
        """Objects in the buckets that are not what their manifest says."""
        objects, _ = self.listed()
        return {
            place
            for place, each in objects.items()
            if hashlib.sha256(self.stored.get(place, b"")).hexdigest() != each["sha256"]
        }

    def ops_lines(self, name: str) -> list[dict[str, Any]]:
        """The operator's own records of one kind."""
        files = sorted((self.ops / name).rglob("*.gz"))
        return [json.loads(line) for file in files for line in gzip.open(file)]


def _of_each_destination() -> "defaultdict[str, Counter[int]]":
    return defaultdict(Counter, {name: Counter() for name in DESTINATIONS})


def missing_and_doubled(found: Counter[int], expected: set[int]) -> tuple[set[int], set[int]]:
    """Which numbers are not there, and which are there more than once."""
    assert found.keys() <= expected, "an event that was for another"
    return expected - found.keys(), {number for number, times in found.items() if times > 1}


def lacking(left: Left, steady: Steady) -> int:
    """How many events of all destinations the manifests do not speak of yet."""
    return _absent(left.by_manifests(), steady)


def unstored(left: Left, steady: Steady) -> int:
    """How many events of all destinations are in no object yet, whatever manifests say."""
    return _absent(left.by_listing(), steady)


def _absent(found: dict[str, Counter[int]], steady: Steady) -> int:
    return sum(len(wanted - found[name].keys()) for name, wanted in steady.expected.items())


def check_law(left: Left, steady: Steady) -> None:
    """Every event exactly once by manifest, or parked, a dead letter, or unmatched."""
    for name, found in left.by_manifests().items():
        lost, doubled = missing_and_doubled(found, steady.expected[name])
        assert (len(lost), len(doubled)) == (0, 0), (name, sorted(lost)[:5], sorted(doubled)[:5])
    letters = {(each["source"], each["position"]) for each in left.ops_lines("dead_letters")}
    assert len(letters) == steady.malformed
    # Where a stream is replayed, a block may be cut elsewhere: its tallies are told twice.
    unmatched = sum(tally["unmatched"] for tally in left.ops_lines("tallies"))
    assert unmatched >= steady.unmatched


def check_sums(left: Left, steady: Steady) -> None:
    """Tallies and receipts count everything once: as a job's own words they add up."""
    tallies, receipts = left.ops_lines("tallies"), left.ops_lines("receipts")
    assert sum(tally["read"] for tally in tallies) == steady.produced
    assert sum(tally["unmatched"] for tally in tallies) == steady.unmatched
    assert len(left.ops_lines("dead_letters")) == steady.malformed
    pairs = sum(sum(tally["pairs"].values()) for tally in tallies)
    assert pairs == sum(map(len, steady.expected.values()))
    assert pairs == sum(receipt["events"] for receipt in receipts)


def numbers(place: Place, body: bytes) -> list[int]:
    """The numbers of an object's events."""
    content = gzip.decompress(body) if place[1].endswith(".gz") else body
    return [json.loads(line)["n"] for line in content.splitlines()]


def _destination(place: Place) -> str:
    return place[1].split("/")[1]


def _is_manifest(place: Place) -> bool:
    return place[1].endswith(".manifest.json")


def _place(url: str) -> Place:
    bucket, _, key = url.removeprefix("s3://").partition("/")
    return bucket, key
