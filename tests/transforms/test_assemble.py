import gzip
import random
import zlib
from pathlib import Path

import msgspec
import pytest
import zstandard

from transforms.assemble import SMALL_PIECE_BYTES, assemble, cut
from transforms.pack import make_piece
from transforms.records import Piece, Target, Window
from transforms.spool import Spool, SpoolReader, body_length

READER = SpoolReader()
TEN = Window(1_795_168_800, 1_795_169_400)
GZIP = Target("acme", "abcd2345", "acme-bucket", prefix="logs", revision="wxyz")


def large_pieces(count: int) -> list[Piece]:
    """Pieces that compress badly, each of about 23 KB stored."""
    source = random.Random(7)
    return [make_piece("f", n, [source.randbytes(20_000).hex().encode()]) for n in range(count)]


def small_pieces(count: int) -> list[Piece]:
    return [make_piece("f", n, [b'{"n":%d,"a":"the same again"}' % n]) for n in range(count)]


def test_a_gzip_object_is_one_member_of_the_pieces_as_they_are() -> None:
    pieces = large_pieces(3)
    [part] = assemble(GZIP, TEN, 0, pieces, READER)
    reader = zlib.decompressobj(31)
    raw = [zlib.decompressobj(-15).decompress(READER.body_of(piece)) for piece in pieces]
    assert reader.decompress(part.body) == b"".join(raw)
    assert reader.eof
    assert reader.unused_data == b""
    assert part.body[10:].startswith(READER.body_of(pieces[0]))
    assert (part.events, part.raw_bytes) == (3, sum(piece.raw_bytes for piece in pieces))
    assert part.key == (
        "logs/2026/11/20/10/"
        "acme_20261120T100000Z_20261120T101000Z_abcd2345-wxyz_p0_00000-of-00001.ndjson.gz"
    )


def test_small_pieces_are_deflated_again_as_one_run() -> None:
    pieces = small_pieces(500)
    [part] = assemble(GZIP, TEN, 0, pieces, READER)
    assert len(gzip.decompress(part.body).splitlines()) == 500
    assert sum(map(body_length, pieces)) < SMALL_PIECE_BYTES * 500
    assert len(part.body) < sum(map(body_length, pieces)) / 3


def test_a_zstd_object_is_one_frame_that_says_its_size() -> None:
    [part] = assemble(
        msgspec.structs.replace(GZIP, compression="zstd"), TEN, 0, small_pieces(50), READER
    )
    reader = zstandard.ZstdDecompressor().decompressobj()
    assert len(reader.decompress(part.body)) == part.raw_bytes
    assert reader.eof
    assert reader.unused_data == b""
    assert zstandard.frame_content_size(part.body) == part.raw_bytes


@pytest.mark.parametrize("compression", ["gzip", "none", "zstd"])
def test_a_pane_is_cut_at_pieces_borders_into_numbered_parts(compression: str) -> None:
    target = msgspec.structs.replace(GZIP, compression=compression, max_object_bytes=70_000)
    pieces = large_pieces(7)
    parts = list(assemble(target, TEN, 2, pieces, READER))
    assert [part.part for part in parts] == list(range(len(parts)))
    assert len(parts) > 2
    assert all(len(part.body) <= 70_000 for part in parts)
    assert "_p2_00000-of-00001.ndjson" in parts[0].key
    assert "_p2_00000-of-00001_part001.ndjson" in parts[1].key
    assert sum(part.events for part in parts) == 7


def test_a_piece_that_alone_is_too_large_is_a_part_of_its_own() -> None:
    target = msgspec.structs.replace(GZIP, max_object_bytes=1000)
    assert [len(chosen) for chosen in cut(large_pieces(2), target)] == [1, 1]


def test_an_empty_pane_writes_nothing() -> None:
    assert list(assemble(GZIP, TEN, 0, [], READER)) == []


@pytest.mark.parametrize("compression", ["gzip", "none", "zstd"])
def test_pieces_in_any_order_give_the_same_bytes(compression: str) -> None:
    target = msgspec.structs.replace(GZIP, compression=compression)
    pieces = small_pieces(40)
    made = set()
    for seed in range(5):
        random.Random(seed).shuffle(pieces)
        made.add(b"".join(part.body for part in assemble(target, TEN, 0, pieces, READER)))
    assert len(made) == 1


def test_a_damaged_piece_never_becomes_an_object() -> None:
    pieces = [msgspec.structs.replace(piece, crc32=1) for piece in small_pieces(2)]
    with pytest.raises(ValueError, match="damaged on its way"):
        list(assemble(GZIP, TEN, 0, pieces, READER))


def test_a_spooled_piece_is_read_from_the_disk(tmp_path: Path) -> None:
    spool = Spool(str(tmp_path))
    pieces = small_pieces(3)
    spooled = [spool.take(piece) for piece in pieces]
    spool.flush()
    assert [READER.body_of(piece) for piece in spooled] == [
        READER.body_of(piece) for piece in pieces
    ]
    assert [body_length(piece) for piece in spooled] == [body_length(piece) for piece in pieces]
    [one] = assemble(GZIP, TEN, 0, spooled, READER)
    [other] = assemble(GZIP, TEN, 0, pieces, READER)
    assert one.body == other.body
    READER.close()
    spool.close()


def test_a_spool_that_was_cut_off_is_noticed(tmp_path: Path) -> None:
    spool = Spool(str(tmp_path))
    spooled = spool.take(small_pieces(1)[0])
    spool.close()
    [file] = tmp_path.iterdir()
    file.write_bytes(file.read_bytes()[:-1])
    reader = SpoolReader()
    with pytest.raises(OSError, match="ends before byte"):
        reader.body_of(spooled)
    reader.close()
