"""Dataflow: the job as it would be submitted. Nothing is, and nothing leaves this machine."""

import gzip
import importlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import apache_beam as beam
import pytest
import yaml
from apache_beam.options.pipeline_options import PipelineOptions, StandardOptions
from apache_beam.portability import common_urns
from apache_beam.portability.api import beam_runner_api_pb2

from examples.engines.cache import MissingError
from pipeline.build import build
from pipeline.dataflow import check_dataflow
from pipeline.job import Job, KafkaInput
from tests.small_job import CONFIGURATION, LINES, job_of
from transforms.kafka.partitions import Partition
from transforms.kafka.settings import KafkaSettings

DATAFLOW = (
    "--runner=DataflowRunner",
    "--dry_run=True",
    "--project=some-project",
    "--region=us-central1",
    "--temp_location=gs://some-bucket/temp",
)
STAGES = {"read", "parse", "route", "pack", "window", "group", "assemble", "put", "manifest"}
RESHUFFLE = "beam:transform:reshuffle:v1"


@pytest.fixture(autouse=True)
def _extra() -> None:
    """Skips where the extra is not installed, or fails where it must be."""
    try:
        importlib.import_module("google.cloud.dataflow_v1beta3")
    except ImportError:
        missing = "pip install 's3-event-logs[dataflow]'"
        if os.environ.get("ENGINES") == "required":
            raise MissingError(missing) from None
        pytest.skip(missing)


class Translated:
    """A job's graph as Dataflow would get it, and its options as they are then."""

    def __init__(self, job: Job, *arguments: str) -> None:
        pipeline = beam.Pipeline(options=PipelineOptions([*DATAFLOW, *arguments]))
        build(pipeline, job)
        submitted: Any = pipeline.run().job
        self.options: PipelineOptions = submitted.options
        self.graph: Any = submitted.proto_pipeline

    @property
    def steps(self) -> dict[str, Any]:
        return {each.unique_name: each for each in self.graph.components.transforms.values()}

    @property
    def stages(self) -> set[str]:
        """The names that a person sees first."""
        return {name.partition("/")[0] for name in self.steps}

    @property
    def image(self) -> str:
        (environment,) = self.graph.components.environments.values()
        payload = beam_runner_api_pb2.DockerPayload.FromString(environment.payload)
        image: str = payload.container_image
        return image

    def never_ends(self, step: str) -> bool:
        """Whether there is no end to what a stage gives."""
        collections = self.graph.components.pcollections
        outputs = {
            output
            for name, each in self.steps.items()
            if name.partition("/")[0] == step
            for output in each.outputs.values()
        }
        unbounded = beam_runner_api_pb2.IsBounded.UNBOUNDED
        return any(collections[name].is_bounded == unbounded for name in outputs)


def stream_of(folder: Path) -> Job:
    partitions = tuple(Partition("clicks", number, 0) for number in range(2))
    kafka = KafkaInput(KafkaSettings("broker:9092"), partitions)
    bounded = job_of(folder)
    return Job(
        configuration=CONFIGURATION,
        files=(),
        reading=bounded.reading,
        run=bounded.run,
        ops=bounded.ops,
        kafka=kafka,
        stable_input="shuffle",
    )


def test_the_stages_have_the_names_of_the_design(tmp_path: Path) -> None:
    assert Translated(job_of(tmp_path)).stages >= STAGES
    assert Translated(stream_of(tmp_path)).stages >= STAGES


def test_files_make_a_batch_job(tmp_path: Path) -> None:
    job = Translated(job_of(tmp_path))
    assert not job.options.view_as(StandardOptions).streaming
    assert not job.never_ends("read")


def test_a_stream_makes_a_streaming_job_on_streaming_engine(tmp_path: Path) -> None:
    job = Translated(stream_of(tmp_path))
    assert job.options.view_as(StandardOptions).streaming
    assert job.never_ends("read")
    assert job.options.get_all_options()["enable_streaming_engine"]


