"""Dead letters read again, from the names of their files to what then arrives."""

import gzip
import json
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.job import Job, Reading
from tests.small_job import CONFIGURATION, customers, job_of, ops_lines, run
from transforms.dead_letters import dead_letter_line
from transforms.keys import object_key
from transforms.match import InputFile, match_files
from transforms.ops import DEAD_LETTERS, RECEIPTS, TALLIES, ops_target
from transforms.places import OpsPath
from transforms.read import Segment, read_segment
from transforms.read_dead_letters import is_dead_letter_file, unwrap, writer_of
from transforms.records import Block, DeadLetter, Target, Window
from transforms.store import Folder

NAME = "dead_letters_20261120T100000Z_20261120T101000Z_abcd2345-wxyz_p0_00000-of-00001.ndjson.gz"


def letter(record: bytes, record_time: int | None = 7, position: int = 0) -> DeadLetter:
    return DeadLetter("old.ndjson", position, "parse", "oversized", "too long", record, record_time)


def line(record: bytes, record_time: int | None = 7) -> bytes:
    return dead_letter_line(letter(record, record_time), "abcd2345")


def unwrapped(*lines: bytes, start: int = 0) -> list[Block]:
    return list(unwrap(Block(f"/ops/{NAME}", start, list(lines), start, 99)))


@given(st.integers(0, 10**6), st.integers(0, 999), st.integers(0, 9999), st.sampled_from(["", "p"]))
def test_our_own_dead_letters_are_known_by_their_names(
    window: int, pane: int, part: int, prefix: str
) -> None:
    targets = [
        ops_target(name, "abcd2345", OpsPath(Folder("/ops"), prefix), "{}")
        for name in (DEAD_LETTERS, RECEIPTS, TALLIES)
    ]
    names = [object_key(t, Window(window * 60, window * 60 + 60), pane, part) for t in targets]
    assert [*map(is_dead_letter_file, names)] == [True, False, False]
    assert writer_of(f"/ops/{names[0]}") == "abcd2345"


@pytest.mark.parametrize(
    "name",
    [
        "events.ndjson.gz",
        "dead_letters.ndjson.gz",
        f".{NAME}.0123",
        NAME.replace("dead_letters", "dead-letters"),
        object_key(Target("acme", "abcd2345", "b", revision="wxyz"), Window(0, 60), 0, 0),
    ],
)
def test_nothing_else_is_taken_for_dead_letters(name: str) -> None:
    assert not is_dead_letter_file(name)
    assert not is_dead_letter_file(f"/ops/dead_letters/{name}")


@given(st.lists(st.tuples(st.binary(), st.none() | st.sampled_from([7, 8])), min_size=1))
def test_every_record_has_its_bytes_its_time_and_its_lines_position_again(
    records: list[tuple[bytes, int | None]],
) -> None:
    lines = [line(*each) for each in records]
    content = b"\n".join(lines)
    blocks = unwrapped(*lines, start=64)
    assert [(r, block.record_time) for block in blocks for r in block.lines] == records
    for block in blocks:
        assert (block.start, block.first) == (64, block.record_positions()[0])
        for position, record in zip(block.record_positions(), block.lines, strict=True):
            again = content[position - 64 :].split(b"\n")[0]
            assert unwrapped(again)[0].lines == [record]


def test_a_block_is_cut_only_where_the_record_time_changes() -> None:
    blocks = unwrapped(line(b"a", 7), line(b"b", 7), line(b"c", None), line(b"d", 7))
    assert [(block.lines, block.record_time) for block in blocks] == [
        ([b"a", b"b"], 7),
        ([b"c"], None),
        ([b"d"], 7),
    ]


@pytest.mark.parametrize(
    "other",
    [
        b'{"writeKey":"k"}',
        b"oops",
        b"",
        b'{"record":"x"}',
        line(b"x").replace(b'"record"', b'"other"'),
        line(b"\xff").replace(b'"/w=="', b'"?"'),
        b"[" * 100_000,
    ],
)
def test_a_line_that_is_no_dead_letter_stays_as_it_is_with_the_files_time(other: bytes) -> None:
    blocks = unwrapped(line(b"a", 7), other)
    assert [(block.lines, block.record_time) for block in blocks] == [([b"a"], 7), ([other], 99)]


def test_a_file_is_read_as_what_its_name_says(tmp_path: Path) -> None:
    content = line(b"one") + b"\n" + line(b"t\nwo")
    for name, expected in {
        NAME: [b"one", b"t\nwo"],
        NAME.removesuffix(".gz"): [b"one", b"t\nwo"],
        "events.ndjson.gz": content.split(b"\n"),
    }.items():
        path = tmp_path / name
        path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
        [block] = read_segment(Segment(match_files([str(path)])[0]))
        assert (block.source, block.lines) == (str(path), expected)


