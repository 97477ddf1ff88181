from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms import lines
from transforms.errors import ReadError
from transforms.lines import Stretch, cut_lines

contents = st.lists(
    st.sampled_from([b"\n", b"\n", b"\r\n", b"a", b"\0", b"bb", b"\xff", b"c" * 30])
).map(b"".join)
block_sizes = st.integers(1, 40)
chunk_sizes = st.lists(st.integers(1, 50), min_size=1)


def chunked(content: bytes, sizes: list[int]) -> Iterator[bytes]:
    turn = 0
    while content:
        size = sizes[turn % len(sizes)]
        yield content[:size]
        content, turn = content[size:], turn + 1


def lines_of(content: bytes) -> list[bytes]:
    lines_and_rest = content.split(b"\n")
    return lines_and_rest if lines_and_rest[-1] else lines_and_rest[:-1]


def by_the_definition(content: bytes, block_bytes: int) -> list[Stretch]:
    made: dict[int, Stretch] = {}
    at = 0
    for line in lines_of(content):
        start = at // block_bytes * block_bytes
        made.setdefault(start, Stretch(start, at, [])).lines.append(line)
        at += len(line) + 1
    return list(made.values())


@given(contents, block_sizes, chunk_sizes)
def test_a_block_holds_the_lines_that_start_in_it_whatever_the_chunks(
    content: bytes, block_bytes: int, sizes: list[int]
) -> None:
    cut = list(cut_lines(chunked(content, sizes), block_bytes, "a.ndjson"))

    assert cut == by_the_definition(content, block_bytes)
    assert [line for stretch in cut for line in stretch.lines] == lines_of(content)


@given(contents, block_sizes, chunk_sizes, st.data())
def test_segments_give_the_blocks_of_the_whole_file_whatever_the_split(
    content: bytes, block_bytes: int, sizes: list[int], data: st.DataObject
) -> None:
    blocks = -(-len(content) // block_bytes)
    inner = data.draw(st.sets(st.integers(1, max(blocks - 1, 1))), "borders")
    borders = [each * block_bytes for each in sorted({0, *inner, blocks + 1})]

    cut: list[Stretch] = []
    for start, end in pairwise(borders):
        chunks = chunked(content[max(start - 1, 0) :], sizes)
        cut += cut_lines(chunks, block_bytes, "a.ndjson", start, end)

    assert cut == list(cut_lines([content] if content else [], block_bytes, "a.ndjson"))


def test_nothing_holds_no_lines() -> None:
    assert list(cut_lines([], 10, "a.ndjson")) == []


def test_a_last_line_needs_no_line_feed() -> None:
    assert list(cut_lines([b"one\ntwo"], 100, "a.ndjson")) == [Stretch(0, 0, [b"one", b"two"])]


def test_carriage_returns_blank_lines_and_nul_bytes_are_kept() -> None:
    (stretch,) = cut_lines([b"a\r\n\n\0\n\x0b\x0c\n"], 100, "a.ndjson")

    assert stretch.lines == [b"a\r", b"", b"\0", b"\x0b\x0c"]


def test_a_line_across_many_blocks_is_in_the_block_it_starts_in() -> None:
    line = b"x" * 5 * 2**20
    chunks = chunked(b"first\n" + line + b"\nlast\n", [100_000])

    assert list(cut_lines(chunks, 2**20, "a.ndjson")) == [
        Stretch(0, 0, [b"first", line]),
        Stretch(5 * 2**20, 5 * 2**20 + 7, [b"last"]),
    ]


def test_a_line_that_starts_with_a_block_is_in_it() -> None:
    assert list(cut_lines([b"123\n567\n9"], 4, "a.ndjson")) == [
        Stretch(0, 0, [b"123"]),
        Stretch(4, 4, [b"567"]),
        Stretch(8, 8, [b"9"]),
    ]


def test_a_block_is_given_before_what_comes_after_it_is_read() -> None:
    taken: list[bytes] = []

    def chunks() -> Iterator[bytes]:
        for chunk in (b"a\nb\n", b"c\nd\n", b"e\nf\n"):
            taken.append(chunk)
            yield chunk

    assert next(cut_lines(chunks(), 4, "a.ndjson")).lines == [b"a", b"b"]
    assert taken == [b"a\nb\n", b"c\nd\n"]


def test_no_more_is_read_behind_a_segment_than_the_end_of_its_last_line() -> None:
    chunks = chunked(b"a\nbcdefg\nhi\nj\n", [4])

    assert list(cut_lines(chunks, 4, "a.ndjson", 0, 4)) == [Stretch(0, 0, [b"a", b"bcdefg"])]
    assert list(chunks) == [b"j\n"]


def test_a_segment_within_one_line_is_empty_and_reads_nothing_behind_it() -> None:
    chunks = chunked(b"x" * 97, [1, 4])

    assert list(cut_lines(chunks, 4, "a.ndjson", 4, 8)) == []
    assert sum(map(len, chunks)) == 92


def test_a_line_that_does_not_end_is_refused_before_it_fills_the_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lines, "MAX_LINE_BYTES", 2**20)
    chunks = chunked(b"a\n" + b"x" * 2**22, [1000])

    with pytest.raises(ReadError, match=r"big.json: the line at byte 2 is longer than 1 MiB") as it:
        list(cut_lines(chunks, 512, "big.json"))
    assert sum(map(len, chunks)) > 2**21
    assert "line-separated JSON" in str(it.value)


@given(st.integers(0, 1), block_sizes, chunk_sizes)
def test_the_longest_line_is_the_same_whatever_the_chunks(
    excess: int, block_bytes: int, sizes: list[int]
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines, "MAX_LINE_BYTES", 40)
        cut = cut_lines(chunked(b"y" * (40 + excess) + b"\nz", sizes), block_bytes, "a.ndjson")
        if excess:
            with pytest.raises(ReadError, match="line at byte 0 "):
                list(cut)
        else:
            assert sum(len(stretch.lines) for stretch in cut) == 2
