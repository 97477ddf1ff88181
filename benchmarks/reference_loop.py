"""The reference: the job as one loop in one process, without Beam, as fast as it could be made.

It does less than the pipeline: it trusts its input to be valid UTF-8 of a sane size and depth, and
to carry a time and a write key, and its disk to take what is appended; it keeps no tallies and no
receipts, and cannot be spread over workers. Every event's JSON is still checked once.

Tried and no faster: `decode_lines`, offsets by numpy with slices or memory views in place of
`split`, chunks of 0.5 to 16 MiB, other sizes of isal's hash table. Slower, for the memory it takes
from the kernel and gives back: to hold what was deflated and write each file at the end.
"""

import datetime as dt
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from benchmarks.events import DESTINATIONS, WINDOW_SECONDS
from benchmarks.measure import report
from transforms.deflate import crc32, deflate, gzip_member
from transforms.envelope import Envelope, EnvelopeDecoder
from transforms.parse import DEFAULT_TIME_FIELDS

CHUNK_BYTES: Final = 8 * 2**20

_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.timezone.utc)
_WINDOW: Final = dt.timedelta(seconds=WINDOW_SECONDS)
_EMPTY_MEMBER: Final = gzip_member((), ())
_HEADER_BYTES: Final = 10  # RFC 1952, section 2.3

decode: Final = EnvelopeDecoder(DEFAULT_TIME_FIELDS).decode


class _Object:
    """A gzip file of one member, written as it grows, so that nothing is held."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb", buffering=0)
        self._file.write(_EMPTY_MEMBER[:_HEADER_BYTES])
        self._checks: list[tuple[int, int]] = []

    def add(self, data: bytes) -> None:
        self._file.write(deflate(data))
        self._checks.append((crc32(data), len(data)))

    def close(self) -> None:
        self._file.write(gzip_member((), self._checks)[_HEADER_BYTES:])
        self._file.close()


def deliver(source: Path, folder: Path) -> None:
    """Delivers a file of events as one gzip file for each destination and window."""
    folder.mkdir(parents=True)
    objects: dict[tuple[dt.datetime, str], _Object] = {}
    rest = b""
    for chunk in chunks(source):
        lines, rest = split(chunk, rest)
        for key, data in grouped(lines, map(decode, lines)):
            if key not in objects:
                start, write_key = key
                name = f"{DESTINATIONS[write_key]}_{start:%Y%m%dT%H%M%SZ}.ndjson.gz"
                objects[key] = _Object(folder / name)
            objects[key].add(data)
    for each in objects.values():
        each.close()


def chunks(source: Path) -> Iterator[bytes]:
    """The file's bytes, cut anywhere."""
    with source.open("rb", buffering=0) as file:
        while chunk := file.read(CHUNK_BYTES):
            yield chunk


def split(chunk: bytes, rest: bytes) -> tuple[list[bytes], bytes]:
    """A chunk's lines without their line feeds, and what begins a line that the next one ends."""
    lines = chunk.split(b"\n")
    lines[0] = rest + lines[0]
    rest = lines.pop()
    return lines, rest


def grouped(
    lines: Iterable[bytes], envelopes: Iterable[Envelope]
) -> Iterator[tuple[tuple[dt.datetime, str], bytes]]:
    """By window and write key, the lines again as bytes."""
    windows: dict[dt.datetime, defaultdict[str, list[bytes]]] = {}
    start = end = _EPOCH
    for line, envelope in zip(lines, envelopes):  # noqa: B905 - strict costs a call
        time = envelope.time
        # Neighbours are mostly of the same window.
        if not start <= time < end:  # type: ignore[operator]
            start = _EPOCH + (time - _EPOCH) // _WINDOW * _WINDOW  # type: ignore[operator]
            end = start + _WINDOW
            groups = windows.setdefault(start, defaultdict(list))
        groups[envelope.write_key].append(line)  # type: ignore[index]
    for start, groups in windows.items():
        for write_key, group in groups.items():
            group.append(b"")
            yield (start, write_key), b"\n".join(group)


if __name__ == "__main__":
    deliver(Path(sys.argv[1]), Path(sys.argv[2]))
    report({})