def test_what_is_put_in_a_stream_is_shuffled_right_before(tmp_path: Path) -> None:
    steps = Translated(stream_of(tmp_path)).steps
    for put in ("put", "put manifests", "put receipts"):
        shuffle = steps[f"{put}/stable"]
        assert shuffle.spec.urn == RESHUFFLE
        assert set(shuffle.inputs.values()) == set(steps[put].inputs.values())
        takers = {
            name
            for name, step in steps.items()
            if set(step.inputs.values()) & set(steps[put].inputs.values())
        }
        # Whatever else takes the same would put what no shuffle keeps.
        assert {name for name in takers if not name.startswith(f"{put}/stable")} == {put}


def test_nothing_asks_for_stable_input_which_dataflow_does_not_know(tmp_path: Path) -> None:
    asked = Translated(stream_of(tmp_path)).graph.requirements
    assert common_urns.requirements.REQUIRES_STABLE_INPUT.urn not in asked


def test_workers_run_the_image_of_this_beam_and_this_python(tmp_path: Path) -> None:
    python = f"{sys.version_info[0]}.{sys.version_info[1]}"
    image = Translated(job_of(tmp_path)).image
    assert image.endswith(f"beam_python{python}_sdk:{beam.__version__}")


def test_the_options_of_a_dry_run_are_right(tmp_path: Path) -> None:
    check_dataflow(Translated(job_of(tmp_path)).options)


class Command:
    """The command as a person gives it, in a folder of its own, on a machine without a network."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.configuration = CONFIGURATION.model_dump(mode="json", exclude_unset=True)
        self.configuration["ops"] = {"path": "gs://some-bucket/ops"}
        (folder / "events.ndjson.gz").write_bytes(gzip.compress(LINES))

    def __call__(self, *options: str) -> "subprocess.CompletedProcess[str]":
        (self.folder / "events.yaml").write_text(yaml.safe_dump(self.configuration))
        given = ["--config=events.yaml", "--input=events.ndjson.gz", *options]
        nowhere = "http://127.0.0.1:9"
        return subprocess.run(  # noqa: S603 - the command under test
            [sys.executable, "-m", "pipeline", "run", *given],
            cwd=self.folder,
            env={
                **os.environ,
                "PYTHONPATH": str(Path.cwd()),
                # Whoever asks the network now gets no answer.
                "http_proxy": nowhere,
                "https_proxy": nowhere,
                "NO_PROXY": "",
            },
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )


@pytest.fixture
def command(tmp_path: Path) -> Command:
    return Command(tmp_path)


def test_a_dry_run_ends_well_and_says_that_nothing_was_submitted(command: Command) -> None:
    done = command(*DATAFLOW)
    last = done.stderr.splitlines()[-1]
    assert (done.returncode, last) == (0, "dry run: the job was translated, and not submitted")


def test_what_dataflow_refuses_is_a_mistake_of_the_command_line(command: Command) -> None:
    done = command(*DATAFLOW, "--project=No Project")
    assert done.returncode == 2
    assert "error: Invalid Project ID (No Project)" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_local_ops_path_is_refused(command: Command) -> None:
    done = command(*DATAFLOW, "--ops_path=ops")
    assert done.returncode == 2
    assert "Dataflow's workers have others" in done.stderr


def test_the_api_understands_the_flex_templates_description() -> None:
    api: Any = importlib.import_module("google.cloud.dataflow_v1beta3")
    committed = Path("deploy/dataflow/metadata.json").read_text()
    understood = api.TemplateMetadata.from_json(committed, ignore_unknown_fields=False)
    assert understood.supports_exactly_once
    assert not understood.supports_at_least_once
    (unmatched,) = (each for each in understood.parameters if each.name == "unmatched")
    assert unmatched.param_type == api.ParameterType.ENUM
    assert [option.value for option in unmatched.enum_options] == ["count", "dead_letter"]
