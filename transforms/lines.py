"""Cutting bytes into blocks of lines: block k holds the lines that start in [k·B, (k+1)·B).

Which lines a block holds depends on the content alone, not on how the bytes were cut into chunks or
the file into segments: a replay on other workers makes the same blocks, and so the same objects.
Nothing here touches a line by itself: a chunk is split in one call.
"""

import sys
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from transforms.errors import ReadError

MAX_LINE_BYTES: Final = 64 * 2**20
"""A longer line is taken for a sign that the file is not line-separated JSON."""


class Stretch(NamedTuple):
    """The lines, or records, that start in one aligned stretch of their source.

    Attributes:
        start: Where the stretch begins, a multiple of its length.
        first: Position of the first line: its byte offset, or the number of the record.
        lines: The lines, at least one, without their line feeds.
    """

    start: int
    first: int
    lines: list[bytes]


def cut_lines(
    chunks: Iterable[bytes], block_bytes: int, name: str, start: int = 0, end: int | None = None
) -> Iterator[Stretch]:
    r"""The lines of a file, or of a segment of it, by the stretch of `block_bytes` they start in.

    Lines are ended by a line feed alone; a carriage return before it stays. The file's last line
    need not be ended. A stretch in which no line starts gives nothing.

    Args:
        chunks: The bytes from the one before `start` on, which tells whether a line starts there,
            or from the first; cut anywhere, and taken one by one, as they are needed. They may go
            on behind `end`, as the last line may.
        block_bytes: The length of a stretch.
        name: The file, for messages.
        start: Where the segment begins, a multiple of `block_bytes`.
        end: Where it ends, another; `None` for the end of the file.

    Raises:
        ReadError: A line is longer than `MAX_LINE_BYTES`.
    """
    cutter = _Cutter(block_bytes, name, start, sys.maxsize if end is None else end)
    pieces = (p for chunk in chunks for p in _aligned(chunk, cutter.position, block_bytes))
    for piece in pieces:
        yield from cutter.take(piece)
        if cutter.at_end():
            break
    yield from cutter.finish()


def _aligned(chunk: bytes, position: int, block_bytes: int) -> Iterator[bytes]:
    """Cuts a chunk where a stretch ends in it; `position` is the chunk's."""
    room = block_bytes - position % block_bytes
    if len(chunk) <= room:
        yield chunk  # not copied
        return
    yield chunk[:room]
    for at in range(room, len(chunk), block_bytes):
        yield chunk[at : at + block_bytes]


class _Cutter:
    """A stretch in the making, and the line that is not yet ended.

    Attributes:
        position: Offset of the next byte.
    """

    def __init__(self, block_bytes: int, name: str, start: int, end: int) -> None:
        self._block_bytes = block_bytes
        self._name = name
        self._end = end
        self.position = max(start - 1, 0)
        self._line_start = self.position  # the earliest that the next line can start
        self._unended: list[bytes] = []  # the parts of that line so far
        self._foreign = start > 0  # the line at hand started before the segment
        self._stretch = Stretch(0, 0, [])

    def at_end(self) -> bool:
        """Whether no more lines can start in the segment."""
        return self._line_start >= self._end

    def take(self, piece: bytes) -> Iterator[Stretch]:
        """What is complete with this piece, which lies in one stretch."""
        at, self.position = self.position, self.position + len(piece)
        # Behind the segment one line feed is all that is looked for.
        parts = piece.split(b"\n", 1 if at >= self._end else -1)
        second = at + len(parts[0]) + 1
        if self._foreign:
            self._foreign = len(parts) == 1
            self._line_start = self.position if self._foreign else second
        else:
            self._check_length(second - 1)
            self._unended.append(parts[0])
        if len(parts) == 1:
            return
        if self._unended:
            yield from self._add(self._line_start, [b"".join(self._unended)])
        yield from self._add(second, parts[1:-1])
        self._unended = [parts[-1]]
        self._line_start = self.position - len(parts[-1])

    def finish(self) -> Iterator[Stretch]:
        """The last stretch; at the file's end with the line that was not ended."""
        if self._line_start < min(self.position, self._end):
            yield from self._add(self._line_start, [b"".join(self._unended)])
        if self._stretch.lines:
            yield self._stretch

    def _add(self, first: int, lines: list[bytes]) -> Iterator[Stretch]:
        if not lines:
            return
        start = first - first % self._block_bytes
        if self._stretch.lines and self._stretch.start == start:
            self._stretch.lines.extend(lines)
            return
        done, self._stretch = self._stretch, Stretch(start, first, lines)
        if done.lines:
            yield done

    def _check_length(self, line_end: int) -> None:
        if line_end - self._line_start > MAX_LINE_BYTES:
            raise ReadError(
                f"{self._name}: the line at byte {self._line_start} is longer than "
                f"{MAX_LINE_BYTES // 2**20} MiB.\nIs it line-separated JSON, one event a line?"
            )
