"""From options to the input: files, or partitions of Kafka's topics."""

import argparse

import msgspec

from pipeline.job import KafkaInput, Reading, mint_kafka_run, mint_run
from pipeline.kafka_input import is_kafka, kafka_input
from pipeline.stream_options import given_in_vain
from pipeline.values import Values
from transforms.errors import JobError
from transforms.match import InputFile, match_files
from transforms.places import Place
from transforms.read_dead_letters import is_dead_letter_file, writer_of
from transforms.store import Folder


class Input(msgspec.Struct, frozen=True):
    """What is to be read: either files or Kafka."""

    files: tuple[InputFile, ...] = ()
    kafka: KafkaInput | None = None

    @property
    def is_stream(self) -> bool:
        """Whether it never ends."""
        return self.kafka is not None and self.kafka.is_endless

    def mint_run(self, reading: Reading) -> str:
        """The id of a run over it."""
        if self.kafka is not None:
            return mint_kafka_run(self.kafka, reading)
        return mint_run(self.files, reading)


def input_of(options: argparse.Namespace, values: Values) -> Input:
    """What the options name as input; mistakes are collected."""
    of_kafka = is_kafka(options.input)
    is_stream = of_kafka and options.stop_offset is None
    values.mistakes += given_in_vain(options, kafka=of_kafka, stream=is_stream)
    if not of_kafka:
        return Input(files=_files(options.input, values))
    if options.avro_field is not None:
        values.mistakes.append("--avro_field: is for files")
    return Input(kafka=kafka_input(options, values))


def refuse_own(found: Input, place: Place, run: str, values: Values) -> None:
    """What a run wrote must not be the next one's input, but for its dead letters.

    And those, read again, are a run of their own.
    """
    paths = [file.path for file in found.files]
    if isinstance(place, Folder):
        below = (path for path in paths if path.startswith(f"{place.path}/"))
        own = next((path for path in below if not is_dead_letter_file(path)), None)
        if own is not None:
            values.mistakes.append(
                f"--input: {own} lies in the ops path {place.path}, where a run writes: keep them"
                " apart (of what is there, only files of dead letters can be input)"
            )
    written = next((path for path in paths if writer_of(path) == run), None)
    if written is not None:
        values.mistakes.append(
            f"--run_id: {written} was written by the run {run}, whose objects would be overwritten:"
            " leave the option out"
        )


def _files(patterns: list[str] | None, values: Values) -> tuple[InputFile, ...]:
    if not patterns:
        values.mistakes.append("--input is missing: the files of events, e.g. --input='logs/*.gz'")
        return ()
    try:
        return tuple(match_files(patterns))
    except JobError as error:
        values.mistakes.append(f"--input: {error}")
        return ()
