"""What an object holds, where its manifest agrees with its bytes."""

import gzip
import hashlib
import time
import zlib

import pytest

from tests.small_prefix import FIRST, PACK, SmallPrefix, kinds, raw_lines, target, verified
from transforms.object_names import Compression
from transforms.verification.content import unpacked
from transforms.verification.records import Verification

ENDINGS = {"gzip": ".gz", "zstd": ".zst", "none": ""}


def listed_as_is(body: bytes, raw: bytes, compression: str = "gzip") -> Verification:
    """An object whose manifest agrees with its bytes, whatever they are."""
    prefix = SmallPrefix(target(compression=compression))
    key = prefix.put(0, raw)
    known = PACK[compression](raw)
    manifest = prefix.list()
    objects = prefix.objects | {key: body}
    text = prefix.objects[manifest].decode()
    text = text.replace(hashlib.sha256(known).hexdigest(), hashlib.sha256(body).hexdigest())
    for name in ("bytes", "content_length"):
        text = text.replace(f'"{name}": {len(known)}', f'"{name}": {len(body)}')
    objects[manifest] = text.encode()
    return verified(objects)


RAW = raw_lines(0, 3)
LINES = RAW.splitlines(keepends=True)


@pytest.mark.parametrize(
    ("body", "compression", "said"),
    [
        (b"".join(map(gzip.compress, LINES)), "gzip", "more than one gzip member"),
        (gzip.compress(RAW) + b"\0" * 9, "gzip", "something follows its gzip member"),
        (gzip.compress(RAW)[:-3], "gzip", "cut off in the middle of its gzip member"),
        (b"", "gzip", "cut off in the middle of its gzip member"),
        (zlib.compress(RAW), "gzip", "not gzip, or damaged"),
        (PACK["zstd"](RAW) + PACK["zstd"](b""), "zstd", "more than one zstd frame"),
        (PACK["zstd"](RAW) + b"x", "zstd", "something follows its zstd frame"),
        (PACK["zstd"](RAW)[:-1], "zstd", "cut off in the middle of its zstd frame"),
        (gzip.compress(RAW), "zstd", "not zstd, or damaged"),
    ],
)
def test_what_cannot_be_unpacked_by_every_reader_is_damaged(
    body: bytes, compression: str, said: str
) -> None:
    [defect] = listed_as_is(body, RAW, compression).defects
    assert defect.kind == "damaged object"
    assert said in defect.found


@pytest.mark.parametrize(
    ("raw", "kind", "said"),
    [
        (b'{"a":1}\n{"b":"\xff"}\n', "not UTF-8", "line 2: invalid UTF-8 at byte 6 of it"),
        (b'{"a":1}\n[1]\n', "not a JSON object", "line 2: "),
        (b'{"a":1}\n{"a":1} {}\n', "not a JSON object", "line 2: "),
        (b'{"a":NaN}\n', "not a JSON object", "line 1: "),
        (b'{"a":01}\n', "not a JSON object", "line 1: "),
        (b'{"a":1}\n\n{"a":1}\n', "not a JSON object", "line 2: is blank"),
        (b'{"a":1', "not a JSON object", "line 1: "),
    ],
)
def test_a_line_that_is_no_json_object_is_named(raw: bytes, kind: str, said: str) -> None:
    found = listed_as_is(PACK["gzip"](raw), raw)
    defect = found.defects[0]
    assert defect.kind == kind
    assert defect.found.startswith(said)


@pytest.mark.parametrize(
    "line", [rb'{"a":"\ud83d"}', b'{"a":' + b"9" * 5000 + b"}", b' {"a":1}\r', b'{"a":1e999}']
)
def test_what_was_delivered_as_an_event_is_one(line: bytes) -> None:
    raw = line + b"\n"
    assert listed_as_is(PACK["gzip"](raw), raw).defects == []


def test_an_open_last_line_is_named() -> None:
    raw = b'{"a":1}\n{"a":2}'
    found = listed_as_is(PACK["none"](raw), raw, "none")
    # Made of the line feeds, the manifest counts one event: that is named too.
    assert [defect.kind for defect in found.defects] == ["last line open", "events differ"]


@pytest.mark.parametrize("compression", PACK)
def test_what_unpacks_to_a_thousand_times_its_length_is_read_whole(compression: str) -> None:
    raw = (b'{"a":"' + b"x" * 2**21 + b'"}\n') * 4
    prefix = SmallPrefix(target(compression=compression))
    prefix.put(0, raw)
    prefix.list()
    assert verified(prefix.objects).defects == []


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
def test_content_comes_out_whole_however_the_object_is_cut(compression: Compression) -> None:
    raw = b"{}\n" * 2**20
    packed = PACK[compression](raw)
    for size in (1, 1000, len(packed) - 8, len(packed)):
        chunks = [packed[at : at + size] for at in range(0, len(packed), size)]
        assert b"".join(unpacked(chunks, compression)) == raw


def test_a_long_line_is_read_whole_and_a_longer_one_refused() -> None:
    raw = b'{"a":"' + b"x" * (2**26 - 8) + b'"}\n'
    assert listed_as_is(PACK["gzip"](raw), raw).defects == []
    raw = b'{"a":"' + b"x" * 2**26 + b'"}\n'
    [defect] = listed_as_is(PACK["zstd"](raw), raw, "zstd").defects
    assert (defect.kind, defect.found) == ("damaged object", "a line is longer than 64 MiB")


@pytest.mark.parametrize("compression", PACK)
def test_blank_lines_are_counted_at_once(compression: str) -> None:
    raw = raw_lines(0, 3) + b"\n" * 5_000_000
    started = time.process_time()
    found = listed_as_is(PACK[compression](raw), raw, compression)
    assert kinds(found) == [("not a JSON object", FIRST.replace(".gz", ENDINGS[compression]))]
    assert "line 4: is blank" in found.defects[0].found
    assert found.rows[0].events == 5_000_003
    assert time.process_time() - started < 5
