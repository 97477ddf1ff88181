"""What must be right before a job goes to Dataflow; Beam finds some of it late, some never."""

import importlib.util
from collections.abc import Iterator
from typing import Final

from apache_beam.options.pipeline_options import (
    DebugOptions,
    GoogleCloudOptions,
    PipelineOptions,
    StandardOptions,
    TestOptions,
)

from pipeline.command_parser import UsageError
from pipeline.engine import DATAFLOW, name_of
from pipeline.values import Values
from transforms.places import Place
from transforms.store import Folder

_AT_LEAST_ONCE: Final = "streaming_mode_at_least_once"


def check_dataflow(options: PipelineOptions) -> None:
    """Refuses what Dataflow would take and then do wrong, or fail at in many words.

    Raises:
        UsageError: With one line for each mistake.
    """
    if name_of(options.view_as(StandardOptions).runner) == DATAFLOW:
        mistakes = list(_mistakes(options))
    elif is_dry_run(options):
        mistakes = ["--dry_run: only the DataflowRunner has one; another would run the job"]
    else:
        mistakes = []
    if mistakes:
        raise UsageError(*mistakes)


def is_dry_run(options: PipelineOptions) -> bool:
    """Whether the job is to be translated only; any value means yes to Beam, `False` too."""
    return bool(options.view_as(TestOptions).dry_run)


def not_started(options: PipelineOptions) -> str | None:
    """What to say where the job was not started; `None` where it was."""
    if is_dry_run(options):
        return "dry run: the job was translated, and not submitted"
    if template := options.view_as(GoogleCloudOptions).template_location:
        return f"the job was written to {template}, and not started"
    return None


def refuse_local_folder(runner: str | None, place: Place, values: Values) -> None:
    """What a worker writes to its own disk is gone with it."""
    if name_of(runner) == DATAFLOW and isinstance(place, Folder) and "://" not in place.path:
        values.mistakes.append(
            f"the ops path {place.path} is a folder of this machine, and Dataflow's workers have"
            " others: use a gs:// or s3:// path, or a connection"
        )


def _mistakes(options: PipelineOptions) -> Iterator[str]:
    if not _is_installed():
        yield (
            "--runner: DataflowRunner needs apache-beam[gcp]: pip install 's3-event-logs[dataflow]'"
        )
    cloud = options.view_as(GoogleCloudOptions)
    folders = (cloud.temp_location, cloud.staging_location)
    if not any(folder and folder.startswith("gs://") for folder in folders):
        # Beam would use a bucket of its own choice, and make it if need be.
        yield "--temp_location is missing: a folder for the job's own use, e.g. gs://bucket/temp"
    service = cloud.dataflow_service_options or []
    experiments = options.view_as(DebugOptions).experiments or []
    if _AT_LEAST_ONCE in [*service, *experiments]:
        # The shuffle before a put makes its input stable, which it does not in this mode.
        yield (
            f"--dataflow_service_options={_AT_LEAST_ONCE}: events could be stored twice, under"
            " keys of their own; the job needs exactly-once mode, which is the default"
        )


def _is_installed() -> bool:
    try:
        return importlib.util.find_spec("google.cloud.dataflow_v1beta3") is not None
    except ModuleNotFoundError:  # not even what is around it
        return False