def test_blocks_of_dead_letters_are_the_same_however_the_file_is_split(tmp_path: Path) -> None:
    path = tmp_path / NAME.removesuffix(".gz")
    path.write_bytes(b"".join(line(b"%d" % n, n // 5) + b"\n" for n in range(40)))
    [file] = match_files([str(path)])
    whole = list(read_segment(Segment(file), 1000))
    cut = [
        block
        for at in range(0, file.size_bytes, 2000)
        for block in read_segment(Segment(file, at, at + 2000), 1000)
    ]
    assert cut == whole
    assert [record for block in whole for record in block.lines] == [b"%d" % n for n in range(40)]


def test_very_many_of_them_are_several_blocks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("transforms.read.MAX_BLOCK_RECORDS", 2)
    path = tmp_path / NAME
    path.write_bytes(gzip.compress(b"\n".join([line(b"a"), line(b"b"), line(b"c")])))
    blocks = list(read_segment(Segment(match_files([str(path)])[0])))
    assert [(block.lines, list(block.positions or ())) for block in blocks] == [
        ([b"a", b"b"], [0, len(line(b"a")) + 1]),
        ([b"c"], [2 * len(line(b"a")) + 2]),
    ]


def again(job: Job, folder: Path, objects: dict[tuple[str, str], bytes], **changes: object) -> Job:
    """The job that reads the dead letters of a first one."""
    files: list[InputFile] = []
    for (bucket, key), body in objects.items():
        if bucket == "/ops" and key.startswith("dead_letters/"):
            path = folder / Path(key).name
            path.write_bytes(body)
            files += match_files([str(path)])
    assert files
    return msgspec.structs.replace(job, files=tuple(files), run="wxyz6789", **changes)


def events_of(objects: dict[tuple[str, str], bytes]) -> dict[str, bytes]:
    return {key.rpartition("/")[2][:24]: body for (_, key), body in customers(objects).items()}


def test_an_oversized_event_arrives_with_its_exact_bytes_once_the_limit_is_raised(
    tmp_path: Path,
) -> None:
    event = (
        b' { "writeKey":"b", "receivedAt":"2026-11-20T10:02:00Z", "a":"\xc3\xa9\\ud83d\\u0000'
        + b"x" * 300
        + b'"}\t'
    )
    job = job_of(tmp_path, event + b"\n")
    small = msgspec.structs.replace(job, reading=Reading(max_event_bytes=300))
    first = run(small)
    assert customers(first) == {}
    second = run(again(job, tmp_path, first))
    assert events_of(second) == {"beta-all_20261120T100000": event + b"\n"}
    assert ops_lines(second, "dead_letters") == []


def test_an_unmatched_event_arrives_once_the_configuration_is_mended(tmp_path: Path) -> None:
    event = b'{"writeKey":"b"}'
    job = job_of(tmp_path, event + b"\n")
    broken = CONFIGURATION.model_copy(update={"destinations": CONFIGURATION.destinations[:1]})
    first = run(
        msgspec.structs.replace(job, configuration=broken, reading=Reading(unmatched="dead_letter"))
    )
    [dead] = ops_lines(first, "dead_letters")
    assert (dead["stage"], dead["reason"]) == ("route", "unmatched")
    redriven = again(job, tmp_path, first)
    [then] = [file.record_time for file in job.files]
    later = [msgspec.structs.replace(file, modified_micros=9**16) for file in redriven.files]
    second = run(msgspec.structs.replace(redriven, files=tuple(later)))
    [(key, body)] = events_of(second).items()
    assert body == event + b"\n"
    assert then is not None
    window = Window(then - then % 600, then - then % 600 + 600)  # of the first file's time
    assert key in object_key(Target("beta-all", "r", "b"), window, 0, 0)


def test_what_is_still_malformed_is_a_dead_letter_again_with_its_bytes_and_line(
    tmp_path: Path,
) -> None:
    job = job_of(tmp_path, b'oops\n{"a":"\xff\xfe"}\r\n')
    first = run(job)
    redriven = again(job, tmp_path, first)
    second = ops_lines(run(redriven), "dead_letters")
    [file] = redriven.files
    lines = gzip.decompress(Path(file.path).read_bytes()).split(b"\n")
    assert [(dead["source"], dead["position"]) for dead in second] == [
        (file.path, 0),
        (file.path, len(lines[0]) + 1),
    ]
    before = [json.loads(each) for each in lines if each]
    assert [dead.get("record") for dead in second] == ["oops", None]
    assert second[1]["record_base64"] == before[1]["record_base64"] == "eyJhIjoi//4ifQ0="
    assert [dead["record_time"] for dead in second] == [dead["record_time"] for dead in before]
