"""Decompression of a file's bytes as they come, by the ending of the file's name.

`.gz` (RFC 1952: any number of members; zero bytes between and after them are padding), `.bz2` (any
number of streams) and `.zst` (RFC 8878: any number of frames, skippable ones too). However well a
file is compressed, memory holds only a few MiB of its content at a time.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import PurePosixPath
from typing import Final, NamedTuple, Protocol

import zstandard
from isal import igzip_lib

from transforms.errors import ReadError

MAX_OUTPUT_BYTES: Final = 2**20
"""The longest chunk that gzip and bzip2 give; zstd's bound is below."""

# What is left of a slice is copied after each member, so that a file of tiny members wants small
# slices; larger ones are no faster.
_SLICE_BYTES: Final = 16 * 2**10

# zstandard cannot bound its output, but a block, of at most 128 KiB, takes at least 4 bytes
# (RFC 8878, section 3.1.1.2): a slice of 1 KiB gives at most 32 MiB.
_ZSTD_SLICE_BYTES: Final = 2**10

# The zstd library's own default: what `zstd --long=27` writes and any `zstd -d` reads.
_ZSTD_MAX_WINDOW_BYTES: Final = 2**27


# isal's stub takes its exception for an instance of one.
_ERRORS: Final[tuple[type[Exception], ...]] = (
    igzip_lib.IsalError,  # type: ignore[assignment]
    zstandard.ZstdError,
    OSError,
    ValueError,
)


class _Member(Protocol):
    """One gzip member, bzip2 stream or zstd frame, in the manner of Python's `BZ2Decompressor`."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int) -> bytes: ...


class _ZstdFrame:
    """A zstd frame as a `_Member`: the bound of its output is that of its input."""

    needs_input = True

    def __init__(self) -> None:
        decompressor = zstandard.ZstdDecompressor(max_window_size=_ZSTD_MAX_WINDOW_BYTES)
        self._frame = decompressor.decompressobj()

    @property
    def eof(self) -> bool:
        return self._frame.eof

    @property
    def unused_data(self) -> bytes:
        return self._frame.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:  # noqa: ARG002 - see the class
        return self._frame.decompress(data)


def _gzip_member() -> _Member:
    member: _Member = igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_GZIP)
    return member


def _bzip2_stream() -> _Member:
    from bz2 import BZ2Decompressor  # noqa: PLC0415 - some builds of Python have no bz2

    return BZ2Decompressor()


class Codec(NamedTuple):
    """A compression: what people call it and its unit, and how one unit is decompressed.

    `magic` is what every unit begins with, where the decompressor itself would wait for more bytes
    before it says so.
    """

    name: str
    unit: str
    member: Callable[[], _Member]
    slice_bytes: int
    magic: bytes = b""
    padding: bytes = b""


_CODECS: Final = {
    ".gz": Codec("gzip", "gzip member", _gzip_member, _SLICE_BYTES, b"\x1f\x8b", b"\0"),
    ".bz2": Codec("bzip2", "bzip2 stream", _bzip2_stream, _SLICE_BYTES),
    ".zst": Codec("zstd", "zstd frame", _ZstdFrame, _ZSTD_SLICE_BYTES),
}

# No JSON text begins with any of these; a file that does would be one dead letter after another.
_SIGNATURES: Final = (
    ("gzip", ".gz", re.compile(rb"\x1f\x8b")),
    ("bzip2", ".bz2", re.compile(rb"BZh[1-9](1AY&SY|\x17rE8P\x90)")),
    ("zstd", ".zst", re.compile(rb"\x28\xb5\x2f\xfd|[\x50-\x5f]\x2a\x4d\x18", re.DOTALL)),
    ("Avro", ".avro", re.compile(rb"Obj\x01")),
    ("xz", None, re.compile(rb"\xfd7zXZ\x00")),
    ("zip", None, re.compile(rb"PK\x03\x04")),
    ("Parquet", None, re.compile(rb"PAR1")),
)


def codec_of(name: str) -> Codec | None:
    """The compression that a file's name tells by its ending, in either case; `None` for none."""
    return _CODECS.get(PurePosixPath(name).suffix.lower())


