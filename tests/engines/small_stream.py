"""A small job over a Kafka topic, as a program: windows by event time, a file for each pane.

python -m tests.engines.small_stream --servers=… --topic=… --output=FOLDER [Beam's options]
"""

import argparse
import sys
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.transforms.window import FixedWindows, TimestampedValue

from transforms.kafka.partitions import list_partitions
from transforms.kafka.settings import KafkaSettings
from transforms.kafka.source import ReadKafka
from transforms.records import Block

KEYS = 4


class Lines(beam.DoFn):
    """Each record under a key, at its own time."""

    def process(self, element: Block) -> Iterator[TimestampedValue]:
        """One element for each record."""
        for index, line in enumerate(element.lines):
            key = int(line.rpartition(b":")[2].rstrip(b"}")) % KEYS
            yield TimestampedValue((key, line), element.time_of(index) or 0)


class WritePane(beam.DoFn):
    """A file for each pane, whole or not there."""

    def __init__(self, folder: str) -> None:
        self._folder = folder

    def process(
        self,
        element: tuple[int, Iterable[bytes]],
        window: beam.transforms.window.IntervalWindow = beam.DoFn.WindowParam,
        pane: beam.utils.windowed_value.PaneInfo = beam.DoFn.PaneInfoParam,
    ) -> None:
        """Writes it; a replay writes it again."""
        key, lines = element
        path = Path(self._folder, f"{int(window.start)}-{key}-{pane.index}")
        scratch = path.with_name(f".{uuid.uuid4().hex}")
        scratch.write_bytes(b"\n".join(lines) + b"\n")
        scratch.rename(path)


def main(arguments: list[str]) -> None:
    """Runs it until it is ended."""
    parser = argparse.ArgumentParser()
    for name in ("--servers", "--topic", "--output"):
        parser.add_argument(name, required=True)
    parser.add_argument("--stop", choices=["latest"])
    parser.add_argument("--detached", action="store_true")
    ours, theirs = parser.parse_known_args(arguments)
    settings = KafkaSettings(ours.servers)
    partitions = list_partitions(settings, [ours.topic], stop=ours.stop)
    Path(ours.output).mkdir(parents=True, exist_ok=True)
    pipeline = beam.Pipeline(options=PipelineOptions(theirs))
    (
        pipeline
        | ReadKafka(settings, partitions, "run00000")
        | "lines" >> beam.ParDo(Lines()).with_output_types(tuple[int, bytes])
        | "window" >> beam.WindowInto(FixedWindows(2))
        | "group" >> beam.GroupByKey()
        | "write" >> beam.ParDo(WritePane(ours.output))
    )
    result = pipeline.run()
    if not ours.detached:
        result.wait_until_finish()


if __name__ == "__main__":
    main(sys.argv[1:])
