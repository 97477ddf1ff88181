import bz2
import gzip
import io
from pathlib import Path

import apache_beam as beam
import fastavro
import pytest
import zstandard
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.testing.util import assert_that, equal_to
from hypothesis import given
from hypothesis import strategies as st

from transforms.errors import ReadError
from transforms.lines import MAX_LINE_BYTES
from transforms.match import InputFile, match_files
from transforms.progress import counters
from transforms.read import Read, Segment, read_segment, segments
from transforms.records import Block

B = 16
CONTENT = b"".join(b'{"n":%d}\n' % number for number in range(30)) + b"\r\n\0\n\nlast"


def written(path: Path, content: bytes) -> InputFile:
    path.write_bytes(content)
    return match_files([str(path)])[0]


def blocks_of(file: InputFile, segment_bytes: int = 2**20, field: str | None = None) -> list[Block]:
    return [
        block
        for segment in segments([file], B, segment_bytes)
        for block in read_segment(segment, B, field)
    ]


def lines_of(file: InputFile) -> list[bytes]:
    return [line for block in blocks_of(file) for line in block.lines]


def test_plain_files_are_cut_at_block_borders_and_others_are_not() -> None:
    plain, packed, avro, empty = (
        InputFile("/a.ndjson", 100, 1),
        InputFile("/a.json.gz", 100, 1),
        InputFile("/a.AVRO", 100, 1),
        InputFile("/b.gz", 0, 1),
    )

    assert segments([plain, packed, avro, empty], 16, 40) == [
        Segment(plain, 0, 32),
        Segment(plain, 32, 64),
        Segment(plain, 64, 96),
        Segment(plain, 96, 128),
        Segment(packed),
        Segment(avro),
    ]
    assert segments([plain], 64, 40) == [Segment(plain, 0, 64), Segment(plain, 64, 128)]


def test_a_block_names_its_source_its_start_its_first_line_and_its_time(tmp_path: Path) -> None:
    file = written(tmp_path / "a.ndjson", b"a line over the border\r\n\nsecond")

    assert blocks_of(file) == [
        Block(file.path, 0, [b"a line over the border\r"], 0, file.record_time),
        Block(file.path, 16, [b"", b"second"], 24, file.record_time),
    ]


def test_the_position_of_each_record_leads_to_its_bytes(tmp_path: Path) -> None:
    for block in blocks_of(written(tmp_path / "a.ndjson", CONTENT)):
        for position, line in zip(block.record_positions(), block.lines, strict=False):
            assert CONTENT[position:].startswith(line)


@given(st.lists(st.sampled_from([b"\n", b"\r\n", b"a", b"b" * 25])).map(b"".join), st.data())
def test_segments_of_a_file_give_the_blocks_of_the_whole(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, data: st.DataObject
) -> None:
    file = written(tmp_path_factory.getbasetemp() / "law.ndjson", content)
    block_bytes = data.draw(st.integers(1, 20))
    segment_bytes = data.draw(st.integers(1, 100))

    cut = [
        block
        for segment in segments([file], block_bytes, segment_bytes)
        for block in read_segment(segment, block_bytes)
    ]

    assert cut == list(read_segment(Segment(file), block_bytes))
    lines = content.split(b"\n")
    assert [line for block in cut for line in block.lines] == (lines if lines[-1] else lines[:-1])


@pytest.mark.parametrize(
    ("ending", "packed"),
    [
        (".gz", gzip.compress(CONTENT[:50]) + gzip.compress(CONTENT[50:]) + b"\0" * 512),
        (".bz2", bz2.compress(CONTENT[:50]) + bz2.compress(CONTENT[50:])),
        (".zst", zstandard.compress(CONTENT[:50]) + zstandard.compress(CONTENT[50:])),
    ],
)
def test_a_compressed_file_gives_the_blocks_of_its_content(
    tmp_path: Path, ending: str, packed: bytes
) -> None:
    plain = blocks_of(written(tmp_path / "a.ndjson", CONTENT))
    compressed = blocks_of(written(tmp_path / f"a.ndjson{ending}", packed))

    assert [(b.start, b.first, b.lines) for b in compressed] == [
        (b.start, b.first, b.lines) for b in plain
    ]


def test_an_avro_file_gives_records_with_their_numbers(tmp_path: Path) -> None:
    kind = {"type": "record", "name": "E", "fields": [{"name": "payload", "type": "bytes"}]}
    values = [b"0123456789", b'{"a":\n1}', b"{}"]
    content = io.BytesIO()
    fastavro.writer(content, kind, [{"payload": value} for value in values])
    file = written(tmp_path / "a.avro", content.getvalue())

    assert blocks_of(file, field="payload") == [
        Block(file.path, 0, values[:2], 0, file.record_time, range(2)),
        Block(file.path, 16, values[2:], 2, file.record_time, range(2, 3)),
    ]
    assert lines_of(file)[2] == b'{"payload":"e30="}'


@pytest.mark.parametrize("name", ["a.ndjson", "a.gz", "a.bz2", "a.zst", "a.avro"])
def test_an_empty_file_holds_no_records(tmp_path: Path, name: str) -> None:
    assert blocks_of(written(tmp_path / name, b"")) == []


def test_a_5_mib_line_is_one_record(tmp_path: Path) -> None:
    line = b'{"big":"' + b"x" * 5 * 2**20 + b'"}'
    file = written(tmp_path / "a.ndjson", b"{}\n" + line + b"\n{}\n")
    cut = [
        block
        for segment in segments([file], 2**20, 2**20)
        for block in read_segment(segment, 2**20)
    ]

    assert [block.lines for block in cut] == [[b"{}", line], [b"{}"]]