def check_plain(head: bytes, name: str) -> None:
    """Refuses a file that is read as plain text but begins as a packed one does.

    Args:
        head: The first bytes of the file, at least 10 of them where it has so many.
        name: The file, for the message.

    Raises:
        ReadError: The file begins as gzip, bzip2, zstd, Avro, xz, zip or Parquet does.
    """
    for kind, ending, signature in _SIGNATURES:
        if signature.match(head):
            remedy = f"rename it to {name}{ending}" if ending else "unpack it first"
            raise ReadError(
                f"{name}: looks like {kind}, but is not named so; files without a known ending are "
                f"read as line-separated JSON.\nIf it is {kind}, {remedy}."
            )


def decompressed(chunks: Iterable[bytes], codec: Codec, name: str) -> Iterator[bytes]:
    """The content of a compressed file, as it comes. A file of 0 bytes has none.

    Args:
        chunks: The file's bytes, cut anywhere; taken one by one, as they are needed.
        codec: How they are compressed.
        name: The file, for messages.

    Yields:
        The content, cut anywhere, never empty: up to 1 MiB at a time, for zstd up to 32 MiB.

    Raises:
        ReadError: The bytes are not in this format, are damaged, end in the middle of a member, or
            are followed by something else. What came before has been yielded by then.
    """
    return _Reading(chunks, codec, name).content()


class _Reading:
    """How far a file has been decompressed: `taken` and `given` count bytes in and bytes out."""

    def __init__(self, chunks: Iterable[bytes], codec: Codec, name: str) -> None:
        step = codec.slice_bytes
        self._slices = (c[at : at + step] for c in chunks for at in range(0, len(c), step))
        self._codec = codec
        self._name = name
        self._rest = b""  # taken, but not yet decompressed
        self._taken = 0
        self._given = 0

    def content(self) -> Iterator[bytes]:
        while self._has_more():
            yield from self._member()
            self._skip_padding()

    def _has_more(self) -> bool:
        if not self._rest:
            self._rest = next(self._slices, b"")
            self._taken += len(self._rest)
        return bool(self._rest)

    def _member(self) -> Iterator[bytes]:
        member, given_before = self._codec.member(), self._given
        began = at = self._taken - len(self._rest)
        magic = self._codec.magic[: len(self._rest)]
        if not self._rest.startswith(magic):
            raise self._no_member(at, f"it does not begin with {magic.hex(' ')}")
        while not member.eof:
            data = b""
            if member.needs_input:
                if not self._has_more():
                    raise self._cut_short(began)
                data, self._rest = self._rest, b""
                at = self._taken - len(data)
            try:
                content = member.decompress(data, MAX_OUTPUT_BYTES)
            except _ERRORS as error:
                # Of what is no member at all, nothing comes out and nothing is waited for.
                first = self._given == given_before and at - began < self._codec.slice_bytes
                raise (self._no_member if first else self._damaged)(at, error) from error
            if content:
                self._given += len(content)
                yield content
        self._rest = member.unused_data

    def _skip_padding(self) -> None:
        while self._has_more():
            self._rest = self._rest.lstrip(self._codec.padding)
            if self._rest:
                return

    def _cut_short(self, began: int) -> ReadError:
        return ReadError(
            f"{self._name}: ends at byte {self._taken} in the middle of a {self._codec.unit} that "
            f"begins at byte {began} ({self._given} bytes were decompressed).\n"
            "The file was cut short: write or copy it again."
        )

    def _no_member(self, began: int, error: Exception | str) -> ReadError:
        if "too much memory" in str(error):
            return ReadError(
                f"{self._name}: the zstd frame at byte {began} needs a window of more than 128 MiB."
                "\nCompress it again with --long=27 or less."
            )
        if began:
            return ReadError(
                f"{self._name}: what follows the last {self._codec.unit} at byte {began} "
                f"(decompressed byte {self._given}) is not another one: {error}.\n"
                "If it does not belong to the file, remove it; else write or copy the file again."
            )
        return ReadError(
            f"{self._name}: is not {self._codec.name}, or is damaged at byte 0: {error}.\n"
            "Give the file the ending of what it holds, or write or copy it again."
        )

    def _damaged(self, offset: int, error: Exception) -> ReadError:
        return ReadError(
            f"{self._name}: damaged {self._codec.unit} at or after byte {offset} (decompressed "
            f"byte {self._given}): {error}.\nWrite or copy the file again."
        )
