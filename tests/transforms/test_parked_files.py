"""Parked files as they are found: damaged, renamed, or as they were written."""

import random
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from tests.parking import SLOW, TEN, Buckets, Ops, parked_part
from tests.transforms.redrives import NAMES, Redrives
from transforms.folder_tree import FolderTree
from transforms.parked import decode_parked, encode_parked
from transforms.parked_files import find_parked, read_parked
from transforms.records import Part
from transforms.redrive_groups import Outcome
from transforms.store import Failure


def damaged_files(path: Path, part: Part) -> Iterator[bytes]:
    whole = path.read_bytes()
    record, body = decode_parked(whole)
    yield whole.replace(part.body, part.body.replace(b"acme", b"evil"))
    yield encode_parked(record, body + b"x")
    yield encode_parked(msgspec.structs.replace(record, bucket="beta-bucket"), body)
    yield whole[:-30]
    # Only one of the two places that say it.
    at = whole.rindex(b"application/x-ndjson")
    yield whole[:at] + b"application/y-ndjson" + whole[at + 20 :]


@pytest.mark.parametrize("number", range(5))
def test_a_damaged_file_is_put_nowhere_stays_and_says_nothing_of_its_bucket(
    ops: Ops, buckets: Buckets, redrive: Redrives, number: int
) -> None:
    part = parked_part(number=0)
    path = ops.park(part, SLOW)  # the first to be tried
    path.write_bytes(list(damaged_files(path, part))[number])
    with pytest.raises(ValueError, match="damaged"):
        read_parked(f"parked/acme/{path.name}", path.read_bytes())
    good = parked_part(number=1)
    ops.park(good)
    ends = redrive()
    assert ends.get(part.key, Outcome.DAMAGED) is Outcome.DAMAGED
    assert ends[good.key] is Outcome.REDRIVEN
    assert ops.names("parked") == [path.name]
    assert part.key not in buckets.keys("acme-bucket") + buckets.keys("beta-bucket")


def test_whatever_byte_is_damaged_it_is_found_or_makes_no_difference(ops: Ops) -> None:
    part = parked_part()
    path = ops.park(part)
    whole, name = path.read_bytes(), f"parked/acme/{path.name}"
    chance = random.Random(7)
    for _ in range(2000):
        content = bytearray(whole)
        for _ in range(chance.choice((1, 1, 3))):
            content[chance.randrange(len(content))] = chance.randrange(256)
        try:
            record, body = read_parked(name, bytes(content))
        except ValueError:
            continue
        assert (record, body) == decode_parked(whole)


def test_a_file_that_was_renamed_is_taken_for_nobody_s(ops: Ops, redrive: Redrives) -> None:
    path = ops.park(parked_part())
    other = ops.folder / "parked" / "beta" / path.name
    other.parent.mkdir()
    path.rename(other)
    [file] = find_parked(redrive.tree)
    assert file.parked is None
    assert file.damage.startswith("is damaged, or was renamed: what it holds belongs into ")


def test_only_the_named_destinations_are_looked_at(ops: Ops, redrive: Redrives) -> None:
    for name in NAMES:
        ops.park(parked_part(name))
    (ops.folder / "parked" / "acme" / "notes.txt").write_text("not ours")
    assert [file.destination for file in find_parked(redrive.tree, ["beta"])] == ["beta"]
    assert len(list(find_parked(redrive.tree))) == 3


def test_what_was_not_answered_is_not_said_to_be(ops: Ops) -> None:
    silence = Failure("nothing within 5 s", transient=True, answered=False)
    path = ops.park(parked_part(), silence)
    [file] = find_parked(FolderTree(str(ops.folder)))
    assert file.parked is not None
    assert file.parked.failure == silence
    assert read_parked(file.name, path.read_bytes())[0].failure == silence


def test_window_of_a_parked_object_is_the_object_s(ops: Ops) -> None:
    ops.park(parked_part())
    [file] = find_parked(FolderTree(str(ops.folder)))
    assert file.parked is not None
    assert file.parked.window == TEN
