"""The engine: which one runs a job, and what it must be told that nobody should have to know."""

from collections.abc import Iterator, Sequence
from typing import Final

import apache_beam as beam

from pipeline.command_parser import UsageError
from pipeline.stream_options import StableChoice
from pipeline.values import Values
from transforms.stable import StableInput
from transforms.window import DEFAULT_LATE_FIRING_DELAY_SECONDS

# As `name_of` has them.
FLINK: Final = "flinkrunner"
PORTABLE: Final = "portablerunner"
PRISM: Final = "prismrunner"
DATAFLOW: Final = "dataflowrunner"

_FLINKS: Final = frozenset({FLINK, PORTABLE})
_LOCAL: Final = frozenset({"directrunner", "fnapirunner"})

_FOR_EVER: Final = 10 * 365 * 86_400
_PRISM_KEEPS: Final = 366 * 86_400

_FLINK_STREAM: Final = {
    # The engine's own is -1: nothing would ever be acknowledged. An object waits for a checkpoint,
    # its manifest for two: docs/benchmarks.md has what 1, 5 and 10 s come to.
    "checkpointing_interval": "5000",
    # Its own second lets windows wait for each other: they came 12 to 32 s late, or not at all.
    "max_bundle_time_mills": "200",
}
_FLINK_RANGE: Final = {
    "checkpointing_interval": "10000",
    "max_bundle_time_mills": "200",
    # Without it a job whose input ends does not.
    "shutdown_sources_after_idle_ms": "1000",
}
# The client's own gives up on a job after five minutes.
_PRISM_JOB: Final = {"job_server_timeout": str(_FOR_EVER)}


def name_of(runner: str | None) -> str:
    """A runner's name as it is compared, whatever module and case it was written with."""
    return (runner or "DirectRunner").rpartition(".")[2].lower()


def is_local(runner: str | None) -> bool:
    """Whether the job runs in this process, which is what no runner and DirectRunner mean."""
    return name_of(runner) in _LOCAL


def runner_of(name: str) -> beam.runners.PipelineRunner:
    """An engine's runner.

    Raises:
        UsageError: There is none of that name, or it is not installed.
    """
    try:
        return beam.runners.create_runner(name)
    except (ValueError, ImportError) as error:
        raise UsageError(f"--runner: {str(error).partition(chr(10))[0]}") from error


def refuse_stream(runner: str | None, values: Values, *, is_stream: bool) -> None:
    """A stream needs an engine that can wait; a mistake where it was given to one that cannot."""
    if is_stream and is_local(runner):
        values.mistakes.append(
            "--input is a stream, and the DirectRunner waits for its end: --runner=PrismRunner"
            " takes it on one machine, --runner=PortableRunner --job_endpoint=HOST:PORT on Flink;"
            " --stop_offset=latest reads what there is now"
        )


def late_firing_delay(runner: str | None, asked: int | None, values: Values) -> int:
    """How long late pieces are gathered, in seconds: 0, which is not at all, on Prism.

    There, late pieces that wait for the clock hold up all that is on time (Beam 2.77).
    """
    if name_of(runner) != PRISM:
        return DEFAULT_LATE_FIRING_DELAY_SECONDS if asked is None else asked
    if asked:
        values.mistakes.append(
            "--late_firing_delay: on Prism, late events that wait hold up all others; leave it out"
        )
    return 0


def windows_kept(runner: str | None, allowed_lateness: int) -> int:
    """How long an engine keeps windows open for late pieces, in seconds.

    Prism's watermark is that of whichever partition was read last (Beam 2.77): it would drop,
    without a word, what another has for a window that has long expired there. So it keeps them all.
    """
    return _PRISM_KEEPS if name_of(runner) == PRISM else allowed_lateness


def stable_input(
    runner: str | None, choice: StableChoice, values: Values, *, is_stream: bool
) -> StableInput:
    """How this engine makes durable what is to be put.

    Args:
        runner: The engine.
        choice: What was asked for.
        values: Collects the mistake of asking an engine for it that has none.
        is_stream: Whether the input never ends; what ends gives the same on each replay.
    """
    name = name_of(runner)
    if choice == "off" or not is_stream:
        return "off"
    if name in _FLINKS:
        return "checkpoint"
    if name == DATAFLOW:
        return "shuffle"
    if choice == "on":
        values.mistakes.append(
            f"--stable_input=on: {runner} has none; Flink and Dataflow have, or leave it off"
        )
    return "off"


def with_flags(
    arguments: Sequence[str], runner: str | None, *, is_stream: bool, is_kafka: bool
) -> list[str]:
    """The engine's arguments, with those that such a job needs and nobody gave.

    Args:
        arguments: What was given.
        runner: The engine that they name.
        is_stream: Whether the input never ends.
        is_kafka: Whether it is Kafka's.
    """
    wanted = dict(_wanted(name_of(runner), is_stream=is_stream, is_kafka=is_kafka))
    named = {argument.partition("=")[0].removeprefix("--") for argument in arguments}
    added = [
        f"--{name}={value}" if value else f"--{name}"
        for name, value in wanted.items()
        if name not in named and f"no_{name}" not in named
    ]
    return [*arguments, *added]


def _wanted(runner: str, *, is_stream: bool, is_kafka: bool) -> Iterator[tuple[str, str]]:
    if is_stream:
        yield "streaming", ""
    if runner in _FLINKS and is_kafka:
        yield from (_FLINK_STREAM if is_stream else _FLINK_RANGE).items()
    if runner == PRISM:
        yield from _PRISM_JOB.items()


def said(given: Sequence[str], complete: Sequence[str]) -> str | None:
    """What was added to the engine's arguments, for the log; `None` where nothing was."""
    added = complete[len(given) :]
    return f"set for this engine: {' '.join(added)}" if added else None
