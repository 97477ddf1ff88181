"""From options to a job: every mistake found, and said, before anything is read."""

import argparse
from collections.abc import Iterator

from pipeline.command_parser import UsageError
from pipeline.dataflow import refuse_local_folder
from pipeline.engine import late_firing_delay, refuse_stream, stable_input, windows_kept
from pipeline.input import input_of, refuse_own
from pipeline.job import Job
from pipeline.ops_path import configuration_of, ops_path_of, probe
from pipeline.options import none_named, parse_ratio, reading_of
from pipeline.stream_options import streaming_of
from pipeline.values import Values
from transforms.configuration import Configuration, warnings
from transforms.keys import valid_run
from transforms.object_tree import TreeError
from transforms.ops_tree import ops_tree
from transforms.places import OpsPath
from transforms.s3_client import has_credentials
from transforms.units import parse_duration
from transforms.withdraw import withdraw


def prepare(
    options: argparse.Namespace, runner: str | None, scratch: str | None, *, dry: bool = False
) -> tuple[Job, list[str]]:
    """Checks options, configuration, input and ops path.

    Args:
        options: The options of `run`, as texts.
        runner: The engine's name; `None` for this process.
        scratch: A folder on the local disk where the job runs on this machine alone.
        dry: Whether nothing is to be run, so that nothing in the ops path may be touched.

    Returns:
        The job, and what should be said before it runs.

    Raises:
        UsageError: With one line for each mistake.
    """
    values = Values()
    reading, streaming = reading_of(options, values), streaming_of(options, values)
    configuration = configuration_of(options.config, values)
    found = input_of(options, values)
    ops = ops_path_of(options.ops_path, configuration, values)
    run = values.take("run_id", options.run_id, valid_run) or found.mint_run(reading)
    is_stream = found.is_stream
    refuse_stream(runner, values, is_stream=is_stream)
    gathered = late_firing_delay(runner, streaming.late_firing_delay_seconds, values)
    stable = stable_input(runner, streaming.stable_input, values, is_stream=is_stream)
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
        refuse_local_folder(runner, ops.place, values)
        refuse_own(found, ops.place, run, values)
    if configuration is not None:
        _refuse_strangers(reading.destinations, configuration, values)
    if values.mistakes or configuration is None or ops is None:
        raise UsageError(*values.mistakes)
    if not dry:
        probe(ops)
    job = Job(
        configuration=configuration,
        files=found.files,
        reading=reading,
        run=run,
        ops=ops,
        scratch=scratch,
        put_deadline_seconds=deadline,
        max_dead_letter_ratio=ratio,
        kafka=found.kafka,
        streaming=streaming,
        stable_input=stable,
        late_firing_delay_seconds=gathered,
        windows_kept_seconds=windows_kept(runner, streaming.lateness.allowed_lateness),
        config_path=options.config if is_stream else None,
    )
    return job, [
        *(f"{options.config}: {each.path} {each.reason}" for each in warnings(configuration)),
        *(() if is_stream or dry else _withdrawn(ops, run)),
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


def _refuse_strangers(names: tuple[str, ...], configuration: Configuration, values: Values) -> None:
    known = [each.name for each in configuration.destinations]
    values.mistakes += [
        f"--destinations: {none_named(name, known)}" for name in names if name not in known
    ]
