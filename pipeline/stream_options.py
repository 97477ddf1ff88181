"""The options of `run` for Kafka, and for input that never ends."""

import argparse
from collections.abc import Callable
from typing import Any, Final, Literal, get_args

import msgspec
from apache_beam.options.pipeline_options import PipelineOptions

from pipeline.values import Values
from transforms.kafka.consumers import MissingOffsets
from transforms.kafka.partitions import Bound, parse_start, parse_stop
from transforms.kafka.reading import DEFAULT_MAX_OUT_OF_ORDERNESS_SECONDS
from transforms.units import parse_duration
from transforms.window import (
    Lateness,
)

StableChoice = Literal["auto", "on", "off"]
"""Whether what is to be put is made durable first; `auto` for as far as the engine can."""

DEFAULT_CONFIG_TTL_SECONDS: Final = 60


class Streaming(msgspec.Struct, frozen=True):
    """How a stream is worked on; of no account where the input ends.

    Attributes:
        lateness: What its events may deviate from its own times.
        late_firing_delay_seconds: How long late pieces are gathered; `None` for as the engine can.
        max_out_of_orderness_seconds: How much older than one before it a record may be.
        stable_input: Whether what is to be put is made durable first.
        config_ttl_seconds: After how long workers look at the configuration again.
    """

    lateness: Lateness = Lateness()
    late_firing_delay_seconds: int | None = None
    max_out_of_orderness_seconds: int = DEFAULT_MAX_OUT_OF_ORDERNESS_SECONDS
    stable_input: StableChoice = "auto"
    config_ttl_seconds: int = DEFAULT_CONFIG_TTL_SECONDS


class Offsets(msgspec.Struct, frozen=True):
    """What of a topic is to be read."""

    start: Bound = "earliest"
    stop: Bound | None = None
    missing: MissingOffsets = "fail"


class StreamOptions(PipelineOptions):
    """Options of our own for Kafka and for streams."""

    @classmethod
    def _add_argparse_args(cls, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "--kafka_config",
            metavar="FILE",
            help="settings of the Kafka client, as name=value lines; secrets as ${VARIABLE}",
        )
        parser.add_argument(
            "--start_offset",
            metavar="earliest|latest|TIME",
            help="where in its topics a new run begins (default earliest)",
        )
        parser.add_argument(
            "--stop_offset",
            metavar="latest|TIME",
            help="where it ends: a replay of a range (default: never, it is a stream)",
        )
        parser.add_argument(
            "--on_missing_offsets",
            metavar="fail|earliest|latest",
            help="what is done where the next records are no longer in the topic (default fail)",
        )
        parser.add_argument(
            "--max_out_of_orderness",
            metavar="DURATION",
            help="how much older than one before it a record may be and not be late (default"
            f" {DEFAULT_MAX_OUT_OF_ORDERNESS_SECONDS}s)",
        )
        parser.add_argument(
            "--allowed_lateness",
            metavar="DURATION",
            help="how long after its end a window takes events; later ones are dead letters"
            " (default 24h)",
        )
        parser.add_argument(
            "--late_firing_delay",
            metavar="DURATION",
            help="how long late events are gathered into one more object (default 5m; on Prism"
            " not at all)",
        )
        parser.add_argument(
            "--max_clock_skew",
            metavar="DURATION",
            help="an event's own time is not believed if it is later than its record's by more"
            " (default 1h)",
        )
        parser.add_argument(
            "--stable_input",
            metavar="auto|on|off",
            help="whether objects are made durable before they are put, so that a replay puts the"
            " same ones (default auto: on Flink and Dataflow)",
        )
        parser.add_argument(
            "--config_ttl",
            metavar="DURATION",
            help="how often workers read the configuration again (default 60s)",
        )


def offsets_of(options: argparse.Namespace, values: Values) -> Offsets:
    """What is to be read, by these options."""
    start = values.take("start_offset", options.start_offset, parse_start)
    stop = values.take("stop_offset", options.stop_offset, parse_stop)
    # What begins at the latest record ends there.
    if start is not None and stop is not None and _is_empty(start, stop):
        values.mistakes.append("--stop_offset: must be later than --start_offset")
    missing = values.take("on_missing_offsets", options.on_missing_offsets, _missing)
    return Offsets(**_given(start=start, stop=stop, missing=missing))


def _is_empty(start: Bound, stop: Bound) -> bool:
    if isinstance(start, int) and isinstance(stop, int):
        return start >= stop
    return start == "latest"


def streaming_of(options: argparse.Namespace, values: Values) -> Streaming:
    """How a stream is to be worked on, by these options."""

    def seconds(name: str) -> int | None:
        return values.take(name, getattr(options, name), parse_duration)

    lateness = _given(
        allowed_lateness=seconds("allowed_lateness"), max_clock_skew=seconds("max_clock_skew")
    )
    return Streaming(
        lateness=Lateness(**lateness),
        **_given(
            late_firing_delay_seconds=seconds("late_firing_delay"),
            max_out_of_orderness_seconds=seconds("max_out_of_orderness"),
            stable_input=values.take("stable_input", options.stable_input, _stable),
            config_ttl_seconds=seconds("config_ttl"),
        ),
    )


def given_in_vain(options: argparse.Namespace, *, kafka: bool, stream: bool) -> list[str]:
    """Options that say nothing about input of this kind.

    Args:
        options: All of them.
        kafka: Whether the input is Kafka's.
        stream: Whether it never ends.
    """
    of_kafka = ("kafka_config", "start_offset", "stop_offset", "on_missing_offsets")
    of_streams = (
        "max_out_of_orderness",
        "allowed_lateness",
        "late_firing_delay",
        "max_clock_skew",
        "stable_input",
        "config_ttl",
    )
    in_vain = [] if kafka else [(name, "is for --input=kafka://…") for name in of_kafka]
    in_vain += [] if stream else [(name, "is for input that never ends") for name in of_streams]
    return [f"--{name}: {why}" for name, why in in_vain if getattr(options, name) is not None]


def _given(**values: Any) -> dict[str, Any]:  # noqa: ANN401 - a struct's fields
    return {name: value for name, value in values.items() if value is not None}


def _one_of(choices: Any) -> Callable[[str], Any]:  # noqa: ANN401 - a Literal type
    known = get_args(choices)

    def parse(text: str) -> Any:  # noqa: ANN401 - one of them
        if text not in known:
            raise ValueError(f"{text!r} is none of {', '.join(known)}")
        return text

    return parse


_missing: Final = _one_of(MissingOffsets)
_stable: Final = _one_of(StableChoice)
