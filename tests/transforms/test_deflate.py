import gzip
import subprocess
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms import deflate


@given(st.lists(st.binary(max_size=300), max_size=8))
def test_runs_join_into_one_gzip_member_that_holds_their_bytes_in_order(parts: list[bytes]) -> None:
    member = deflate.gzip_member(
        map(deflate.deflate, parts), [(deflate.crc32(part), len(part)) for part in parts]
    )
    reader = zlib.decompressobj(31)
    assert reader.decompress(member) == b"".join(parts)
    assert reader.eof
    assert reader.unused_data == b"", "a second member would begin here"
    assert gzip.decompress(member) == b"".join(parts)


def test_zcat_reads_a_joined_member() -> None:
    parts = [b'{"a":1}\n' * 1000, b"", "{“é”}\n".encode() * 500]
    member = deflate.gzip_member(
        map(deflate.deflate, parts), [(zlib.crc32(part), len(part)) for part in parts]
    )
    shown = subprocess.run(["gzip", "-dc"], input=member, capture_output=True, check=True)  # noqa: S607 - whichever gzip there is
    assert shown.stdout == b"".join(parts)


@given(st.binary(max_size=2000))
def test_a_run_gives_back_what_it_was_made_of(data: bytes) -> None:
    assert deflate.inflate(deflate.deflate(data)) == data


def test_a_damaged_member_is_noticed() -> None:
    member = deflate.gzip_member([deflate.deflate(b"events")], [(zlib.crc32(b"evants"), 6)])
    with pytest.raises(gzip.BadGzipFile, match="CRC"):
        gzip.decompress(member)


def test_the_same_bytes_give_the_same_member_at_any_time() -> None:
    made = {deflate.gzip_member([deflate.deflate(b"x" * 999)], [(1, 999)]) for _ in range(20)}
    assert len(made) == 1
