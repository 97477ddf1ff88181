import bz2
import gzip
import random
from collections.abc import Callable, Iterator

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from transforms.decompress import MAX_OUTPUT_BYTES, check_plain, codec_of, decompressed
from transforms.errors import ReadError

Compress = Callable[[bytes], bytes]

zstd: Compress = zstandard.ZstdCompressor(write_checksum=True).compress
COMPRESSIONS: dict[str, Compress] = {"a.gz": gzip.compress, "a.bz2": bz2.compress, "a.zst": zstd}
each_compression = pytest.mark.parametrize(("name", "compress"), COMPRESSIONS.items())
SKIPPABLE = b"\x50\x2a\x4d\x18\x04\x00\x00\x00abcd"  # RFC 8878, section 3.1.2


def unpack(name: str, packed: bytes, size: int = 2**20) -> bytes:
    return b"".join(chunks_of(name, packed, size))


def chunks_of(name: str, packed: bytes, size: int = 2**20) -> Iterator[bytes]:
    codec = codec_of(name)
    assert codec is not None
    chunks = (packed[at : at + size] for at in range(0, len(packed), size))
    return decompressed(chunks, codec, name)


@pytest.mark.parametrize(
    "name", ["a.ndjson", "gz", "/in/gz", "agz", "a.gz.ndjson", "/in.gz/events", "a.", "a.avro", ""]
)
def test_other_names_are_not_compressed(name: str) -> None:
    assert codec_of(name) is None


@each_compression
def test_the_ending_tells_the_compression_in_either_case(name: str, compress: Compress) -> None:
    assert unpack(f"/in/{name.upper()}", compress(b"one\n")) == b"one\n"


@each_compression
@given(st.lists(st.binary(max_size=300), min_size=1, max_size=5), st.integers(1, 400))
def test_members_are_joined_whatever_the_chunks(
    name: str, compress: Compress, members: list[bytes], size: int
) -> None:
    packed = b"".join(map(compress, members))

    assert unpack(name, packed, size) == b"".join(members)


@each_compression
def test_content_larger_than_any_buffer_comes_out_whole(name: str, compress: Compress) -> None:
    content = b"".join(b"%d\n" % number for number in range(500_000))

    assert unpack(name, compress(content)) == content


@each_compression
def test_an_empty_file_is_empty(name: str, compress: Compress) -> None:
    assert unpack(name, b"") == b""
    assert list(chunks_of(name, compress(b""))) == []


@each_compression
def test_a_file_cut_anywhere_is_an_error_that_names_the_place(
    name: str, compress: Compress
) -> None:
    content = b'{"type":"track"}\n' * 20
    packed = compress(content)

    for cut in range(1, len(packed)):
        with pytest.raises(ReadError, match=rf"^{name}: ends at byte {cut} in the middle of a "):
            unpack(name, packed[:cut])


@each_compression
def test_a_file_cut_in_its_last_member_gives_the_others_first(
    name: str, compress: Compress
) -> None:
    first = compress(b"first\n")
    chunks = chunks_of(name, first + compress(b"second\n")[:-1])

    assert next(chunks) == b"first\n"
    with pytest.raises(ReadError, match=f"that begins at byte {len(first)} ") as it:
        list(chunks)
    assert "cut short: write or copy it again" in str(it.value)


@each_compression
@given(st.binary(min_size=4).filter(lambda rest: rest.strip(b"\0")), st.integers(1, 100))
def test_what_does_not_belong_after_the_end_is_an_error(
    name: str, compress: Compress, rest: bytes, size: int
) -> None:
    with pytest.raises(ReadError):
        unpack(name, compress(b"one\n") + rest, size)


@each_compression
def test_the_error_of_what_follows_names_where_it_begins(name: str, compress: Compress) -> None:
    packed = compress(b"one\n")

    with pytest.raises(ReadError, match=rf"^{name}: what follows .* at byte {len(packed)} ") as it:
        unpack(name, packed + b'{"type":"page"}\n')
    assert "(decompressed byte 4)" in str(it.value)


@given(st.integers(0, 70_000), st.integers(0, 600), st.integers(1, 100_000))
def test_zero_bytes_after_gzip_members_are_padding(between: int, after: int, size: int) -> None:
    one, two = gzip.compress(b"one\n"), gzip.compress(b"two\n")

    assert unpack("a.gz", one + b"\0" * between + two + b"\0" * after, size) == b"one\ntwo\n"


@pytest.mark.parametrize("name", ["a.bz2", "a.zst"])
def test_zero_bytes_after_bzip2_and_zstd_are_an_error(name: str) -> None:
    with pytest.raises(ReadError, match="what follows"):
        unpack(name, COMPRESSIONS[name](b"one\n") + b"\0" * 8)


