"""The findings of one tree, as they are collected."""

from transforms.manifests import Manifest
from transforms.object_tree import ObjectTree
from transforms.verification.content import Content
from transforms.verification.records import Defect, DefectKind, Known, Missing, Row, Verification
from transforms.verification.stored_object import faults


class Findings:
    """Collects what is found in a tree, with the sums of each destination."""

    def __init__(self, tree: ObjectTree) -> None:
        self._tree = tree
        self._rows: dict[str, Row] = {}
        self._windows: set[tuple[str, str]] = set()
        self._defects: list[Defect] = []
        self._missing: list[Missing] = []

    def row(self, destination: str) -> Row:
        """The sums of a destination; an empty name stands for none that is known."""
        return self._rows.setdefault(destination, Row(destination, self._tree.url("")))

    def add_defect(
        self, kind: DefectKind, destination: str, key: str, expected: str, found: str
    ) -> None:
        """One defect more, of an object or a manifest of this key."""
        self._defects.append(Defect(kind, destination, self._tree.url(key), expected, found))

    def add_window(self, manifest: Manifest) -> None:
        """The window of a manifest, once for all manifests of it."""
        window = (manifest.destination, manifest.window.start)
        if window not in self._windows:
            self._windows.add(window)
            self.row(manifest.destination).windows += 1

    def add_missing(self, missing: Missing) -> None:
        """What is parked."""
        self._missing.append(missing)

    def add_listed(self, known: Known, content: Content | str | None) -> None:
        """An object that manifests list.

        Args:
            known: What they say.
            content: What it holds; why it cannot be read; or `None` where there is none.
        """
        if known.delivered:
            self._add_delivered(known, content)
        else:
            self._add_parked(known, content)
        if isinstance(content, Content):
            for kind, expected, found in faults(known.listed, content):
                self.add_defect(kind, known.destination, known.key, expected, found)
        elif content is not None:
            expected = "an object to read"
            self.add_defect("unreadable object", known.destination, known.key, expected, content)

    def verification(self, known: dict[str, Known], defects: list[Defect]) -> Verification:
        """All of it, with the defects of the manifests among each other."""
        every = [*self._defects, *defects]
        for defect in every:
            self.row(defect.destination).defects += 1
        rows = [self._rows[name] for name in sorted(self._rows)]
        by_url = {each.listed.url: each for each in known.values()}
        url = self._tree.url("")
        root = url if url.startswith("s3://") else ""
        return Verification(rows, sorted(every, key=_place), self._missing, by_url, root)

    def _add_delivered(self, known: Known, content: Content | str | None) -> None:
        row = self.row(known.destination)
        row.listed_objects += 1
        row.listed_events += known.listed.events
        if isinstance(content, Content):
            row.objects += 1
            row.events += content.events
            row.stored_bytes += content.stored_bytes
            row.raw_bytes += content.raw_bytes
        elif content is None:
            expected = f"an object of {known.listed.events:,} events"
            self.add_defect("object removed", known.destination, known.key, expected, "nothing")

    def _add_parked(self, known: Known, content: Content | str | None) -> None:
        row = self.row(known.destination)
        row.missing_objects += 1
        row.missing_events += known.listed.events
        found = "nothing" if content is None else "the object, which no manifest counts as there"
        url, events = self._tree.url(known.key), known.listed.events
        self._missing.append(Missing("object", known.destination, url, events, found))


def _place(defect: Defect) -> tuple[str, str]:
    # Sorting is stable: defects of one object stay in the order in which they were found.
    return defect.destination, defect.url
