"""What is refused before a job goes to Dataflow; here its client need not be installed."""

import importlib.util

import pytest
from apache_beam.options.pipeline_options import PipelineOptions

from pipeline.command_parser import UsageError
from pipeline.dataflow import check_dataflow, not_started, refuse_local_folder
from pipeline.run import run
from pipeline.values import Values
from tests.small_job import CONFIGURATION
from transforms.store import Folder

DATAFLOW = ("--runner=DataflowRunner", "--project=some-project", "--region=us-central1")
TEMP = "--temp_location=gs://some-bucket/temp"


def refusals(*arguments: str) -> list[str]:
    try:
        check_dataflow(PipelineOptions([*arguments]))
    except UsageError as error:
        return [mistake for mistake in error.mistakes if "needs apache-beam[gcp]" not in mistake]
    return []


def test_nothing_is_said_of_a_job_that_is_right() -> None:
    assert refusals(*DATAFLOW, TEMP) == []
    assert refusals(*DATAFLOW, "--staging_location=gs://some-bucket/staging") == []
    assert refusals("--runner=DirectRunner") == []


@pytest.mark.parametrize("temp", [(), ("--temp_location=temp",)])
def test_a_folder_for_the_job_is_asked_for_and_none_is_made_up(temp: tuple[str, ...]) -> None:
    (said,) = refusals(*DATAFLOW, *temp)
    assert said.startswith("--temp_location is missing: a folder for the job's own use")


@pytest.mark.parametrize("option", ["dataflow_service_options", "experiments"])
def test_at_least_once_mode_is_refused(option: str) -> None:
    (said,) = refusals(*DATAFLOW, TEMP, f"--{option}=streaming_mode_at_least_once")
    assert "needs exactly-once mode" in said


def test_a_dry_run_is_refused_where_it_would_be_a_real_one(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["--dry_run=True", "--config=none.yaml", "--input=none"]) == 2
    said = capsys.readouterr().err
    assert said == "error: --dry_run: only the DataflowRunner has one; another would run the job\n"


def test_a_missing_extra_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    if importlib.util.find_spec("google") and importlib.util.find_spec("google.cloud"):
        pytest.skip("the extra is installed")
    assert run([*DATAFLOW, TEMP, "--config=none.yaml", "--input=none"]) == 2
    said = capsys.readouterr().err
    assert said == (
        "error: --runner: DataflowRunner needs apache-beam[gcp]:"
        " pip install 's3-event-logs[dataflow]'\n"
    )


@pytest.mark.parametrize(
    ("runner", "path", "mistakes"),
    [
        ("DataflowRunner", "/ops", 1),
        ("DataflowRunner", "gs://bucket/ops", 0),
        ("DirectRunner", "/ops", 0),
        (None, "/ops", 0),
    ],
)
def test_a_folder_that_no_worker_can_reach_is_refused(
    runner: str | None, path: str, mistakes: int
) -> None:
    values = Values()
    refuse_local_folder(runner, Folder(path), values)
    assert len(values.mistakes) == mistakes


def test_a_bucket_is_a_place_that_workers_reach() -> None:
    values = Values()
    refuse_local_folder("DataflowRunner", CONFIGURATION.connections[0], values)
    assert values.mistakes == []


def test_what_was_not_started_is_not_called_done() -> None:
    template = PipelineOptions([*DATAFLOW, "--template_location=gs://some-bucket/job"])
    assert not_started(template) == "the job was written to gs://some-bucket/job, and not started"
    dry = PipelineOptions([*DATAFLOW, "--dry_run=True"])
    assert not_started(dry) == "dry run: the job was translated, and not submitted"
    assert not_started(PipelineOptions([*DATAFLOW])) is None
