"""The command line of `redrive`, and what it finds in today's configuration."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from apache_beam.io.filesystems import FileSystems

from pipeline.command_parser import Parser, UsageError, command_parser
from pipeline.ops_path import configuration_of, ops_path_of
from pipeline.options import none_named
from pipeline.values import Values
from transforms.object_tree import TreeError
from transforms.places import OpsPath, Place
from transforms.records import ManifestMode
from transforms.refusals import nearest
from transforms.store import Folder
from transforms.units import parse_duration

_USAGE: Final = """\
s3-event-logs redrive --config FILE [--ops_path FOLDER] [--destination NAME …] [--dry_run]
                            [--every DURATION] [option …]"""
_ABOUT: Final = """\
Puts parked objects again, under the same keys, with today's credentials and headers; lists those
that got through in a manifest, and then moves their files to redriven/ in the ops path. What is
refused again stays parked. It may be killed at any moment, run again, and run beside the job.

An object never follows its destination's name into another bucket: where the bucket or its owner
is not that of the parked object, or the destination is gone, it is refused."""
_CODES: Final = """\
exit codes: 0 nothing is parked any more (of the destinations that are named); 1 the ops path cannot
be read or written; 2 the command line or the configuration is wrong; 3 something is still parked,
or damaged; 130 interrupted"""


class Command(NamedTuple):
    """What is asked for.

    Attributes:
        destinations: Only theirs; all where none is named.
        new_buckets: Destinations whose objects may go into another bucket than they were made for.
        every_seconds: How long to wait between rounds; `None` for one round.
    """

    config: str | None
    ops_path: str | None
    destinations: tuple[str, ...]
    new_buckets: frozenset[str]
    dry_run: bool
    every_seconds: int | None
    deadline_seconds: int


class Today(NamedTuple):
    """What the configuration says at the time of a round.

    Attributes:
        places: By a destination's name, where its objects go.
        modes: By a destination's name, whether it gets manifests.
    """

    ops: OpsPath
    places: Mapping[str, Place]
    modes: Mapping[str, ManifestMode]


def command_of(arguments: Sequence[str]) -> Command:
    """Parses a command line.

    Raises:
        UsageError: With one line for each mistake.
    """
    parser = _parser()
    options, unknown = parser.parse_known_args(list(arguments))
    values = Values()
    values.mistakes += [_unknown(text, parser) for text in unknown]
    every = values.take("every", options.every, parse_duration)
    deadline = values.take("put_deadline", options.put_deadline, parse_duration) or 0
    if options.dry_run and options.every:
        values.mistakes.append("--dry_run and --every do not go together: one puts nothing")
    if values.mistakes:
        raise UsageError(*values.mistakes)
    return Command(
        config=options.config,
        ops_path=options.ops_path,
        destinations=tuple(dict.fromkeys(options.destination)),
        new_buckets=frozenset(options.allow_new_bucket),
        dry_run=options.dry_run,
        every_seconds=every,
        deadline_seconds=deadline,
    )


def today_of(command: Command) -> Today:
    """Reads the configuration as it is now.

    Raises:
        UsageError: With one line for each mistake in it.
        TreeError: The ops path is a folder that is not there.
    """
    values = Values()
    configuration = configuration_of(command.config, values)
    ops = ops_path_of(command.ops_path, configuration, values)
    known = {each.name: each for each in configuration.destinations} if configuration else {}
    if configuration:
        for name in sorted(command.new_buckets - known.keys()):
            values.mistakes.append(f"--allow_new_bucket: {none_named(name, known)}")
    if values.mistakes or configuration is None or ops is None:
        raise UsageError(*values.mistakes)
    _insist_on_folder(ops)
    return Today(
        ops=ops,
        # One that is disabled gets nothing new; what is parked was promised before.
        places={name: configuration.connection_of(each) for name, each in known.items()},
        modes={name: each.manifest for name, each in known.items()},
    )


def help_text() -> str:
    """What `redrive --help` says."""
    return _parser().format_help()


def _parser() -> Parser:
    parser = command_parser(_USAGE, _ABOUT, _CODES)
    add = parser.add_argument
    add("--config", metavar="FILE", help="the configuration: connections and destinations")
    add(
        "--ops_path",
        metavar="FOLDER",
        help="where objects are parked; overrides the configuration's ops",
    )
    add(
        "--destination",
        action="append",
        default=[],
        metavar="NAME",
        help="this one's objects alone; repeatable",
    )
    add("--dry_run", action="store_true", help="show what is parked, and put nothing")
    add(
        "--every",
        metavar="DURATION",
        help="go on until interrupted, with so long between rounds; the configuration is read"
        " again in each",
    )
    add(
        "--allow_new_bucket",
        action="append",
        default=[],
        metavar="NAME",
        help="put this destination's objects into its bucket of today, though they were made for"
        " another bucket or owner; manifests that are parked for another bucket are not put, only"
        " moved to redriven/; repeatable",
    )
    add(
        "--put_deadline",
        default="30s",
        metavar="DURATION",
        help="for one object, all attempts together (default 30s)",
    )
    return parser


def _unknown(text: str, parser: Parser) -> str:
    if not text.startswith("--"):
        return f"{text!r} is no option"
    name = text.partition("=")[0]
    return f"{name} is not known{nearest(name, parser.names)}"


def _insist_on_folder(ops: OpsPath) -> None:
    place = ops.place
    if not isinstance(place, Folder) or FileSystems.get_scheme(place.path) is not None:
        return
    # In a folder that is not there nothing would be parked, and all seem well.
    try:
        is_there = Path(place.path).is_dir()
    except OSError as error:
        raise TreeError(f"{place.path}: cannot be read: {error.strerror}") from error
    if not is_there:
        raise TreeError(f"{place.path}: there is no such folder; is it the run's ops path?")
