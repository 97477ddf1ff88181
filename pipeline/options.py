"""The options of `run`: as Beam knows them, and parsed once from text to typed values."""

import argparse
import math
from collections.abc import Iterable
from typing import Any, Final

from apache_beam.options.pipeline_options import PipelineOptions

from pipeline.job import Reading
from pipeline.values import Values
from transforms.envelope import ENVELOPE_FIELDS
from transforms.lines import MAX_LINE_BYTES
from transforms.refusals import nearest, quote
from transforms.route import Unmatched
from transforms.span import Span
from transforms.units import format_size, parse_duration, parse_size, parse_time

_LONGEST_WINDOW: Final = 366 * 86_400
_LEAST_BLOCK: Final = 2**16
_MOST_BLOCK: Final = MAX_LINE_BYTES


class EventLogsOptions(PipelineOptions):
    """Options of our own, beside all of Beam's."""

    @classmethod
    def _add_argparse_args(cls, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "--config", metavar="FILE", help="the configuration: connections and destinations"
        )
        parser.add_argument(
            "--input",
            action="append",
            metavar="GLOB|kafka://HOST:PORT/TOPIC",
            help="files of events: lines of JSON, plain or .gz, .bz2, .zst, or .avro; repeatable;"
            " or topics of Kafka: kafka://host:port[,host:port]/topic[,topic]",
        )
        parser.add_argument(
            "--ops_path",
            metavar="FOLDER",
            help="where dead letters, parked objects, receipts and tallies go; overrides the"
            " configuration's ops",
        )
        parser.add_argument(
            "--window", default="10m", metavar="DURATION", help="length of a window (default 10m)"
        )
        parser.add_argument(
            "--event_time_fields",
            default="receivedAt,timestamp",
            metavar="NAMES",
            help="an event's own time: the first that it has (default receivedAt,timestamp)",
        )
        parser.add_argument(
            "--max_event_bytes",
            default="1MiB",
            metavar="SIZE",
            help="a longer event is a dead letter (default 1MiB)",
        )
        parser.add_argument(
            "--block_bytes",
            default="8MiB",
            metavar="SIZE",
            help="how much is read, parsed and packed as one (default 8MiB)",
        )
        parser.add_argument(
            "--avro_field",
            metavar="NAME",
            help="the Avro field that holds the event's JSON (default: the record is the event)",
        )
        parser.add_argument(
            "--unmatched",
            default="count",
            metavar="count|dead_letter",
            help="what becomes of an event that no destination matches (default count)",
        )
        parser.add_argument(
            "--destinations",
            metavar="NAMES",
            help="a backfill for these destinations alone, a run of its own",
        )
        parser.add_argument(
            "--start_time",
            metavar="TIME",
            help="a backfill of events from this time on, e.g. 2026-11-20T10:00:00Z",
        )
        parser.add_argument(
            "--end_time", metavar="TIME", help="a backfill of events before this time"
        )
        parser.add_argument(
            "--max_dead_letter_ratio",
            metavar="RATIO",
            help="if more than this part of the records, from 0 to 1, are dead letters, it ends"
            " with exit code 1 (default: however many)",
        )
        parser.add_argument(
            "--put_deadline",
            default="30s",
            metavar="DURATION",
            help="for one object, all attempts together; then it is parked (default 30s)",
        )
        parser.add_argument(
            "--run_id",
            metavar="ID",
            help="8 lower-case letters or digits, never to be used for another input, whose objects"
            " would overwrite this one's (default: a digest of the input's names, sizes and times;"
            " of a stream, a new one)",
        )


def reading_of(options: argparse.Namespace, values: Values) -> Reading:
    """How the input is to be read, by these options."""
    given: dict[str, Any] = {
        "window_seconds": values.take("window", options.window, _window),
        "time_fields": values.take("event_time_fields", options.event_time_fields, _names),
        "max_event_bytes": values.take("max_event_bytes", options.max_event_bytes, _event_size),
        "block_bytes": values.take("block_bytes", options.block_bytes, _block_size),
        "avro_field": values.take("avro_field", options.avro_field, _field),
        "unmatched": values.take("unmatched", options.unmatched, _unmatched),
        "destinations": values.take("destinations", options.destinations, _destinations),
        "span": _span(options, values),
    }
    if given["destinations"] and given["unmatched"] == "dead_letter":
        values.mistakes.append("--unmatched=dead_letter: would take the other destinations' events")
    return Reading(**{name: value for name, value in given.items() if value is not None})


def _destinations(text: str) -> tuple[str, ...]:
    names = tuple(sorted({name.strip() for name in text.split(",") if name.strip()}))
    if not names:
        raise ValueError("names no destination")
    return names


def _span(options: argparse.Namespace, values: Values) -> Span:
    start = values.take("start_time", options.start_time, parse_time)
    end = values.take("end_time", options.end_time, parse_time)
    if start is not None and end is not None and start >= end:
        values.mistakes.append("--end_time: must be later than --start_time")
    return Span(start, end)


def none_named(name: str, known: Iterable[str]) -> str:
    """What to say of a destination's name that nobody knows."""
    return f"no destination is named {quote(name)}{nearest(name, known)}"


def parse_ratio(text: str) -> float:
    """Turns `0.01` into a number from 0 to 1.

    Raises:
        ValueError: It is none.
    """
    try:
        ratio = float(text)
    except ValueError:
        ratio = math.nan
    if not 0 <= ratio <= 1:  # nor is what is not a number
        raise ValueError(f"{text!r} is no number from 0 to 1")
    return ratio


def _window(text: str) -> int:
    seconds = parse_duration(text)
    if seconds > _LONGEST_WINDOW:
        raise ValueError(f"{text} is longer than a year")
    return seconds


def _names(text: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    if not names:
        raise ValueError("names no field")
    if taken := ENVELOPE_FIELDS.intersection(names):
        raise ValueError(f"{', '.join(sorted(taken))} is no time: the envelope has it for itself")
    return names


def _event_size(text: str) -> int:
    size = parse_size(text)
    if size > MAX_LINE_BYTES:
        raise ValueError(f"{text} is more than a line may have: {format_size(MAX_LINE_BYTES)}")
    return size


def _block_size(text: str) -> int:
    size = parse_size(text)
    if not _LEAST_BLOCK <= size <= _MOST_BLOCK:
        raise ValueError(f"{text} is out of bounds: from 64KiB to 64MiB")
    return size


def _field(text: str) -> str:
    if not text:
        raise ValueError("names no field")
    return text


def _unmatched(text: str) -> Unmatched:
    if text == "count":
        return "count"
    if text == "dead_letter":
        return "dead_letter"
    raise ValueError(f"{text!r} is neither count nor dead_letter")
