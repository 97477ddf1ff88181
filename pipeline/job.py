"""A job: all that decides a run, typed and checked, before any of it is built."""

import os
from collections.abc import Sequence
from typing import Final

import msgspec

from pipeline.configuration_file import as_workers_find_it
from pipeline.stream_options import Streaming
from transforms.configuration import Configuration
from transforms.destination import Destination
from transforms.edition import Edition, Editions
from transforms.kafka.consumers import MissingOffsets
from transforms.kafka.partitions import Partition, mint_stream_run
from transforms.kafka.reading import Pace
from transforms.kafka.settings import KafkaSettings
from transforms.keys import RUN_CHARACTERS, digest
from transforms.lanes import DEFAULT_PUT_DEADLINE
from transforms.live import LiveConfiguration
from transforms.match import InputFile
from transforms.ops import OPS_DESTINATIONS, ops_target
from transforms.parse import DEFAULT_MAX_EVENT_BYTES, DEFAULT_TIME_FIELDS
from transforms.places import OpsPath
from transforms.read import DEFAULT_BLOCK_BYTES
from transforms.records import Guarantee, Target
from transforms.route import Unmatched
from transforms.span import EVERYTHING, Span
from transforms.stable import StableInput
from transforms.window import (
    DEFAULT_ALLOWED_LATENESS_SECONDS,
    DEFAULT_LATE_FIRING_DELAY_SECONDS,
    DEFAULT_WINDOW_SECONDS,
)

_RECEIPTS_LATER_SECONDS: Final = 7 * 86_400


class Reading(msgspec.Struct, frozen=True):
    """How the input becomes events: what here differs may put other content under the same keys.

    Attributes:
        destinations: Of a backfill, the names of those that it is for; none named are all.
        span: Of a backfill, the event times that it asks for.
    """

    window_seconds: int = DEFAULT_WINDOW_SECONDS
    time_fields: tuple[str, ...] = DEFAULT_TIME_FIELDS
    max_event_bytes: int = DEFAULT_MAX_EVENT_BYTES
    block_bytes: int = DEFAULT_BLOCK_BYTES
    avro_field: str | None = None
    unmatched: Unmatched = "count"
    destinations: tuple[str, ...] = ()
    span: Span = EVERYTHING


class KafkaInput(msgspec.Struct, frozen=True):
    """Partitions of a cluster's topics, as they were when the job was submitted.

    Attributes:
        settings: How to reach the cluster; no secret is in it.
        partitions: All with an end, or none.
        missing: What happens where the next records are gone.
    """

    settings: KafkaSettings
    partitions: tuple[Partition, ...]
    missing: MissingOffsets = "fail"

    @property
    def is_endless(self) -> bool:
        """Whether it is a stream."""
        return any(partition.stop is None for partition in self.partitions)


class Job(msgspec.Struct, frozen=True):
    """One run over one input.

    Attributes:
        configuration: Connections and destinations.
        files: The input, where it is files.
        reading: How it becomes events.
        run: The run's id, part of every key.
        ops: Where dead letters, parked objects, receipts and tallies go.
        scratch: A folder on the local disk for pieces and the summary, where all workers share one
            machine; `None` where they do not.
        put_deadline_seconds: For one put, all its attempts together.
        max_dead_letter_ratio: The largest part of its records that a run may end well with as dead
            letters; `None` for any.
        kafka: The input, where it is Kafka's.
        streaming: How it is worked on, where it never ends.
        stable_input: How what is to be put is made durable first.
        late_firing_delay_seconds: How long late pieces are gathered; 0 for not at all.
        windows_kept_seconds: How long after a window's end the engine takes late pieces for it.
        config_path: In a stream, the configuration's file, which workers read again and find at the
            same place; `None` where it is read once.
    """

    configuration: Configuration
    files: tuple[InputFile, ...]
    reading: Reading
    run: str
    ops: OpsPath
    scratch: str | None = None
    put_deadline_seconds: float = DEFAULT_PUT_DEADLINE
    max_dead_letter_ratio: float | None = None
    kafka: KafkaInput | None = None
    streaming: Streaming = Streaming()
    stable_input: StableInput = "off"
    late_firing_delay_seconds: int = DEFAULT_LATE_FIRING_DELAY_SECONDS
    windows_kept_seconds: int = DEFAULT_ALLOWED_LATENESS_SECONDS
    config_path: str | None = None

    @property
    def is_stream(self) -> bool:
        """Whether the input never ends."""
        return self.kafka is not None and self.kafka.is_endless

    @property
    def guarantee(self) -> Guarantee:
        """What holds where the job is replayed."""
        if not self.is_stream:
            return "repeatable"
        return "orphans_possible" if self.stable_input == "off" else "stable"

    @property
    def receipts_kept_seconds(self) -> int:
        """How long after a window's end the engine takes receipts for it.

        Flink's watermark passes what waits for a checkpoint (Beam issue 39991): receipts come later
        than their pieces did by as much as it moves meanwhile, after a long stop by days.
        """
        later = _RECEIPTS_LATER_SECONDS if self.stable_input == "checkpoint" else 0
        return self.windows_kept_seconds + later

    @property
    def pace(self) -> Pace:
        """How Kafka's partitions are read."""
        return Pace(
            block_bytes=self.reading.block_bytes,
            max_out_of_orderness_seconds=self.streaming.max_out_of_orderness_seconds,
        )

    @property
    def summary_path(self) -> str | None:
        """Where the run's sums are written as JSON."""
        return None if self.scratch is None else os.path.join(self.scratch, "summary.json")  # noqa: PTH118 - a text that travels to workers

    @property
    def asked_for(self) -> list[Destination]:
        """The destinations that the job is for, in the configuration's order."""
        names = self.reading.destinations
        every = self.configuration.destinations
        return [each for each in every if not names or each.name in names]

    @property
    def edition(self) -> Edition:
        """The configuration as it is now, with what the stages need of it."""
        own = dict.fromkeys(OPS_DESTINATIONS, self.ops.place)
        return Edition(self.configuration, self.run, own, self.reading.destinations)

    def editions(self) -> Editions:
        """What all stages together ask for the configuration: one for each graph."""
        if self.config_path is None:
            return self.edition
        source = as_workers_find_it(self.config_path)
        return LiveConfiguration(self.edition, source, self.streaming.config_ttl_seconds)

    def ops_target(self, name: str) -> Target:
        """The target of a built-in destination."""
        configured = self.configuration.model_dump_json()
        return ops_target(name, self.run, self.ops, configured)


def mint_run(files: Sequence[InputFile], reading: Reading) -> str:
    """The id of a bounded run: the same input, read in the same way, is the same run."""
    names = sorted((file.path, file.size_bytes, file.modified_micros) for file in files)
    return digest(RUN_CHARACTERS, names, reading)


def mint_kafka_run(kafka: KafkaInput, reading: Reading) -> str:
    """The id of a run over Kafka: of a stream a new one, of a range the same for the same."""
    if kafka.is_endless:
        return mint_stream_run()
    ranges = sorted(
        (each.cluster, each.topic, each.partition, each.start, each.stop or 0)
        for each in kafka.partitions
    )
    return digest(RUN_CHARACTERS, ranges, reading)
