"""The first look asks many lines at once, and must not mix them up."""

import pytest

from transforms.envelope import EnvelopeDecoder
from transforms.first_look import MAX_DEPTH, FirstLook, first_look
from transforms.utf8 import is_utf8

PLAIN = b'{"writeKey":"wk","timestamp":"2026-11-20T10:00:00Z"}'
HALF = b'{"timestamp":"2026-11-20T10:00:00Z","a":"\xc3'
OTHER_HALF = b'\xa9"}'


def look(*lines: bytes, most: int = 10_000) -> FirstLook:
    return first_look(lines, EnvelopeDecoder(["timestamp"]), most)


def deep(arrays: int, objects: int) -> bytes:
    """An event that nests as deeply as so many bytes allow."""
    inside = b"[" * arrays + b'{"":' * (objects - 1) + b"{}" + b"}" * (objects - 1) + b"]" * arrays
    return b'{"timestamp":"2026-11-20T10:00:00Z","":' + inside + b"}"


@pytest.mark.parametrize("at", [0, 127, 128, 299])
@pytest.mark.parametrize(
    "bad", [b"", b"{", b"\xff", PLAIN[:-2] + b'\xff"}', PLAIN + b"\r", b'{"timestamp":1}']
)
def test_one_that_is_not_plain_is_the_only_suspect_of_many(bad: bytes, at: int) -> None:
    lines = [PLAIN] * 300
    lines[at] = bad
    found = look(*lines)
    assert found.suspects == [at]
    assert [envelope.write_key for envelope in found.envelopes[at + 1 :]] == ["wk"] * (299 - at)


def test_two_halves_of_a_character_in_two_lines_are_none() -> None:
    first, second = HALF + b'"}', HALF[:-1] + OTHER_HALF
    assert is_utf8(HALF + OTHER_HALF)
    assert look(first, PLAIN, second).suspects == [0, 2]


@pytest.mark.parametrize(
    ("arrays", "objects"),
    [(0, MAX_DEPTH), (1, MAX_DEPTH - 1), (256, 256), (MAX_DEPTH - 1, 1)],
)
def test_no_way_to_nest_too_deeply_is_overlooked(arrays: int, objects: int) -> None:
    assert look(deep(arrays, objects)).suspects == [0]


def test_a_long_event_that_is_flat_is_plain() -> None:
    long = b'{"timestamp":"2026-11-20T10:00:00Z","a":"' + b"[x] " * 300 + b'"}'
    assert look(long).suspects == []
    assert look(long, most=len(long) - 1).suspects == [0]


def test_a_line_feed_anywhere_is_told() -> None:
    assert not look(*[PLAIN] * 300).has_breaks
    assert look(*[PLAIN] * 200, PLAIN.replace(b",", b",\n"), *[PLAIN] * 99).has_breaks
    assert not look().has_breaks


@pytest.mark.parametrize("length", [0, 1, 3, 127, 4096])
def test_utf8_is_what_python_says_it_is(length: int) -> None:
    text = ("aé€😀" * 2000)[:length].encode()
    assert is_utf8(text)
    for wrong in (b"\x80", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf5\x80\x80\x80", b"\xc3"):
        assert not is_utf8(text + wrong)
        assert not is_utf8(text + wrong + text)
