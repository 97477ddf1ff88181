"""Beam's own `fileio.WriteToFiles` doing the job, as its documentation shows it.

In its favour: the envelope is decoded by msgspec and not by json, lines are never turned into text,
and each bundle may hold a writer open for every destination and window, so that nothing is spilled
into a shuffle.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import apache_beam as beam
from apache_beam.coders import BytesCoder
from apache_beam.io import fileio
from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.textio import ReadFromText
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.transforms.window import FixedWindows, TimestampedValue

from benchmarks.events import DESTINATIONS, WINDOW_SECONDS, WINDOWS
from benchmarks.measure import report
from transforms.envelope import EnvelopeDecoder
from transforms.parse import DEFAULT_TIME_FIELDS


class Routed(NamedTuple):
    """An event and whose it is."""

    destination: str
    line: bytes


def deliver(source: Path, folder: Path) -> None:
    """Delivers a file of events as gzip files for each destination and window."""
    pipeline = beam.Pipeline(FnApiRunner(), options=PipelineOptions([]))
    (
        pipeline
        | "read" >> ReadFromText(str(source), coder=BytesCoder())
        | "route" >> beam.ParDo(Route())
        | "window" >> beam.WindowInto(FixedWindows(WINDOW_SECONDS))
        | "write"
        >> fileio.WriteToFiles(
            str(folder),
            destination=lambda routed: routed.destination,
            sink=lambda _: LineSink(),
            file_naming=file_name,
            max_writers_per_bundle=len(DESTINATIONS) * WINDOWS,
        )
    )
    pipeline.run().wait_until_finish()


class Route(beam.DoFn):
    """An event → the event with its destination, at its time."""

    def setup(self) -> None:
        """Makes the decoder, which cannot be pickled."""
        self._decode = EnvelopeDecoder(DEFAULT_TIME_FIELDS).decode

    def process(self, line: bytes) -> Iterator[TimestampedValue]:
        """Decodes the envelope."""
        envelope = self._decode(line)
        if envelope.write_key is None or envelope.time is None:
            raise ValueError("every event of the benchmark has a write key and a time")
        routed = Routed(DESTINATIONS[envelope.write_key], line)
        yield TimestampedValue(routed, envelope.time.timestamp())


class LineSink(fileio.FileSink):
    """Lines into a gzip file."""

    def create_metadata(self, destination: str, full_file_name: str) -> fileio.FileMetadata:  # noqa: ARG002 - Beam's signature
        """Says that Beam is to compress the file."""
        return fileio.FileMetadata("application/gzip", CompressionTypes.GZIP)

    def open(self, fh: BinaryIO) -> None:
        """Takes the file."""
        self._file = fh

    def write(self, record: Routed) -> None:
        """Writes one line."""
        self._file.write(record.line)
        self._file.write(b"\n")

    def flush(self) -> None:
        """Leaves it to the file, which is closed next."""


def file_name(window: Any, _pane: Any, shard: int, _shards: int, _: Any, destination: str) -> str:  # noqa: ANN401 - untyped in Beam
    """A name that begins as those of the other programs do."""
    return f"{destination}_{window.start.to_utc_datetime():%Y%m%dT%H%M%SZ}_{shard}.ndjson.gz"


if __name__ == "__main__":
    deliver(Path(sys.argv[1]), Path(sys.argv[2]))
    report({})
