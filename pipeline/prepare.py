"""From options to a job: every mistake found, and said, before anything is read."""

import argparse
import hashlib
import os
from typing import Final

from apache_beam.io.filesystems import FileSystems
from pydantic import ValidationError

from pipeline.configuration_file import ConfigurationError, load_configuration
from pipeline.job import Job, mint_run
from pipeline.options import UsageError, Values, reading_of
from transforms.configuration import Configuration, Ops, warnings
from transforms.errors import JobError, PutError
from transforms.keys import valid_run
from transforms.match import InputFile, match_files
from transforms.put import Place, open_store
from transforms.refusals import refusals_of
from transforms.store import Folder, PutRequest

_PROBE: Final = b"This object shows that the ops path can be written. It is put at every start.\n"
_PROBE_KEY: Final = "probe.txt"


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
    configuration = _configuration(options.config, values)
    files = _files(options.input, values)
    ops = _ops(options.ops_path, configuration, values)
    run = values.take("run_id", options.run_id, valid_run) or mint_run(files, reading)
    if ops is not None:
        _refuse_own_records(files, ops[0], values)
    if values.mistakes or configuration is None or ops is None:
        raise UsageError(*values.mistakes)
    place, prefix = ops
    _probe(place, prefix)
    job = Job(configuration, tuple(files), reading, run, place, prefix, scratch)
    return job, [
        f"{options.config}: {caution.path} {caution.reason}" for caution in warnings(configuration)
    ]


def _configuration(path: str | None, values: Values) -> Configuration | None:
    if path is None:
        values.mistakes.append("--config is missing: the file with connections and destinations")
        return None
    try:
        return load_configuration(path)
    except ConfigurationError as error:
        values.mistakes += str(error).splitlines()
        return None


def _files(patterns: list[str] | None, values: Values) -> list[InputFile]:
    if not patterns:
        values.mistakes.append("--input is missing: the files of events, e.g. --input='logs/*.gz'")
        return []
    try:
        return match_files(patterns)
    except JobError as error:
        values.mistakes.append(f"--input: {error}")
        return []


def _ops(
    path: str | None, configuration: Configuration | None, values: Values
) -> tuple[Place, str] | None:
    if path is not None:
        return values.take("ops_path", path, _ops_folder)
    if configuration is None:
        return None
    ops = configuration.ops
    if ops is None:
        values.mistakes.append(
            "--ops_path is missing, and the configuration has no ops: a folder of yours for dead"
            " letters, tallies and receipts"
        )
        return None
    if ops.path is not None:
        return _folder(ops.path), ""
    return configuration.connection_of(ops), ops.prefix


def _ops_folder(path: str) -> tuple[Place, str]:
    # The configuration's own rule: what is refused there is refused here.
    try:
        Ops(path=path)
    except ValidationError as error:
        raise ValueError("; ".join(refusal.reason for refusal in refusals_of(error))) from None
    return _folder(path), ""


def _folder(path: str) -> Folder:
    # One place has one name, however it is written: the name is part of what decides a key.
    local = FileSystems.get_scheme(path) is None
    return Folder(os.path.abspath(path) if local else path.rstrip("/"))  # noqa: PTH100 - a text


def _refuse_own_records(files: list[InputFile], place: Place, values: Values) -> None:
    """What a run wrote must not be the next one's input."""
    if not isinstance(place, Folder):
        return
    own = next((file.path for file in files if file.path.startswith(f"{place.path}/")), None)
    if own is not None:
        values.mistakes.append(
            f"--input: {own} lies in the ops path {place.path}, where a run writes: keep them apart"
        )


def _probe(place: Place, prefix: str) -> None:
    key = f"{prefix}/{_PROBE_KEY}" if prefix else _PROBE_KEY
    digest = hashlib.sha256(_PROBE).digest()
    try:
        open_store(place).put(PutRequest("ops", key, _PROBE, "text/plain", digest))
    except PutError as error:
        raise UsageError(f"the ops path cannot be written: {error}") from error
