import gzip
from typing import Any

import msgspec
import pytest

from tests.small_prefix import (
    FIRST,
    SECOND,
    WINDOW,
    MemoryTree,
    SmallPrefix,
    clean,
    raw_lines,
)
from tests.small_prefix import target as target_of
from transforms.dead_letters import dead_letter_line
from transforms.object_tree import TreeError
from transforms.parked import encode_parked, parked, parked_key
from transforms.records import DeadLetter, Part, Receipt, Tally
from transforms.store import Failure
from transforms.verification.ops import Comparison, Verified, compare
from transforms.verification.ops_records import OpsRecords, read_ops, read_receipts
from transforms.verification.records import EVERYTHING, Defect, Scope
from transforms.verification.tree import verify_tree

RUN = "abcd2345"
SPAN = "20261120T100000Z_20261120T101000Z"


class MemoryOps(MemoryTree):
    """An ops path in memory."""

    def __init__(self) -> None:
        super().__init__({}, "/ops/")

    def read(self, key: str) -> bytes:
        return self.objects[key]

    def head(self, key: str, length: int) -> bytes:
        return self.objects[key][:length]

    def move(self, key: str, new_key: str) -> None:
        self.objects[new_key] = self.objects.pop(key)

    def add(self, folder: str, lines: list[bytes], run: str = RUN, revision: str = "aaaa") -> None:
        number = len(self.objects)
        name = f"{folder}_{SPAN}_{run}-{revision}_p{number}_00000-of-00001.ndjson.gz"
        body = gzip.compress(b"".join(line + b"\n" for line in lines))
        self.objects[f"{folder}/2026/11/20/10/{name}"] = body

    def park(self, prefix: SmallPrefix, key: str, raw: bytes) -> str:
        target = prefix.target
        part = Part(target, WINDOW, 0, 0, f"logs/{key}", raw, raw.count(b"\n"), len(raw))
        head = parked(part, "", "", {}, Failure("no", transient=False))
        at = parked_key(target.bucket, None, part.key, target.destination)
        self.objects[at] = encode_parked(head, raw)
        return at


def tally(pairs: int, first: int = 0, **fields: Any) -> bytes:  # noqa: ANN401 - any field
    counted = Tally("in", first, pairs, 0, pairs, 0, 0, {}, {"acme-web": pairs})
    return msgspec.json.encode(msgspec.structs.replace(counted, **fields))


def letter(position: int) -> bytes:
    return dead_letter_line(DeadLetter("in", position, "parse", "malformed", "", b"x"), RUN)


def compared(
    ops: MemoryOps, prefix: SmallPrefix, names: tuple[str, ...] = ("acme-web",)
) -> Comparison:
    records = read_ops(ops, EVERYTHING)
    found = verify_tree(MemoryTree(prefix.objects))
    assert found.root is not None
    verified = Verified(found.known, names, [found.root])
    return compare(records, verified, lambda: read_receipts(ops, EVERYTHING, records.defects))


def defects(
    ops: MemoryOps, prefix: SmallPrefix, names: tuple[str, ...] = ("acme-web",)
) -> list[Defect]:
    return compared(ops, prefix, names).defects


def receipts(**fields: Any) -> list[bytes]:  # noqa: ANN401 - any field
    """Of two objects of 5 and 4 events."""
    made = SmallPrefix(target_of(**fields))
    made.put(0, raw_lines(0, 5))
    made.put(1, raw_lines(5, 4))
    return [msgspec.json.encode(each) for each in made.receipts]


def test_what_adds_up_has_no_defects_and_a_replayed_tally_counts_once() -> None:
    ops = MemoryOps()
    ops.add("tallies", [tally(5), tally(4, 100, read=6, dead_letters={"malformed": 2})])
    ops.add("tallies", [tally(5)])
    ops.add("dead_letters", [letter(7), letter(9)])
    ops.add("dead_letters", [letter(7)])
    assert defects(ops, clean()) == []


@pytest.mark.parametrize("pairs", [8, 10])
def test_events_that_were_read_but_not_listed_are_a_defect(pairs: int) -> None:
    ops = MemoryOps()
    ops.add("tallies", [tally(pairs)])
    expected = f"{pairs}, by the tallies"
    found = "9 in listed objects + 0 missing"
    assert defects(ops, clean()) == [
        Defect("events unaccounted for", "acme-web", f"run {RUN}", expected, found)
    ]
    assert defects(ops, clean(), ()) == []  # of no destination that was read


def test_a_run_without_tallies_is_not_compared() -> None:
    ops = MemoryOps()
    ops.add("tallies", [tally(9)])
    prefix = clean()
    prefix.objects |= clean(run="otherrun").objects
    found = compared(ops, prefix)
    assert found.defects == []
    assert found.notes == ["no tallies of run otherrun here: not compared"]


@pytest.mark.parametrize("place", [{"prefix": "old"}, {"bucket": "old-bucket"}])
def test_what_went_to_another_place_is_not_compared(place: dict[str, str]) -> None:
    ops = MemoryOps()
    ops.add("tallies", [tally(9)])
    ops.add("receipts", receipts(**place))
    found = compared(ops, SmallPrefix())
    assert found.defects == []
    folder = f"s3://{place.get('bucket', 'acme-bucket')}/{place.get('prefix', 'logs')}"
    assert found.notes == [
        f"not compared: run {RUN} of acme-web lies elsewhere: {folder}/2026/11/20/10/"
    ]
    assert defects(ops, clean()) == []


