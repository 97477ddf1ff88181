"""What an object holds: its bytes are hashed, unpacked and read line by line, in bounded memory.

The standard library's zlib unpacks gzip, not isal, which packed it: what one library wrote wrongly
and reads as wrongly would pass.
"""

import hashlib
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Final, Protocol

import msgspec
import zstandard

from transforms.envelope import EnvelopeDecoder
from transforms.lines import MAX_LINE_BYTES
from transforms.object_names import Compression
from transforms.parse import DEFAULT_TIME_FIELDS

_GZIP: Final = 31  # zlib's window bits for one member with a gzip header
_GZIP_MAGIC: Final = b"\x1f\x8b"
_OUTPUT_BYTES: Final = 2**20

# zstandard cannot bound its output, but a block, of at most 128 KiB, takes at least 4 bytes
# (RFC 8878, section 3.1.1.2): a slice of 1 KiB gives at most 32 MiB.
_ZSTD_SLICE_BYTES: Final = 2**10
_ZSTD_MAGIC: Final = b"\x28\xb5\x2f\xfd"
_ZSTD_MAX_WINDOW_BYTES: Final = 2**27


class Content(msgspec.Struct):
    """What was found in an object.

    Attributes:
        stored_bytes: Its length.
        sha256: Of its bytes, in hexadecimal.
        events: Its lines, up to the first damage.
        raw_bytes: Their length, each with its line feed.
        damage: Why it cannot be unpacked to its end; empty where it can.
        not_utf8: The first line that is not UTF-8, and why; empty where all are.
        not_an_object: The first line that is no JSON object, and why; empty where all are.
        ends_openly: Whether the last line has no line feed.
    """

    stored_bytes: int = 0
    sha256: str = ""
    events: int = 0
    raw_bytes: int = 0
    damage: str = ""
    not_utf8: str = ""
    not_an_object: str = ""
    ends_openly: bool = False


def read_content(chunks: Iterable[bytes], compression: Compression) -> Content:
    """Reads an object to its end, whatever is wrong with it on the way."""
    content, sha256 = Content(), hashlib.sha256()

    def hashed() -> Iterator[bytes]:
        for chunk in chunks:
            sha256.update(chunk)
            content.stored_bytes += len(chunk)
            yield chunk

    stored = hashed()
    try:
        _read_lines(_UNPACKERS[compression](stored), content)
    except _DamagedError as error:
        content.damage = str(error)
    for _ in stored:  # the rest of what is damaged is hashed all the same
        pass
    content.sha256 = sha256.hexdigest()
    return content


class _DamagedError(Exception):
    pass


class _Unit(Protocol):
    """One gzip member or zstd frame."""

    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...


def unpacked(chunks: Iterable[bytes], compression: Compression) -> Iterator[bytes]:
    """The raw bytes of an object that is one gzip member, one zstd frame, or not packed at all.

    Raises:
        ValueError: It is damaged, cut off, or followed by anything.
    """
    try:
        yield from _UNPACKERS[compression](chunks)
    except _DamagedError as error:
        raise ValueError(str(error)) from None


def _gunzip(chunks: Iterable[bytes]) -> Iterator[bytes]:
    member = zlib.decompressobj(_GZIP)
    chunks = iter(chunks)
    for chunk in chunks:
        data = chunk
        while data and not member.eof:
            try:
                yield member.decompress(data, _OUTPUT_BYTES)
            except zlib.error as error:
                raise _DamagedError(f"not gzip, or damaged: {error}") from None
            data = member.unconsumed_tail
        if member.eof:
            break
    _refuse_rest(member, chunks, "gzip member", _GZIP_MAGIC)


def _unzstd(chunks: Iterable[bytes]) -> Iterator[bytes]:
    decompressor = zstandard.ZstdDecompressor(max_window_size=_ZSTD_MAX_WINDOW_BYTES)
    frame = decompressor.decompressobj()
    step = _ZSTD_SLICE_BYTES
    slices = (chunk[at : at + step] for chunk in chunks for at in range(0, len(chunk), step))
    for data in slices:
        try:
            yield frame.decompress(data)
        except zstandard.ZstdError as error:
            raise _DamagedError(f"not zstd, or damaged: {error}") from None
        if frame.eof:
            break
    _refuse_rest(frame, slices, "zstd frame", _ZSTD_MAGIC)


def _refuse_rest(unit: _Unit, chunks: Iterator[bytes], name: str, magic: bytes) -> None:
    if not unit.eof:
        raise _DamagedError(f"cut off in the middle of its {name}")
    rest = unit.unused_data
    while len(rest) < len(magic) and (chunk := next(chunks, b"")):
        rest += chunk
    if rest.startswith(magic):
        raise _DamagedError(f"more than one {name}: some readers stop after the first")
    if rest:
        raise _DamagedError(f"something follows its {name}")


_UNPACKERS: Final[dict[Compression, Callable[[Iterable[bytes]], Iterator[bytes]]]] = {
    "gzip": _gunzip,
    "zstd": _unzstd,
    "none": iter,
}


def _read_lines(chunks: Iterable[bytes], content: Content) -> None:
    decoder = EnvelopeDecoder(DEFAULT_TIME_FIELDS)
    for line, ended in split_lines(_without_blank_chunks(chunks, content)):
        content.events += 1
        content.raw_bytes += len(line) + ended
        content.ends_openly = not ended
        if not line and content.not_an_object:
            continue
        try:
            _check(line, decoder)
        except UnicodeDecodeError as error:
            content.not_utf8 = (
                content.not_utf8
                or f"line {content.events:,}: invalid UTF-8 at byte {error.start:,} of it"
            )
        except (ValueError, RecursionError) as error:
            content.not_an_object = (
                content.not_an_object or f"line {content.events:,}: {_why(line, error)}"
            )


def _without_blank_chunks(chunks: Iterable[bytes], content: Content) -> Iterator[bytes]:
    """Counts a chunk of nothing but line feeds at once, where a line is known to be no object.

    A gigabyte of them packs into one megabyte, and would take minutes line by line.
    """
    between_lines = True
    for chunk in chunks:
        if between_lines and content.not_an_object and not chunk.strip(b"\n"):
            content.events += len(chunk)
            content.raw_bytes += len(chunk)
        elif chunk:
            between_lines = chunk.endswith(b"\n")
            yield chunk


def split_lines(chunks: Iterable[bytes]) -> Iterator[tuple[bytes, bool]]:
    """Lines without their line feeds, and whether each had one: only the last may have none.

    Raises:
        _DamagedError: A line is longer than any event may be.
    """
    begun: list[bytes] = []
    length = 0  # of what is begun: to add it up for each chunk would take the square of the time
    for chunk in chunks:
        first, *others = chunk.split(b"\n")
        begun.append(first)
        length += len(first)
        if others:
            yield b"".join(begun), True
            *whole, last = others
            for line in whole:
                yield line, True
            begun, length = [last], len(last)
        if length > MAX_LINE_BYTES:
            raise _DamagedError("a line is longer than 64 MiB")
    if rest := b"".join(begun):
        yield rest, False


def _check(line: bytes, decoder: EnvelopeDecoder) -> None:
    # As `parse` looks at what it reads: what was delivered must pass.
    if not line.isascii():
        line.decode()
    try:
        decoder.decode(line)
    except (msgspec.DecodeError, RecursionError):
        decoder.decode_patiently(line)


def _why(line: bytes, error: Exception) -> str:
    if not line.strip():
        return "is blank"
    return "nested too deeply" if isinstance(error, RecursionError) else str(error)
