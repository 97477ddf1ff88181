"""assemble: a pane's pieces → parts, each a whole object with its key.

The pieces are put into the order of their events, joined, and cut at `max_object_bytes`. The key is
made here, where the pane is known.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import apache_beam as beam
import zstandard

from transforms import deflate
from transforms.fixed_windows import whole_seconds
from transforms.keys import object_key
from transforms.records import Part, Piece, Target, Window
from transforms.spool import SpoolReader, body_length

SMALL_PIECE_BYTES: Final = 2**14
"""Pieces that average less than this are deflated again as one run: small ones compress badly."""

_RUN_BYTES: Final = 2**24  # raw bytes that are deflated at once, so that memory stays bounded


def assemble(
    target: Target, window: Window, pane: int, pieces: Iterable[Piece], reader: SpoolReader
) -> Iterator[Part]:
    """Joins the pieces of one pane of one target into objects, each as it is asked for.

    Raises:
        ValueError: A piece was damaged on its way; noticed where it must be inflated.
    """
    ordered = sorted(pieces, key=lambda piece: (piece.source, piece.first, piece.crc32))
    for number, chosen in enumerate(cut(ordered, target)):
        yield Part(
            target=target,
            window=window,
            pane=pane,
            part=number,
            key=object_key(target, window, pane, number),
            body=_BODIES[target.compression](chosen, reader),
            events=sum(piece.events for piece in chosen),
            raw_bytes=sum(piece.raw_bytes for piece in chosen),
        )


def cut(pieces: Sequence[Piece], target: Target) -> Iterator[Sequence[Piece]]:
    """Cuts ordered pieces into runs that stay within `max_object_bytes`, at pieces' borders.

    A piece that alone exceeds the limit is a part of its own. What zstd will make of a piece is not
    known beforehand: its deflated length, which is hardly ever exceeded, stands in for it.
    """
    chosen: list[Piece] = []
    stored = 0
    for piece in pieces:
        length = piece.raw_bytes if target.compression == "none" else body_length(piece)
        if chosen and stored + length > target.max_object_bytes:
            yield chosen
            chosen, stored = [], 0
        chosen.append(piece)
        stored += length
    if chosen:
        yield chosen


def _gzip(pieces: Sequence[Piece], reader: SpoolReader) -> bytes:
    """One gzip member: some readers stop after the first."""
    stored = sum(map(body_length, pieces))
    small = len(pieces) > 1 and stored < SMALL_PIECE_BYTES * len(pieces)
    runs = map(deflate.deflate, _merged(pieces, reader)) if small else map(reader.body_of, pieces)
    return deflate.gzip_member(runs, ((piece.crc32, piece.raw_bytes) for piece in pieces))


def _plain(pieces: Sequence[Piece], reader: SpoolReader) -> bytes:
    return b"".join(_raw(piece, reader) for piece in pieces)


def _zstd(pieces: Sequence[Piece], reader: SpoolReader) -> bytes:
    """One frame, with its content's size and checksum: some readers stop after the first."""
    size = sum(piece.raw_bytes for piece in pieces)
    compressor = zstandard.ZstdCompressor(write_checksum=True).compressobj(size=size)
    runs = [compressor.compress(_raw(piece, reader)) for piece in pieces]
    return b"".join((*runs, compressor.flush()))


_BODIES: Final = {"gzip": _gzip, "none": _plain, "zstd": _zstd}


def _raw(piece: Piece, reader: SpoolReader) -> bytes:
    data = deflate.inflate(reader.body_of(piece))
    if deflate.crc32(data) != piece.crc32:
        raise ValueError(f"a piece of {piece.source} at {piece.first} was damaged on its way")
    return data


def _merged(pieces: Iterable[Piece], reader: SpoolReader) -> Iterator[bytes]:
    """The pieces' raw bytes in fewer, larger stretches."""
    waiting: list[bytes] = []
    length = 0
    for piece in pieces:
        waiting.append(_raw(piece, reader))
        length += piece.raw_bytes
        if length >= _RUN_BYTES:
            yield b"".join(waiting)
            waiting, length = [], 0
    if waiting:
        yield b"".join(waiting)


class Assemble(beam.PTransform):
    """A grouped pane of pieces by target → parts."""

    def expand(
        self, grouped: beam.PCollection[tuple[Target, Iterable[Piece]]]
    ) -> beam.PCollection[Part]:
        """Applies `assemble` to each pane."""
        return grouped | beam.ParDo(_AssemblePane())


class _AssemblePane(beam.DoFn):
    def setup(self) -> None:
        self._reader = SpoolReader()

    def process(
        self,
        grouped: tuple[Target, Iterable[Piece]],
        window: Any = beam.DoFn.WindowParam,  # noqa: ANN401 - Beam's marker, then its value
        pane: Any = beam.DoFn.PaneInfoParam,  # noqa: ANN401 - the same
    ) -> Iterator[Part]:
        target, pieces = grouped
        interval = Window(whole_seconds(window.start), whole_seconds(window.end))
        yield from assemble(target, interval, pane.index, pieces, self._reader)

    def teardown(self) -> None:
        self._reader.close()