def test_what_should_lie_here_is_missed_though_more_of_its_run_lies_elsewhere() -> None:
    ops = MemoryOps()
    ops.add("tallies", [tally(18)])
    ops.add("receipts", [*receipts(prefix="old"), *receipts()])
    assert defects(ops, clean()) == []
    [defect] = defects(ops, SmallPrefix())
    assert defect.kind == "events unaccounted for"
    assert defect.found == f"9 in none, such as s3://acme-bucket/logs/{FIRST}"


def test_what_should_lie_here_by_its_receipts_is_compared() -> None:
    ops = MemoryOps()
    ops.add("tallies", [tally(9)])
    ops.add("receipts", receipts())
    [defect] = defects(ops, SmallPrefix())
    assert defect.expected == "9, by the tallies"


def test_receipts_are_those_of_events_and_a_damaged_one_is_named() -> None:
    ops = MemoryOps()
    ops.add("tallies", [tally(9)])
    manifest = msgspec.json.decode(receipts(prefix="old")[0], type=Receipt)
    manifest = msgspec.structs.replace(manifest, kind="manifest")
    ops.add("receipts", [msgspec.json.encode(manifest)])
    ops.add("receipts", [b'{"destination"'])
    kinds = [defect.kind for defect in defects(ops, SmallPrefix())]
    assert kinds == ["damaged record", "events unaccounted for"]


def test_a_parked_object_of_another_place_is_not_missed() -> None:
    ops = MemoryOps()
    ops.add("tallies", [tally(9)])
    ops.park(SmallPrefix(target_of(bucket="old-bucket")), FIRST, raw_lines(0, 1))
    found = defects(ops, clean())
    assert found == []


def test_a_tally_that_does_not_add_up_is_named() -> None:
    ops = MemoryOps()
    ops.add("tallies", [tally(9, read=10)])
    [defect] = defects(ops, clean())
    assert (defect.kind, defect.url) == ("tally does not add up", f"run {RUN}, in at 0")


@pytest.mark.parametrize("positions", [[7], [7, 8, 9]])
def test_dead_letters_are_as_many_as_the_tallies_say(positions: list[int]) -> None:
    ops = MemoryOps()
    ops.add("tallies", [tally(9, read=11, dead_letters={"malformed": 2})])
    ops.add("dead_letters", [letter(position) for position in positions])
    [defect] = defects(ops, clean())
    assert (defect.kind, defect.expected) == ("dead letters differ", "2, by the tallies")
    assert defect.found == f"{len(positions)} in dead_letters/"


def test_a_run_that_was_repeated_by_another_configuration_may_agree_with_either() -> None:
    ops = MemoryOps()
    ops.add("tallies", [tally(5), tally(4, 100)], revision="aaaa")
    ops.add("tallies", [tally(2), tally(4, 100)], revision="bbbb")
    assert defects(ops, clean()) == []
    ops.objects.popitem()
    ops.objects.popitem()
    ops.add("tallies", [tally(2), tally(4, 100)], revision="bbbb")
    ops.add("tallies", [tally(1), tally(4, 100)], revision="cccc")
    [defect] = defects(ops, clean())
    assert defect.expected == "5 or 6, by the tallies"


def test_blocks_of_a_stream_whose_configuration_changed_are_added_up() -> None:
    ops = MemoryOps()
    ops.add("tallies", [tally(5)], revision="aaaa")
    ops.add("tallies", [tally(4, 100)], revision="bbbb")
    assert defects(ops, clean()) == []


def test_nothing_delivered_is_never_what_was_meant() -> None:
    ops = MemoryOps()
    ops.add("tallies", [tally(0)], revision="aaaa")
    ops.add("tallies", [tally(9)], revision="bbbb")
    [defect] = defects(ops, SmallPrefix())
    assert defect.kind == "events unaccounted for"


def test_a_missing_object_is_parked_and_a_parked_one_missing_or_delivered() -> None:
    ops = MemoryOps()
    ops.add("tallies", [tally(9)])
    prefix = SmallPrefix()
    prefix.put(0, raw_lines(0, 5))
    prefix.put(1, raw_lines(5, 4), "parked")
    prefix.list()
    [defect] = defects(ops, prefix)
    assert (defect.kind, defect.url) == (
        "missing object not parked",
        f"s3://acme-bucket/logs/{SECOND}",
    )
    second = ops.park(prefix, SECOND, raw_lines(5, 4))
    assert defects(ops, prefix) == []
    prefix.put(1, raw_lines(5, 4))
    prefix.list(redriven=True)
    assert defects(ops, prefix) == []  # delivered, not yet moved away
    ops.move(second, second.replace("parked/", "redriven/"))
    assert defects(ops, prefix) == []
    ops.park(prefix, FIRST.replace("_p0_", "_p1_"), raw_lines(0, 1))
    [defect] = defects(ops, prefix)
    assert defect.kind == "parked object not listed"


def test_a_record_that_cannot_be_read_is_named() -> None:
    ops = MemoryOps()
    ops.add("tallies", [tally(9)])
    ops.add("tallies", [b'{"source"'])
    ops.objects["parked/acme-web/a.avro"] = b"Obj"
    found = [(defect.kind, defect.url) for defect in defects(ops, clean())]
    assert [kind for kind, _ in found] == ["damaged record", "damaged record"]
    assert found[1][1] == "/ops/parked/acme-web/a.avro"


def test_only_runs_in_scope_are_read() -> None:
    ops = MemoryOps()
    ops.add("tallies", [tally(9)])
    ops.add("tallies", [tally(1)], run="otherrun")
    read: OpsRecords = read_ops(ops, Scope(None, frozenset({RUN})))
    assert list(read.accounts) == [RUN]


def test_what_is_no_ops_path_is_said() -> None:
    with pytest.raises(TreeError, match="/ops/tallies: there are no tallies"):
        read_ops(MemoryOps(), EVERYTHING)
