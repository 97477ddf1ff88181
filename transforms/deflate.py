"""Deflated runs that can be joined into one stream without being inflated.

A run is what one compressor made of some bytes in one call, ended by a full flush: it ends on a
byte boundary, refers to nothing before it and is not final (RFC 1951, section 2.3). Runs written
after one another and closed by an empty final block are one valid deflate stream, and with a header
and the combined CRC-32 one gzip member (RFC 1952).
"""

from collections.abc import Iterable
from typing import Final

from isal import isal_zlib

LEVEL: Final = 1  # of isal's four: 2 is no smaller, 3 takes four times as long

_RAW: Final = -15  # no header, 32 KiB of history
# Magic, deflate, no flags, no time (the same events give the same bytes), no hint, unknown system.
_GZIP_HEADER: Final = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
_FINAL_BLOCK: Final = b"\x03\x00"  # final, fixed codes, end of block


def deflate(data: bytes) -> bytes:
    """One run that holds `data`."""
    compressor = isal_zlib.compressobj(LEVEL, isal_zlib.DEFLATED, _RAW)
    head: bytes = compressor.compress(data)
    tail: bytes = compressor.flush(isal_zlib.Z_FULL_FLUSH)
    return head + tail


def inflate(run: bytes) -> bytes:
    """The bytes that a run holds.

    Raises:
        isal_zlib.error: The run is damaged.
    """
    data: bytes = isal_zlib.decompressobj(_RAW).decompress(run)
    return data


def crc32(data: bytes) -> int:
    """CRC-32 of RFC 1952."""
    value: int = isal_zlib.crc32(data)
    return value


def gzip_member(runs: Iterable[bytes], checks: Iterable[tuple[int, int]]) -> bytes:
    """Joins runs into one gzip member.

    Args:
        runs: The deflated runs, in order.
        checks: For each stretch of the same bytes, in order, its CRC-32 and its length.
    """
    total_crc, total_length = 0, 0
    for crc, length in checks:
        total_crc = isal_zlib.crc32_combine(total_crc, crc, length)
        total_length += length
    trailer = total_crc.to_bytes(4, "little") + (total_length % 2**32).to_bytes(4, "little")
    return b"".join((_GZIP_HEADER, *runs, _FINAL_BLOCK, trailer))
