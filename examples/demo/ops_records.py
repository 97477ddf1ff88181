"""The sums of a run, from the tallies and receipts in the operator's own folder."""

import gzip
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

_PARKED: Final = "parked"


@dataclass(frozen=True)
class Sums:
    """What tallies and receipts say together.

    Attributes:
        read: Events read.
        blank: Lines without anything.
        matched: Events for one destination or more.
        unmatched: Events for none.
        opted_out: Events that went nowhere because they said so.
        dead_letters: Records that could not be delivered, by reason.
        pairs: Events by destination.
        delivered: Events in objects that were put.
        parked: Events in objects that their bucket refused.
        sha256: What the receipts say of each object of events, by bucket and key.
    """

    read: int
    blank: int
    matched: int
    unmatched: int
    opted_out: int
    dead_letters: dict[str, int]
    pairs: int
    delivered: int
    parked: int
    sha256: dict[tuple[str, str], str]

    @property
    def dead(self) -> int:
        """All dead letters."""
        return sum(self.dead_letters.values())


def read_sums(ops_path: Path) -> Sums:
    """Sums up; what is there twice, since a bundle was retried, counts once."""
    tallies = _collapse(_records(ops_path / "tallies"), "source", "first")
    receipts = _collapse(_records(ops_path / "receipts"), "bucket", "key")
    dead_letters: Counter[str] = Counter()
    for tally in tallies:
        dead_letters.update(tally["dead_letters"])
    parked = sum(receipt["events"] for receipt in receipts if receipt["status"] == _PARKED)
    return Sums(
        read=_total(tallies, "read"),
        blank=_total(tallies, "blank"),
        matched=_total(tallies, "matched"),
        unmatched=_total(tallies, "unmatched"),
        opted_out=_total(tallies, "opted_out"),
        dead_letters=dict(dead_letters),
        pairs=sum(sum(tally["pairs"].values()) for tally in tallies),
        delivered=_total(receipts, "events") - parked,
        parked=parked,
        sha256={
            (receipt["bucket"], receipt["key"]): receipt["sha256"]
            for receipt in receipts
            if receipt["status"] != _PARKED and receipt["kind"] == "events"
        },
    )


def _records(folder: Path) -> Iterator[dict[str, Any]]:
    for path in sorted(folder.rglob("*.ndjson.gz")):
        with gzip.open(path) as file:
            for line in file:
                yield json.loads(line)


def _collapse(records: Iterator[dict[str, Any]], *identity: str) -> list[dict[str, Any]]:
    return list({tuple(record[name] for name in identity): record for record in records}.values())


def _total(records: list[dict[str, Any]], name: str) -> int:
    return sum(record[name] for record in records)
