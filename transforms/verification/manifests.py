"""Manifests as they are checked: each in itself and in its place, then all of them together."""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import timezone

import msgspec

from transforms.envelope import AwareTime
from transforms.manifests import (
    VERSION,
    Entry,
    Listed,
    Manifest,
    Meta,
    Totals,
    manifest_part,
    totals_of,
)
from transforms.object_names import base, read_name
from transforms.object_tree import ObjectTree
from transforms.records import Target, Window
from transforms.verification.records import Defect, Known


class _Versioned(msgspec.Struct):
    version: int


class ManifestError(ValueError):
    """A manifest that cannot be read: what was expected, and what was found."""

    def __init__(self, expected: str, found: str) -> None:
        super().__init__(f"{expected}: {found}")
        self.expected = expected
        self.found = found


def decode_manifest(content: bytes) -> Manifest:
    """A manifest from its JSON.

    Raises:
        ManifestError: It is none, or of a version to come.
    """
    try:
        version = msgspec.json.decode(content, type=_Versioned).version
        if version != VERSION:
            found = f"version {version} is not known to this program"
            raise ManifestError(f"version {VERSION}", found)
        manifest = msgspec.json.decode(content, type=Manifest)
        window_of(manifest)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ManifestError("a manifest", str(error)) from None
    except RecursionError:
        raise ManifestError("a manifest", "JSON that is nested too deeply") from None
    except OverflowError:
        raise ManifestError("a manifest", "a window outside the years 1 to 9999") from None
    return manifest


def window_of(manifest: Manifest) -> Window:
    """A manifest's window.

    Raises:
        msgspec.ValidationError: Its times are none.
        OverflowError: They are outside the years 1 to 9999 in UTC.
    """
    start, end = (
        msgspec.convert(text, AwareTime).astimezone(timezone.utc)
        for text in msgspec.structs.astuple(manifest.window)
    )
    return Window(int(start.timestamp()), int(end.timestamp()))


def inconsistencies(key: str, manifest: Manifest) -> Iterator[tuple[str, str]]:
    """What in a manifest does not agree with itself or its name, as expected and found."""
    name = base(_proper_key(manifest, "plain"))
    if name != base(key):
        yield f"the name {name}, by what it holds", base(key)
    totals = totals_of(manifest.objects, manifest.missing)
    if manifest.totals != totals:
        yield f"totals {_plain(totals)}, of what it lists", _plain(manifest.totals)
    entries = [Entry(each.url, mandatory=True, meta=Meta(each.bytes)) for each in manifest.objects]
    if manifest.entries != entries:
        yield "entries that are its objects", "others"
    window = window_of(manifest)
    for url, times in Counter(each.url for each in _all_of(manifest)).items():
        if times > 1:
            yield "each object once", f"{url} {times} times"
    for each in _all_of(manifest):
        if not _belongs(each, manifest, window):
            yield "objects of its destination, window and run", each.url


def misplaced(tree: ObjectTree, key: str, manifest: Manifest) -> tuple[str, str] | None:
    """Where a manifest should lie and lies, where that is not the same."""
    parts = key.split("/")
    # A copy may begin anywhere below the prefix: what there is of folders must agree.
    proper = [_proper_key(manifest, layout).split("/")[:-1] for layout in ("plain", "hive")]
    if not any(_ends_alike(parts[:-1], folder) for folder in proper):
        return f"the folder {'/'.join(proper[0])} of its window", tree.url(key)
    for each in _all_of(manifest):
        if tree.url("").startswith("s3://") and each.url != tree.url(_beside(key, each)):
            return f"the folder of {each.url}", tree.url(key)
    return None


def key_of(tree: ObjectTree, manifest_at: str, listed: Listed) -> str:
    """Where in the tree an object should be that a manifest lists."""
    root = tree.url("")
    if root.startswith("s3://") and listed.url.startswith(root):
        return listed.url[len(root) :]
    return _beside(manifest_at, listed)


class Union:
    """All that the manifests list, each object once.

    Attributes:
        known: By key in the tree, what is known of each object.
        defects: Where two manifests tell different things of an object.
    """

    def __init__(self, tree: ObjectTree) -> None:
        self._tree = tree
        self.known: dict[str, Known] = {}
        self.defects: list[Defect] = []

    def add(self, key: str, manifest: Manifest) -> None:
        """One manifest more."""
        self._add(key, manifest, manifest.objects, delivered=True)
        self._add(key, manifest, manifest.missing, delivered=False)

    def _add(
        self, manifest_at: str, manifest: Manifest, listed: Iterable[Listed], *, delivered: bool
    ) -> None:
        url = self._tree.url(manifest_at)
        for each in listed:
            key = key_of(self._tree, manifest_at, each)
            known = self.known.get(key)
            if known is None:
                self.known[key] = Known(
                    key,
                    manifest.destination,
                    manifest.run,
                    manifest.revision,
                    each,
                    url,
                    delivered,
                )
                continue
            known.delivered |= delivered
            if known.listed != each:
                self._conflict(known, each, url)

    def _conflict(self, known: Known, other: Listed, url: str) -> None:
        here, there = _differences(known.listed, other)
        self.defects.append(
            Defect(
                "conflicting manifests",
                known.destination,
                self._tree.url(known.key),
                f"{here} (by {base(known.manifest)})",
                f"{there} (by {base(url)})",
            )
        )


def _all_of(manifest: Manifest) -> Iterator[Listed]:
    yield from manifest.objects
    yield from manifest.missing


def _differences(one: Listed, other: Listed) -> tuple[str, str]:
    pairs = msgspec.structs.asdict(one), msgspec.structs.asdict(other)
    names = [name for name in pairs[0] if pairs[0][name] != pairs[1][name]]
    here, there = (", ".join(f"{name} {fields[name]}" for name in names) for fields in pairs)
    return here, there


def _beside(manifest_at: str, listed: Listed) -> str:
    folder = manifest_at.rpartition("/")[0]
    return f"{folder}/{base(listed.url)}" if folder else base(listed.url)


def _ends_alike(one: list[str], other: list[str]) -> bool:
    length = min(len(one), len(other))
    return one[len(one) - length :] == other[len(other) - length :]


def _proper_key(manifest: Manifest, layout: str) -> str:
    """The key, below a prefix, of a manifest that holds this."""
    target = Target(
        manifest.destination, manifest.run, "", revision=manifest.revision, layout=layout
    )
    return manifest_part(target, window_of(manifest), manifest).key


def _belongs(listed: Listed, manifest: Manifest, window: Window) -> bool:
    name = read_name(listed.url)
    return (
        name is not None
        and not name.is_manifest
        and (name.destination, name.window, name.run, name.revision)
        == (manifest.destination, window, manifest.run, manifest.revision)
        and (name.pane, name.shard, name.part) == (listed.pane, listed.shard, listed.part)
    )


def _plain(totals: Totals) -> str:
    return ", ".join(f"{name} {value:,}" for name, value in msgspec.structs.asdict(totals).items())
