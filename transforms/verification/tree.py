"""verify: what lies under a prefix, against the union of its manifests.

`verify_tree` is the whole of it, pure but for what the tree reads. It takes any `ObjectTree`, such
as `S3Bucket(client, bucket, prefix)` or `FolderTree(path)`.
"""

from collections.abc import Collection, Iterable, Iterator

from transforms.in_order import in_order
from transforms.object_names import read_name
from transforms.object_tree import ObjectGoneError, ObjectTree, UnreadableObjectError
from transforms.verification.content import Content, read_content
from transforms.verification.findings import Findings
from transforms.verification.manifests import (
    ManifestError,
    Union,
    decode_manifest,
    inconsistencies,
    misplaced,
)
from transforms.verification.records import EVERYTHING, Missing, ParkedManifest, Scope, Verification


class Progress:
    """How far it has come, for a display in another thread; of several trees it is the sum."""

    def __init__(self) -> None:
        self.objects = 0
        self.of_objects = 0
        self.bytes = 0
        self.of_bytes = 0


def verify_tree(
    tree: ObjectTree,
    scope: Scope = EVERYTHING,
    parked_manifests: Iterable[ParkedManifest] = (),
    progress: Progress | None = None,
) -> Verification:
    """Checks everything in a tree that is in scope: each object is read to its end.

    Args:
        tree: The place.
        scope: What of it.
        parked_manifests: Those that their bucket refused, from the ops path.
        progress: Is told how far it has come.

    Raises:
        TreeError: The place cannot be read.
    """
    progress = progress or Progress()
    findings, union = Findings(tree), Union(tree)
    there, manifests = _list(tree, scope)
    progress.of_objects += len(there)
    progress.of_bytes += sum(there.values())
    for key, content in in_order(lambda key: (key, _whole(tree, key)), manifests):
        _add_manifest(tree, key, content, findings, union)
    for key, parked in _parked_here(tree, scope, parked_manifests, frozenset(manifests)):
        _add_parked(tree.url(key), parked, findings)
        union.add(key, parked.manifest)
    _check_objects(tree, there, findings, union, progress)
    return findings.verification(union.known, union.defects)


def _list(tree: ObjectTree, scope: Scope) -> tuple[dict[str, int], list[str]]:
    """The lengths of all objects by their keys, but for the manifests; and those, in order."""
    there: dict[str, int] = {}
    manifests: list[str] = []
    for key, size in tree.list():
        name = read_name(key)
        if not scope.holds(name, key):
            continue
        if name is not None and name.is_manifest:
            manifests.append(key)
        else:
            there[key] = size
    return there, sorted(manifests)


def _whole(tree: ObjectTree, key: str) -> bytes | UnreadableObjectError:
    try:
        return b"".join(tree.chunks(key))
    except UnreadableObjectError as error:
        return error


def _add_manifest(
    tree: ObjectTree,
    key: str,
    content: bytes | UnreadableObjectError,
    findings: Findings,
    union: Union,
) -> None:
    name = read_name(key)
    destination = name.destination if name else ""
    findings.row(destination).manifests += 1
    if isinstance(content, UnreadableObjectError):
        findings.add_defect("unreadable object", destination, key, "a manifest", str(content))
        return
    try:
        manifest = decode_manifest(content)
    except ManifestError as error:
        findings.add_defect("damaged manifest", destination, key, error.expected, error.found)
        return
    for expected, found in inconsistencies(key, manifest):
        findings.add_defect("damaged manifest", destination, key, expected, found)
    if place := misplaced(tree, key, manifest):
        findings.add_defect("misplaced manifest", destination, key, *place)
    findings.add_window(manifest)
    union.add(key, manifest)


def _parked_here(
    tree: ObjectTree, scope: Scope, parked: Iterable[ParkedManifest], there: Collection[str]
) -> Iterator[tuple[str, ParkedManifest]]:
    """The parked manifests that belong into a tree, by the keys that they would have."""
    root = tree.url("")
    for each in parked:
        url = f"s3://{each.head.bucket}/{each.head.key}"
        key = url.removeprefix(root)
        # What a redrive has put but not yet moved away is there.
        if url.startswith(root) and key not in there and scope.holds(read_name(url), key):
            yield key, each


def _add_parked(url: str, parked: ParkedManifest, findings: Findings) -> None:
    head, manifest = parked
    events, why = manifest.totals.events, f"parked: {head.error}"
    findings.add_missing(Missing("manifest", manifest.destination, url, events, why))
    findings.add_window(manifest)


def _check_objects(
    tree: ObjectTree,
    there: dict[str, int],
    findings: Findings,
    union: Union,
    progress: Progress,
) -> None:
    """Reads what is there and listed, several at once, and judges all in the order of the keys."""

    def read(key: str) -> Content | str | None:
        progress.objects += key in there
        known = union.known.get(key)
        return _read(tree, key, progress) if known and key in there else None

    keys = sorted(union.known.keys() | there.keys())
    for key, content in zip(keys, in_order(read, keys), strict=True):
        known = union.known.get(key)
        if known is not None:
            findings.add_listed(known, content)
            continue
        name = read_name(key)
        destination = name.destination if name else ""
        findings.add_defect(
            "unlisted object", destination, key, "a manifest that lists it", "none that does"
        )


def _read(tree: ObjectTree, key: str, progress: Progress) -> Content | str | None:
    """What an object holds; why it cannot be read; or `None` where it is gone."""

    def counted() -> Iterator[bytes]:
        for chunk in tree.chunks(key):
            progress.bytes += len(chunk)
            yield chunk

    name = read_name(key)
    try:
        return read_content(counted(), name.compression if name else "none")
    except ObjectGoneError:
        return None
    except UnreadableObjectError as error:
        return str(error)
