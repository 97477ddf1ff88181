"""What a verification finds: defects, what is missing, and the sums of each destination."""

from typing import Final, Literal, NamedTuple

import msgspec

from transforms.manifests import Listed, Manifest
from transforms.object_names import ObjectName
from transforms.parked import Parked

DefectKind = Literal[
    "object removed",
    "unlisted object",
    "sha256 differs",
    "bytes differ",
    "damaged object",
    "unreadable object",
    "not UTF-8",
    "not a JSON object",
    "last line open",
    "events differ",
    "raw bytes differ",
    "conflicting manifests",
    "damaged manifest",
    "misplaced manifest",
    "events unaccounted for",
    "missing object not parked",
    "parked object not listed",
    "tally does not add up",
    "dead letters differ",
    "damaged record",
]
"""The names of all defects, which are stable.

`sha256 differs` says in `found` why the object cannot be unpacked, where it cannot; `damaged
object` is one that holds just the bytes that its manifest lists. A length that differs is part of
`sha256 differs`; `bytes differ` stands alone only where the digests agree, and so with raw bytes
and `events differ`. The last six speak of the ops path.
"""

MissingKind = Literal["object", "manifest"]


class Defect(msgspec.Struct, frozen=True):
    """One thing that is wrong.

    Attributes:
        destination: Whose; empty where that is not known.
        url: Where: an object's or a manifest's URL, or the run that does not add up.
    """

    kind: DefectKind
    destination: str
    url: str
    expected: str
    found: str


class Missing(msgspec.Struct, frozen=True):
    """What was refused and is parked: no defect, but not delivered.

    Attributes:
        found: What is in its place.
    """

    kind: MissingKind
    destination: str
    url: str
    events: int
    found: str


class Row(msgspec.Struct):
    """The sums of one destination in one place.

    Attributes:
        windows: Windows that its manifests name.
        objects: Listed objects that are there; `listed_objects` is how many should be.
        events: Lines found in them; `listed_events` is how many there should be.
        stored_bytes: Their length.
        missing_events: Events in objects that are parked.
        defects: How many are its own.
        remark: Why it was not verified; empty where it was.
    """

    destination: str
    where: str
    windows: int = 0
    manifests: int = 0
    objects: int = 0
    events: int = 0
    stored_bytes: int = 0
    raw_bytes: int = 0
    listed_objects: int = 0
    listed_events: int = 0
    missing_objects: int = 0
    missing_events: int = 0
    defects: int = 0
    remark: str = ""


class Known(msgspec.Struct):
    """What the manifests say of one object, all of them together.

    Attributes:
        key: Where it is, in the tree.
        manifest: The first that lists it.
        delivered: Whether any lists it under `objects`, and not only under `missing`.
    """

    key: str
    destination: str
    run: str
    revision: str
    listed: Listed
    manifest: str
    delivered: bool


class ParkedManifest(NamedTuple):
    """A manifest that its bucket refused: what it lists is delivered, but nobody is told so."""

    head: Parked
    manifest: Manifest


class Verification(msgspec.Struct):
    """All that was found.

    Attributes:
        known: By URL, the objects that manifests list; for comparing with the ops path.
        root: What the URLs of the place begin with; empty for a copy, which may stand for any; and
            `None` where it cannot be read.
    """

    rows: list[Row]
    defects: list[Defect]
    missing: list[Missing]
    known: dict[str, Known]
    root: str | None = None


class Neighbours(msgspec.Struct, frozen=True):
    """Whose objects below a place are not the place's own; all others there are looked at.

    Folders are below the place and end with a slash; an empty one is all of the place.

    Attributes:
        destinations: Others of the configuration, each with the folder that its objects lie below.
        folders: Those that are looked at on their own.
    """

    destinations: dict[str, str] = {}
    folders: tuple[str, ...] = ()


class Scope(msgspec.Struct, frozen=True):
    """Which objects are looked at; others are not this verification's business.

    Attributes:
        destinations: `None` for all that is there, also what has no name of ours.
        runs: `None` for all runs.
        neighbours: Where it is given, also what is of no destination that is known is looked at,
            unless it is a neighbour's.
    """

    destinations: frozenset[str] | None = None
    runs: frozenset[str] | None = None
    neighbours: Neighbours | None = None

    def holds(self, name: ObjectName | None, key: str) -> bool:
        """Whether an object of this name and key, below the place, is looked at."""
        if not (self.runs is None if name is None else self.holds_run(name.run)):
            return False
        if self.destinations is None or (name and name.destination in self.destinations):
            return True
        if self.neighbours is None:
            return False
        home = self.neighbours.destinations.get(name.destination) if name else None
        if home is not None and key.startswith(home):
            return False
        return not key.startswith(self.neighbours.folders)

    def holds_destination(self, destination: str) -> bool:
        """Whether a destination is looked at."""
        return self.destinations is None or destination in self.destinations

    def holds_run(self, run: str) -> bool:
        """Whether a run is looked at."""
        return self.runs is None or run in self.runs


EVERYTHING: Final = Scope()
