"""read: bounded files into blocks, from any filesystem that Beam knows.

What a file is, its name's ending tells: `.gz`, `.bz2`, `.zst` (line-separated JSON, compressed),
`.avro`; anything else is line-separated JSON. A file is taken as it was when its name was matched:
what is appended later is not read, and one that has become shorter is an error. An empty file, of
whatever kind, holds no records.

A file of dead letters, as its name tells, is read as the records in them.

Plain files are read in segments, side by side; a segment's blocks are those that the whole file
would give. Compressed and Avro files can only be read from their beginning, each as one segment.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import BinaryIO, Final, cast

import apache_beam as beam
import msgspec
from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems

from transforms.avro import read_avro
from transforms.decompress import check_plain, codec_of, decompressed
from transforms.errors import ReadError
from transforms.lines import MAX_LINE_BYTES, Stretch, cut_lines
from transforms.match import InputFile
from transforms.progress import counters
from transforms.read_dead_letters import is_dead_letter_file, unwrap
from transforms.records import Block

DEFAULT_BLOCK_BYTES: Final = 8 * 2**20
DEFAULT_SEGMENT_BYTES: Final = 64 * 2**20
MAX_BLOCK_RECORDS: Final = 2**16
"""What a stage makes of a record takes memory however short it is: more are several blocks."""

_SIGNATURE_BYTES: Final = 16
_READ_BYTES: Final = 2**20
# Behind a segment only the end of its last line is wanted.
_READ_BEHIND_BYTES: Final = 64 * 2**10


class Segment(msgspec.Struct, frozen=True):
    """What is read as one: the lines that start in `[start, end)` bytes of a plain file, or a file.

    Attributes:
        start: A multiple of the block size.
        end: Another, which may lie behind the file's end; `None` for a whole file.
    """

    file: InputFile
    start: int = 0
    end: int | None = None


def segments(
    files: Iterable[InputFile], block_bytes: int, segment_bytes: int = DEFAULT_SEGMENT_BYTES
) -> list[Segment]:
    """Cuts plain files at block borders into segments of about `segment_bytes`."""
    step = max(segment_bytes // block_bytes, 1) * block_bytes
    cut: list[Segment] = []
    for file in files:
        if not file.size_bytes:
            continue
        if _is_avro(file.path) or codec_of(file.path):
            cut.append(Segment(file))
        else:
            cut += [Segment(file, at, at + step) for at in range(0, file.size_bytes, step)]
    return cut


def read_segment(
    segment: Segment, block_bytes: int = DEFAULT_BLOCK_BYTES, avro_field: str | None = None
) -> Iterator[Block]:
    """The blocks of a segment, in order, each as soon as it is complete.

    Args:
        segment: What to read.
        block_bytes: B: a block holds the lines that start within [k·B, (k+1)·B) of the content.
        avro_field: For Avro files, the field that holds the event; see `read_avro`.

    Raises:
        ReadError: The file cannot be opened, or is not what its name says; see the modules
            `decompress`, `lines` and `avro`. The blocks before the fault have been given by then.
    """
    path, time = segment.file.path, segment.file.record_time
    try:
        stored = FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED)
    except OSError as error:
        raise ReadError(f"{path}: was matched but cannot be opened: {error}") from error
    with stored:
        file = _MatchedFile(stored, segment)
        if _is_avro(path):
            for cut in read_avro(cast("BinaryIO", file), path, block_bytes, avro_field):
                numbers = range(cut.first, cut.first + len(cut.lines))
                yield from _blocks(Block(path, cut.start, cut.lines, cut.first, time, numbers))
        else:
            wrapped = is_dead_letter_file(path)
            for cut in _lines(file, segment, block_bytes):
                block = Block(path, cut.start, cut.lines, cut.first, time)
                for each in unwrap(block) if wrapped else (block,):
                    yield from _blocks(each)


def _blocks(block: Block) -> Iterator[Block]:
    """The block, or several of no more than `MAX_BLOCK_RECORDS`, where its records are tiny."""
    if len(block.lines) <= MAX_BLOCK_RECORDS:
        yield block
        return
    positions = block.record_positions()
    for at in range(0, len(block.lines), MAX_BLOCK_RECORDS):
        part = slice(at, at + MAX_BLOCK_RECORDS)
        yield msgspec.structs.replace(
            block,
            lines=block.lines[part],
            first=positions[at],
            positions=block.positions and block.positions[part],
        )


def _lines(file: "_MatchedFile", segment: Segment, block_bytes: int) -> Iterator[Stretch]:
    path = segment.file.path
    if codec := codec_of(path):
        return cut_lines(decompressed(file.chunks(), codec, path), block_bytes, path)
    if segment.start == 0:
        check_plain(file.read(_SIGNATURE_BYTES), path)
    file.seek(max(segment.start - 1, 0))
    return cut_lines(file.chunks(block_bytes), block_bytes, path, segment.start, segment.end)


def _is_avro(path: str) -> bool:
    return path.lower().endswith(".avro")


class _MatchedFile:
    """A file as long as it was when it was matched; counts the bytes of its segment as read."""

    def __init__(self, stored: BinaryIO, segment: Segment) -> None:
        self._stored = stored
        self._path = segment.file.path
        self._size = segment.file.size_bytes
        self._end = self._size if segment.end is None else min(segment.end, self._size)
        self._counted = segment.start
        self._position = 0

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int) -> None:
        self._stored.seek(offset)
        self._position = offset

    def read(self, size: int) -> bytes:
        """Up to `size` bytes; fewer only at the end.

        Raises:
            ReadError: The file has become shorter than it was, or cannot be read.
        """
        size = max(0, min(size, self._size - self._position))
        try:
            data = self._stored.read(size)
        except OSError as error:
            raise ReadError(f"{self._path}: byte {self._position}: {error}") from error
        self._position += len(data)
        if len(data) < size:
            raise ReadError(
                f"{self._path}: ends at byte {self._position}, but had {self._size} bytes when it "
                "was matched.\nInput must not change while it is read: start the run again."
            )
        read = min(self._position, self._end)
        if read > self._counted:
            counters.bytes_read += read - self._counted
            self._counted = read
        return data

    def chunks(self, block_bytes: int = _READ_BYTES) -> Iterator[bytes]:
        """The rest of the file, cut at the borders of blocks so that `cut_lines` need not."""
        while self._position < self._size:
            room = block_bytes - self._position % block_bytes
            most = _READ_BYTES if self._position < self._end else _READ_BEHIND_BYTES
            yield self.read(min(room, most))


class Read(beam.PTransform):
    """Files into blocks; they are read in no particular order.

    Args:
        files: What `match_files` found.
        block_bytes: B, at most 64 MiB: a block holds the lines that start within [k·B, (k+1)·B) of
            its file's content. It is part of what decides the content of objects.
        avro_field: For Avro files, the field of type bytes or string that holds the event; `None`
            turns each record into JSON.
    """

    def __init__(
        self,
        files: Sequence[InputFile],
        block_bytes: int = DEFAULT_BLOCK_BYTES,
        avro_field: str | None = None,
    ) -> None:
        """Cuts the files into segments; nothing is read before the pipeline runs."""
        super().__init__()
        if not 0 < block_bytes <= MAX_LINE_BYTES:
            raise ValueError(f"block_bytes is {block_bytes}; allowed are 1 to {MAX_LINE_BYTES}")
        self._segments = segments(files, block_bytes)
        self._block_bytes = block_bytes
        self._avro_field = avro_field

    def expand(self, pbegin: beam.pvalue.PBegin) -> "beam.PCollection[Block]":
        """The segments, spread over the workers, then each read by one of them."""
        blocks = beam.FlatMap(read_segment, self._block_bytes, self._avro_field)
        return (
            pbegin
            | "Segments" >> beam.Create(self._segments)
            | "Spread" >> beam.Reshuffle()
            | "Blocks" >> blocks.with_output_types(Block)
        )