@pytest.mark.parametrize("name", COMPRESSIONS)
@pytest.mark.parametrize(
    "content", [b"\n", b"{}\n", b'{"type":"track"}\n', b"\0" * 40, b"Obj\x01 and so on"]
)
def test_a_file_of_something_else_is_an_error(name: str, content: bytes) -> None:
    with pytest.raises(ReadError, match=rf"^{name}: is not .* at byte 0: ") as it:
        unpack(name, content)
    assert "\nGive the file the ending of what it holds" in str(it.value)


@each_compression
def test_a_checksum_that_does_not_match_is_an_error(name: str, compress: Compress) -> None:
    other = compress(b"somewhat else")
    checksum = {"a.gz": slice(-8, -4), "a.bz2": slice(-4, None), "a.zst": slice(-4, None)}[name]
    packed = bytearray(compress(b"something 123"))
    packed[checksum] = other[checksum]

    with pytest.raises(ReadError, match=name):
        unpack(name, bytes(packed))


def test_damage_behind_what_was_given_names_both_offsets() -> None:
    packed = bytearray(gzip.compress(bytes(range(256)) * 40_000, 0))
    packed[-8] ^= 1

    with pytest.raises(
        ReadError, match=r"a.gz: damaged gzip member at or after byte 1\d{7} "
    ) as it:
        unpack("a.gz", bytes(packed))
    assert "(decompressed byte 10" in str(it.value)


def test_damage_before_anything_was_given_is_not_taken_for_another_format() -> None:
    packed = bytearray(bz2.compress(random.Random(1).randbytes(300_000)))
    packed[-4] ^= 1

    with pytest.raises(ReadError, match=r"a.bz2: damaged bzip2 stream at or after byte 29") as it:
        unpack("a.bz2", bytes(packed))
    assert "(decompressed byte 0)" in str(it.value)


@given(st.data())
def test_no_damage_ends_in_another_error(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(COMPRESSIONS)))
    packed = bytearray(COMPRESSIONS[name](b"some content, some content\n" * 9))
    packed[data.draw(st.integers(0, len(packed) - 1))] ^= data.draw(st.integers(1, 255))

    try:
        unpack(name, bytes(packed), data.draw(st.integers(1, 300)))
    except ReadError as error:
        assert str(error).startswith(f"{name}: ")  # noqa: PT017 - an error is allowed, not due


def test_skippable_zstd_frames_are_skipped() -> None:
    packed = SKIPPABLE + zstd(b"one\n") + SKIPPABLE + zstd(b"two\n") + SKIPPABLE

    assert unpack("a.zst", packed, 7) == b"one\ntwo\n"


def test_a_zstd_window_that_would_fill_the_memory_is_refused_with_the_remedy() -> None:
    parameters = zstandard.ZstdCompressionParameters(window_log=28)
    frame = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    packed = frame.compress(b"abc") + frame.flush()

    with pytest.raises(ReadError, match=r"at byte 0 needs a window of more than 128 MiB.*") as it:
        unpack("a.zst", packed)
    assert "--long=27" in str(it.value)


@each_compression
def test_a_bomb_comes_out_in_small_chunks(name: str, compress: Compress) -> None:
    packed = compress(b"\0" * 2**27)
    limit = 2**25 if name == "a.zst" else MAX_OUTPUT_BYTES

    sizes = [len(chunk) for chunk in chunks_of(name, packed)]

    assert sum(sizes) == 2**27
    assert max(sizes) <= limit


@each_compression
def test_no_more_is_taken_than_what_is_asked_for_needs(name: str, compress: Compress) -> None:
    def chunks() -> Iterator[bytes]:
        yield compress(b"one\n")
        pytest.fail("the second chunk was taken")

    codec = codec_of(name)
    assert codec is not None
    assert next(decompressed(chunks(), codec, name)) == b"one\n"


@pytest.mark.parametrize(
    ("head", "kind", "remedy"),
    [
        (gzip.compress(b"x"), "gzip", "rename it to a.json.gz"),
        (bz2.compress(b"x"), "bzip2", "rename it to a.json.bz2"),
        (bz2.compress(b""), "bzip2", "rename it to a.json.bz2"),
        (zstd(b"x"), "zstd", "rename it to a.json.zst"),
        (SKIPPABLE, "zstd", "rename it to a.json.zst"),
        (b"Obj\x01\x04", "Avro", "rename it to a.json.avro"),
        (b"\xfd7zXZ\x00", "xz", "unpack it first"),
        (b"PK\x03\x04", "zip", "unpack it first"),
        (b"PAR1", "Parquet", "unpack it first"),
    ],
)
def test_a_packed_file_without_its_ending_is_refused(head: bytes, kind: str, remedy: str) -> None:
    with pytest.raises(ReadError, match=f"^a.json: looks like {kind}, ") as it:
        check_plain(head, "a.json")
    assert str(it.value).endswith(f"If it is {kind}, {remedy}.")


@pytest.mark.parametrize(
    "head", [b"", b"{", b"BZh9 is no event", b"\xef\xbb\xbf{}", b"\xff\xfe{\0"]
)
def test_anything_else_is_left_to_parse(head: bytes) -> None:
    check_plain(head, "a.json")