def test_a_plain_file_that_is_packed_is_refused_with_its_right_name(tmp_path: Path) -> None:
    file = written(tmp_path / "a.json", gzip.compress(b"{}\n"))

    with pytest.raises(ReadError, match=f"^{file.path}: looks like gzip, ") as it:
        blocks_of(file)
    assert f"rename it to {file.path}.gz" in str(it.value)


def test_a_cut_gzip_gives_what_came_before_then_an_error(tmp_path: Path) -> None:
    packed = gzip.compress(CONTENT[:100]) + gzip.compress(CONTENT[100:])[:-9]
    file = written(tmp_path / "a.gz", packed)
    blocks = read_segment(Segment(file), B)

    assert next(blocks).lines == [b'{"n":0}', b'{"n":1}']
    with pytest.raises(ReadError, match=f"{file.path}: ends at byte {len(packed)} in the middle"):
        list(blocks)


@pytest.mark.parametrize("name", ["a.ndjson", "a.gz"])
def test_a_file_that_has_become_shorter_is_an_error(tmp_path: Path, name: str) -> None:
    content = CONTENT if name == "a.ndjson" else gzip.compress(CONTENT)
    file = written(tmp_path / name, content)
    Path(file.path).write_bytes(content[:60])

    with pytest.raises(ReadError, match=f"{file.path}: ends at byte 60, but had {len(content)} "):
        blocks_of(file)


def test_what_is_appended_after_matching_is_not_read(tmp_path: Path) -> None:
    file = written(tmp_path / "a.ndjson", b"one\ntwo\n")
    Path(file.path).write_bytes(b"one\ntwo\nthree\n")

    assert lines_of(file) == [b"one", b"two"]


def test_a_file_that_is_gone_is_an_error_that_names_it(tmp_path: Path) -> None:
    file = written(tmp_path / "a.ndjson", b"{}\n")
    Path(file.path).unlink()

    with pytest.raises(ReadError, match=f"{file.path}: was matched but cannot be opened: "):
        blocks_of(file)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.ndjson", CONTENT),
        ("a.ndjson", b"x" * 1000),
        ("a.gz", gzip.compress(CONTENT) + b"\0" * 9),
        ("a.zst", zstandard.compress(CONTENT)),
    ],
)
@pytest.mark.parametrize("segment_bytes", [B, 3 * B, 2**20])
def test_progress_adds_up_to_the_stored_bytes(
    tmp_path: Path, name: str, content: bytes, segment_bytes: int
) -> None:
    file = written(tmp_path / name, content)
    before = counters.bytes_read

    blocks_of(file, segment_bytes)

    assert counters.bytes_read - before == len(content)


def test_progress_of_an_avro_file_is_its_stored_bytes(tmp_path: Path) -> None:
    kind = {"type": "record", "name": "E", "fields": [{"name": "n", "type": "long"}]}
    content = io.BytesIO()
    fastavro.writer(content, kind, [{"n": n} for n in range(99)], codec="deflate", sync_interval=9)
    before = counters.bytes_read

    blocks_of(written(tmp_path / "a.avro", content.getvalue()))

    assert counters.bytes_read - before == len(content.getvalue())


def test_read_gives_the_blocks_of_all_files(tmp_path: Path) -> None:
    files = [
        written(tmp_path / "a.ndjson", CONTENT),
        written(tmp_path / "b.gz", gzip.compress(CONTENT)),
    ]
    expected = [block for file in files for block in blocks_of(file)]

    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        assert_that(pipeline | Read(files, block_bytes=B), equal_to(expected))


def test_read_hands_the_avro_field_on(tmp_path: Path) -> None:
    kind = {"type": "record", "name": "E", "fields": [{"name": "payload", "type": "string"}]}
    content = io.BytesIO()
    fastavro.writer(content, kind, [{"payload": "{}"}])
    files = [written(tmp_path / "a.avro", content.getvalue())]

    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        lines = pipeline | Read(files, avro_field="payload") | beam.FlatMap(lambda b: b.lines)
        assert_that(lines, equal_to([b"{}"]))


def test_an_error_while_reading_stops_the_pipeline_and_names_the_file(tmp_path: Path) -> None:
    file = written(tmp_path / "a.gz", b"not gzip")

    with (
        pytest.raises(Exception, match=f"{file.path}: is not gzip"),
        beam.Pipeline(runner=FnApiRunner()) as pipeline,
    ):
        _ = pipeline | Read([file])


@pytest.mark.parametrize("block_bytes", [0, -1, MAX_LINE_BYTES + 1])
def test_a_block_must_be_neither_empty_nor_longer_than_a_line_may_be(block_bytes: int) -> None:
    with pytest.raises(ValueError, match="block_bytes"):
        Read([], block_bytes=block_bytes)


def test_very_many_tiny_records_are_several_blocks_with_the_same_shard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("transforms.read.MAX_BLOCK_RECORDS", 2)
    file = written(tmp_path / "a.ndjson", b"a\nbb\n\nc\nd\n")
    blocks = blocks_of(file)
    assert [(block.start, block.first, block.lines) for block in blocks] == [
        (0, 0, [b"a", b"bb"]),
        (0, 5, [b"", b"c"]),
        (0, 8, [b"d"]),
    ]
    assert [list(block.record_positions()[: len(block.lines)]) for block in blocks] == [
        [0, 2],
        [5, 6],
        [8],
    ]
