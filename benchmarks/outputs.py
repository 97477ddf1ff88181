"""What a program delivered, read back with Python's own gzip."""

import gzip
from pathlib import Path
from typing import NamedTuple

Key = tuple[str, str]
"""Destination, and start of the window as file names have it."""


class Content(NamedTuple):
    """A sum over lines, in whatever order.

    Attributes:
        events: How many.
        check: The sum of their hashes: it is the same in this process, and in no other, for the
            same lines as many times.
    """

    events: int = 0
    check: int = 0


def delivered(folder: Path) -> dict[Key, Content]:
    """The lines of each destination and window."""
    contents: dict[Key, Content] = {}
    for path in folder.rglob("*.ndjson.gz"):
        destination, start = path.name.removesuffix(".ndjson.gz").split("_")[:2]
        with gzip.open(path) as file:
            hashes = list(map(hash, file))
        known = contents.get((destination, start), Content())
        contents[destination, start] = Content(
            known.events + len(hashes), known.check + sum(hashes)
        )
    return contents


def total(path: Path) -> Content:
    """All lines of a plain file."""
    events = check = 0
    with path.open("rb") as file:
        for line in file:
            events += 1
            check += hash(line)
    return Content(events, check)
