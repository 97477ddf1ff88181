"""What the operator's own records say of each run: tallies, dead letters and parked objects."""

from collections.abc import Iterator
from typing import TypeVar

import msgspec

from transforms.in_order import in_order
from transforms.object_names import ObjectName, read_name
from transforms.object_tree import ObjectGoneError, OpsTree, TreeError
from transforms.ops import DEAD_LETTERS, RECEIPTS, TALLIES
from transforms.parked import HEAD_BYTES, PARKED, Parked, decode_parked, parked_head
from transforms.records import Receipt, Tally
from transforms.verification.content import split_lines, unpacked
from transforms.verification.manifests import decode_manifest
from transforms.verification.records import Defect, ParkedManifest, Scope

T = TypeVar("T")


class Account(msgspec.Struct):
    """What is known of one run.

    Attributes:
        tallies: By block (source, first), its tally; by revision, since a run that was repeated
            with another configuration counted all blocks anew.
        dead_letters: One number for each, of its source and position: a replay adds none.
    """

    tallies: dict[tuple[str, int], dict[str, Tally]] = {}
    dead_letters: set[int] = set()


class OpsRecords(msgspec.Struct):
    """All records in scope.

    Attributes:
        accounts: By run.
        parked: Objects of events that their buckets refused, by URL.
        parked_manifests: The same of manifests.
        defects: Records that cannot be read.
    """

    accounts: dict[str, Account] = {}
    parked: dict[str, Parked] = {}
    parked_manifests: list[ParkedManifest] = []
    defects: list[Defect] = []


class _Letter(msgspec.Struct):
    source: str
    position: int


def read_ops(tree: OpsTree, scope: Scope) -> OpsRecords:
    """Reads an ops path.

    Args:
        tree: The ops path.
        scope: The runs to read of; parked objects also by their destinations.

    Raises:
        TreeError: It cannot be read, or it is no ops path.
    """
    records = OpsRecords()
    for name, tallies in _records(tree, TALLIES, Tally, scope, records.defects):
        known = records.accounts.setdefault(name.run, Account()).tallies
        for tally in tallies:
            known.setdefault((tally.source, tally.first), {})[name.revision] = tally
    if not records.accounts and not records.defects:
        of_runs = f" of the run {', '.join(sorted(scope.runs))}" if scope.runs else ""
        raise TreeError(
            f"{tree.url(TALLIES)}: there are no tallies{of_runs}: is this the run's ops path?"
        )
    for name, letters in _records(tree, DEAD_LETTERS, _Letter, scope, records.defects):
        account = records.accounts.setdefault(name.run, Account())
        account.dead_letters.update(hash((each.source, each.position)) for each in letters)
    _read_parked(tree, scope, records)
    return records


def read_receipts(tree: OpsTree, scope: Scope, defects: list[Defect]) -> Iterator[Receipt]:
    """The receipts of objects of events, one at a time; those of a replay come again.

    Args:
        tree: The ops path.
        scope: The runs to read of.
        defects: Get what cannot be read.
    """
    for _, receipts in _records(tree, RECEIPTS, Receipt, scope, defects):
        yield from (each for each in receipts if each.kind == "events" and each.events)


def _records(
    tree: OpsTree, folder: str, kind: type[T], scope: Scope, defects: list[Defect]
) -> Iterator[tuple[ObjectName, list[T]]]:
    """The records of each object in a folder whose run is in scope."""

    def read(item: tuple[str, ObjectName]) -> tuple[str, ObjectName, list[T] | ValueError]:
        key, name = item
        try:
            lines = split_lines(unpacked(tree.chunks(key), name.compression))
            return key, name, [decode(line) for line, _ in lines]
        except ValueError as error:
            return key, name, error

    decode = msgspec.json.Decoder(kind).decode
    for key, name, found in in_order(read, _named(tree, folder, scope)):
        if isinstance(found, ValueError):
            defects.append(_damaged(tree, key, "lines of JSON, packed", found))
        else:
            yield name, found


def _named(tree: OpsTree, folder: str, scope: Scope) -> Iterator[tuple[str, ObjectName]]:
    for key, _ in tree.list(f"{folder}/"):
        name = read_name(key)
        if name is not None and scope.holds_run(name.run):
            yield key, name


def _read_parked(tree: OpsTree, scope: Scope, records: OpsRecords) -> None:
    def read(key: str) -> tuple[str, Parked | ParkedManifest | ValueError | None]:
        try:
            head = parked_head(tree.head(key, HEAD_BYTES))
            if head.kind != "manifest":
                return key, head
            return key, ParkedManifest(head, decode_manifest(decode_parked(tree.read(key))[1]))
        except ValueError as error:
            return key, error
        except ObjectGoneError:  # a redrive has moved it meanwhile
            return key, None

    keys = (key for key, _ in tree.list(f"{PARKED}/"))
    for key, found in in_order(read, keys):
        if isinstance(found, ValueError):
            records.defects.append(_damaged(tree, key, "a parked object", found))
            continue
        if found is None:
            continue
        head = found.head if isinstance(found, ParkedManifest) else found
        if not (scope.holds_run(head.run) and scope.holds_destination(head.destination)):
            continue
        if isinstance(found, ParkedManifest):
            records.parked_manifests.append(found)
        else:
            records.parked[f"s3://{head.bucket}/{head.key}"] = found


def _damaged(tree: OpsTree, key: str, expected: str, error: ValueError) -> Defect:
    return Defect("damaged record", "", tree.url(key), expected, str(error))
