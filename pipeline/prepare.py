"""From options to a job: every mistake found, and said, before anything is read."""

import argparse
from collections.abc import Iterator

from pipeline.command_parser import UsageError
from pipeline.job import Job, mint_run
from pipeline.ops_path import configuration_of, ops_path_of, probe
from pipeline.options import Values, none_named, parse_ratio, reading_of
from transforms.configuration import Configuration, warnings
from transforms.errors import JobError
from transforms.keys import valid_run
from transforms.match import InputFile, match_files
from transforms.object_tree import TreeError
from transforms.ops_tree import ops_tree
from transforms.places import OpsPath, Place
from transforms.read_dead_letters import is_dead_letter_file, writer_of
from transforms.s3 import has_credentials
from transforms.store import Folder
from transforms.units import parse_duration
from transforms.withdraw import withdraw


def prepare(options: argparse.Namespace, scratch: str | None) -> tuple[Job, list[str]]:
    """Checks options, configuration, input and ops path.

    Args:
        options: The options of `run`, as texts.
        scratch: A folder on the local disk where the job runs on this machine alone.

    Returns:
        The job, and what should be said before it runs.

    Raises:
        UsageError: With one line for each mistake.
    """
    values = Values()
    reading = reading_of(options, values)
    configuration = configuration_of(options.config, values)
    files = _files(options.input, values)
    ops = ops_path_of(options.ops_path, configuration, values)
    run = values.take("run_id", options.run_id, valid_run) or mint_run(files, reading)
    # Where the job runs elsewhere, so do its credentials.
    if scratch is not None and not has_credentials():
        values.mistakes.append(
            "no AWS credentials: give them by the default chain, environment, files, or role"
        )
    deadline = values.take("put_deadline", options.put_deadline, parse_duration) or 0
    ratio = values.take("max_dead_letter_ratio", options.max_dead_letter_ratio, parse_ratio)
    if ratio is not None and scratch is None:
        values.mistakes.append("--max_dead_letter_ratio: only a run on this machine knows its sums")
    if ops is not None:
        _refuse_own_records(files, ops.place, values)
    _refuse_own_run(files, run, values)
    if configuration is not None:
        _refuse_strangers(reading.destinations, configuration, values)
    if values.mistakes or configuration is None or ops is None:
        raise UsageError(*values.mistakes)
    probe(ops)
    job = Job(configuration, tuple(files), reading, run, ops, scratch, deadline, ratio)
    return job, [
        *(f"{options.config}: {each.path} {each.reason}" for each in warnings(configuration)),
        *_withdrawn(ops, run),
    ]


def _withdrawn(ops: OpsPath, run: str) -> Iterator[str]:
    try:
        if moved := withdraw(ops_tree(ops), run):
            yield (
                f"an earlier attempt of this run had parked objects: {moved:,}, withdrawn now;"
                " this one delivers them, or parks them again"
            )
    except TreeError as error:
        yield (
            f"{error}\nIf an earlier attempt of this run has parked objects there, a redrive may"
            " put them over what this one delivers."
        )


def _files(patterns: list[str] | None, values: Values) -> list[InputFile]:
    if not patterns:
        values.mistakes.append("--input is missing: the files of events, e.g. --input='logs/*.gz'")
        return []
    try:
        return match_files(patterns)
    except JobError as error:
        values.mistakes.append(f"--input: {error}")
        return []


def _refuse_strangers(names: tuple[str, ...], configuration: Configuration, values: Values) -> None:
    known = [each.name for each in configuration.destinations]
    values.mistakes += [
        f"--destinations: {none_named(name, known)}" for name in names if name not in known
    ]


def _refuse_own_records(files: list[InputFile], place: Place, values: Values) -> None:
    """What a run wrote must not be the next one's input, but for its dead letters."""
    if not isinstance(place, Folder):
        return
    below = (file.path for file in files if file.path.startswith(f"{place.path}/"))
    own = next((path for path in below if not is_dead_letter_file(path)), None)
    if own is not None:
        values.mistakes.append(
            f"--input: {own} lies in the ops path {place.path}, where a run writes: keep them apart"
            " (of what is there, only files of dead letters can be input)"
        )


def _refuse_own_run(files: list[InputFile], run: str, values: Values) -> None:
    """Dead letters that are read again are a run of their own."""
    own = next((file.path for file in files if writer_of(file.path) == run), None)
    if own is not None:
        values.mistakes.append(
            f"--run_id: {own} was written by the run {run}, whose objects would be overwritten:"
            " leave the option out"
        )
