"""What every command needs to know first: the configuration, and the operator's own place."""

import hashlib
import os
import time
from typing import Final

from apache_beam.io.filesystems import FileSystems
from pydantic import ValidationError

from pipeline.command_parser import UsageError
from pipeline.configuration_error import ConfigurationError
from pipeline.configuration_file import load_configuration
from pipeline.values import Values
from transforms.configuration import Configuration, Ops
from transforms.errors import PutError
from transforms.lanes import DEFAULT_PUT_DEADLINE
from transforms.places import OpsPath, open_store
from transforms.refusals import refusals_of
from transforms.store import Folder, PutRequest

_PROBE: Final = b"This object shows that the ops path can be written. It is put at every start.\n"
_PROBE_KEY: Final = "probe.txt"


def configuration_of(path: str | None, values: Values) -> Configuration | None:
    """The configuration in a file; `None` where it has mistakes, which are collected."""
    if path is None:
        values.mistakes.append("--config is missing: the file with connections and destinations")
        return None
    try:
        return load_configuration(path)
    except ConfigurationError as error:
        values.mistakes += str(error).splitlines()
        return None


def ops_path_of(
    path: str | None, configuration: Configuration | None, values: Values
) -> OpsPath | None:
    """The operator's own place, as the option names it, or else the configuration.

    Args:
        path: The option's value.
        configuration: What else may name it; `None` where it has mistakes.
        values: Collects what is wrong.
    """
    if path is not None:
        return values.take("ops_path", path, _given)
    if configuration is None:
        return None
    ops = configuration.ops
    if ops is None:
        values.mistakes.append(
            "--ops_path is missing, and the configuration has no ops: a folder of yours for dead"
            " letters, parked objects, tallies and receipts"
        )
        return None
    if ops.path is not None:
        return OpsPath(_folder(ops.path))
    return OpsPath(configuration.connection_of(ops), ops.prefix)


def _given(path: str) -> OpsPath:
    # The configuration's own rule: what is refused there is refused here.
    try:
        Ops(path=path)
    except ValidationError as error:
        raise ValueError("; ".join(refusal.reason for refusal in refusals_of(error))) from None
    return OpsPath(_folder(path))


def _folder(path: str) -> Folder:
    # One place has one name, however it is written: the name is part of what decides a key.
    local = FileSystems.get_scheme(path) is None
    return Folder(os.path.abspath(path) if local else path.rstrip("/"))  # noqa: PTH100 - a text


def probe(ops: OpsPath) -> None:
    """Writes an object into the operator's own place, to see that it can be written.

    Raises:
        UsageError: It cannot.
    """
    digest = hashlib.sha256(_PROBE).digest()
    try:
        open_store(ops.place).put(
            PutRequest("ops", ops.key(_PROBE_KEY), _PROBE, "text/plain", digest),
            time.monotonic() + DEFAULT_PUT_DEADLINE,
        )
    except PutError as error:
        raise UsageError(f"the ops path cannot be written: {error}") from error
