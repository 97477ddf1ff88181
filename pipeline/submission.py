"""A job handed to its engine: what an engine says of itself, in words for a person."""

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import apache_beam as beam
import grpc
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.runner import PipelineResult

from pipeline.command_parser import UsageError
from pipeline.engine import FLINK, PORTABLE, PRISM, is_local, name_of
from pipeline.job import Job
from transforms.errors import JobError

_ANSWER_SECONDS: Final = 15.0
_IN_THIS_PROCESS: Final = "embed"
_ADVICE: Final = {
    PRISM: "--prism_location=FILE names a Prism that is there already.",
    FLINK: "--runner=PortableRunner --job_endpoint=HOST:PORT takes a job server that runs.",
}

_PRISM_LOG: Final = "PrismRunner"
_ENGINES_LOGS: Final = frozenset({_PRISM_LOG, "root"})
_TRACEBACK: Final = "Traceback (most recent call last)"


def check_engine(options: PipelineOptions) -> None:
    """Refuses an engine that is not there, of which Beam would speak late, or in many words.

    Raises:
        UsageError: With one line for each mistake.
    """
    if mistakes := list(_mistakes(options.get_all_options(retain_unknown_options=True))):
        raise UsageError(*mistakes)


def submit(pipeline: beam.Pipeline, runner: str | None) -> PipelineResult:
    """Hands a pipeline to its engine; in this process, it runs to its end.

    Raises:
        JobError: The engine could not be started, or did not take it.
    """
    if is_local(runner):
        return pipeline.run()
    try:
        return pipeline.run()
    except grpc.RpcError as error:
        words = error.details() if isinstance(error, grpc.Call) else None
        raise _refusal(runner, words or str(error)) from error
    except (NotImplementedError, OSError, RuntimeError, ValueError) as error:
        raise _refusal(runner, str(error)) from error


def announced(job: Job, arguments: Sequence[str]) -> str | None:
    """What a stream begins with, since nothing else is said while all is well."""
    if job.kafka is None or not job.is_stream:
        return None
    if any(argument.startswith("--savepoint_path") for argument in arguments):
        return "the run that the savepoint is of goes on until it is stopped"
    partitions = job.kafka.partitions
    topics = ", ".join(sorted({each.topic for each in partitions}))
    return f"run {job.run} reads {topics} ({len(partitions):,} partitions) until it is stopped"


def hush_engines() -> None:
    """Leaves what an engine logs only as far as it is no repetition and no talk.

    It logs each traceback several times, beside the error that is raised and said in the end.
    """
    for handler in logging.getLogger().handlers:
        handler.addFilter(_is_for_people)


def _is_for_people(record: logging.LogRecord) -> bool:
    if record.name == _PRISM_LOG and record.levelno < logging.ERROR:
        return False
    return record.name not in _ENGINES_LOGS or _TRACEBACK not in record.getMessage()


def _refusal(runner: str | None, words: str) -> JobError:
    said = words.strip().partition("\n")[0]
    advice = _ADVICE.get(name_of(runner), "Its own log says more.")
    return JobError(f"{runner} did not take the job: {said}\n{advice}")


def _mistakes(options: dict[str, Any]) -> Iterator[str]:
    runner, endpoint = name_of(options["runner"]), options["job_endpoint"]
    prism = str(options["prism_location"] or "")
    if runner == PORTABLE and not endpoint:
        yield (
            "--job_endpoint is missing: where the engine's job server is, as in"
            " --job_endpoint=localhost:8099"
        )
    if not is_local(options["runner"]) and endpoint not in {None, "", _IN_THIS_PROCESS}:
        if not _answers(endpoint):
            yield (
                f"--job_endpoint={endpoint}: no job server answered within {_ANSWER_SECONDS:.0f}"
                " seconds: check the address, and that it runs"
            )
    elif runner == PRISM and prism and "://" not in prism and not Path(prism).exists():
        yield f"--prism_location={prism}: there is no such file"


def _answers(endpoint: str) -> bool:
    with grpc.insecure_channel(endpoint) as channel:
        try:
            grpc.channel_ready_future(channel).result(_ANSWER_SECONDS)
        except grpc.FutureTimeoutError:
            return False
    return True
