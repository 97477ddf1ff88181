"""`run`: checks everything that can be wrong before a byte is read, runs the job, sums it up."""

import argparse
import logging
import os
import re
import sys
import tempfile
import traceback
from collections.abc import Sequence
from typing import Any, Final

import apache_beam as beam
from apache_beam.io.filesystems import FileSystems
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from rich.console import Console

from pipeline.build import build
from pipeline.command_line import split_command_line
from pipeline.command_parser import UsageError
from pipeline.dataflow import check_dataflow, is_dry_run, not_started
from pipeline.engine import PRISM, is_local, name_of, runner_of, said, with_flags
from pipeline.exit_codes import DONE, FAILED, INTERRUPTED, PARKED, USAGE
from pipeline.interrupts import Interrupts
from pipeline.job import Job
from pipeline.prepare import prepare
from pipeline.progress_display import progress_display
from pipeline.report import print_report
from pipeline.submission import announced, check_engine, hush_engines, submit
from transforms.errors import JobError
from transforms.ops import DEAD_LETTERS
from transforms.places import url_of
from transforms.summarise import Summary, read_summary

_MOST_WARNINGS: Final = 10
_LEFT_HERE: Final = "interrupted; the same command again puts the same objects"
_LEFT_WITH_PRISM: Final = (
    "interrupted, and Prism with it; given again, files and ranges put the same objects, and a"
    " stream is a new run, from --start_offset on"
)
_LEFT_TO_THE_ENGINE: Final = (
    "interrupted here; the job is its engine's, and may run on: docs/operations.md says how to stop"
    " and resume it"
)

# What Beam makes of an error of ours: a suffix in this process, a whole traceback from another.
_BEAMS_SUFFIX: Final = re.compile(r" \[while running '[^']*'\]$")
_ELSEWHERE: Final = re.compile(
    r"^transforms\.(?:\w+\.)?errors\.\w+: (.*?)(?: \[while running '|\n\n|\Z)",
    re.DOTALL | re.MULTILINE,
)


def run(arguments: Sequence[str]) -> int:
    """Runs a job from its command line.

    Returns:
        The exit code: 0, all that matched was delivered; 1, the job failed; 2, the command line or
        the configuration is wrong, and nothing was read; 3, objects are parked; 130, it was
        interrupted.
    """
    screen = Console(stderr=True, highlight=False, soft_wrap=True)
    beam_arguments: list[str] = []
    with Interrupts() as interrupts:
        try:
            options, beam_arguments = split_command_line(arguments)
            with tempfile.TemporaryDirectory(prefix="s3-event-logs-") as scratch:
                return _prepare_and_run(options, beam_arguments, scratch, screen)
        except UsageError as error:
            for mistake in error.mistakes:
                _say(screen, "error", mistake)
            return USAGE
        except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - engines raise anything
            if interrupts.heard:
                _say(screen, "error", _left(PipelineOptions(beam_arguments).get_all_options()))
                return INTERRUPTED
            _explain(screen, error)
            return FAILED


def _left(options: dict[str, Any]) -> str:
    """What to say of a job whose command is interrupted."""
    if is_local(options["runner"]):
        return _LEFT_HERE
    # It is started by the command, and ends with it.
    own = name_of(options["runner"]) == PRISM and not options["job_endpoint"]
    return _LEFT_WITH_PRISM if own else _LEFT_TO_THE_ENGINE


def _prepare_and_run(
    options: argparse.Namespace, beam_arguments: list[str], scratch: str, screen: Console
) -> int:
    given = PipelineOptions(beam_arguments)
    FileSystems.set_options(given)  # the configuration may lie on any of them
    every = given.get_all_options()
    check_dataflow(given)
    check_engine(given)
    local = is_local(every["runner"])
    runner = FnApiRunner() if local else runner_of(every["runner"])
    job, cautions = prepare(
        options, every["runner"], scratch if local else None, dry=is_dry_run(given)
    )
    for caution in cautions[:_MOST_WARNINGS]:
        _say(screen, "warning", caution)
    if more := cautions[_MOST_WARNINGS:]:
        _say(screen, "warning", f"and {len(more):,} more of the kind")
    # An error of a stage is raised as well as logged; it is said once, here.
    logging.getLogger("apache_beam.runners").setLevel(logging.CRITICAL)
    hush_engines()
    flags = with_flags(
        beam_arguments, every["runner"], is_stream=job.is_stream, is_kafka=job.kafka is not None
    )
    if added := said(beam_arguments, flags):
        _say(screen, "note", added)
    if begun := announced(job, beam_arguments):
        _say(screen, "note", begun)
    pipeline = _pipeline(runner, PipelineOptions(flags))
    build(pipeline, job)
    total = sum(file.size_bytes for file in job.files)
    in_this_process = local and every["direct_running_mode"] != "multi_processing"
    with progress_display(total if in_this_process and job.files else None, screen):
        submit(pipeline, every["runner"]).wait_until_finish()
    if ended := not_started(given):
        screen.print(ended, markup=False)
        return DONE
    return _sum_up(job, screen)


def _pipeline(runner: beam.runners.PipelineRunner, options: PipelineOptions) -> beam.Pipeline:
    try:
        return beam.Pipeline(runner, options=options)
    except ValueError as error:  # a heading, and a line for each option that the engine refuses
        raise UsageError(*str(error).strip().splitlines()[1:]) from error


def _sum_up(job: Job, screen: Console) -> int:
    if job.summary_path is None:
        screen.print("done; the sums are in the ops path's tallies and receipts", markup=False)
        return DONE
    summary = read_summary(job.summary_path)
    try:
        print_report(job, summary)
        sys.stdout.flush()
    except (OSError, SystemExit):
        # Nobody reads on (`| head -1`), or the disk is full: what was delivered is delivered.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    where = f"{url_of(job.ops)}/{DEAD_LETTERS}"
    return settle(summary, job.max_dead_letter_ratio, where)


def settle(summary: Summary, most: float | None = None, where: str = DEAD_LETTERS) -> int:
    """The exit code of a run that came to its end.

    Args:
        summary: Its sums.
        most: The largest part of its records that may be dead letters.
        where: Where its dead letters are.

    Raises:
        JobError: The sums do not add up, or too many of the records are dead letters.
    """
    imbalance = summary.imbalance()
    if imbalance is not None:
        raise JobError(f"the sums do not add up: {imbalance}")
    dead = sum(summary.dead_letters.values())
    if most is not None and dead > most * summary.read:
        reasons = ", ".join(f"{n:,} {reason}" for reason, n in sorted(summary.dead_letters.items()))
        raise JobError(
            f"{dead / summary.read:.4%} of the records are dead letters, {dead:,} of"
            f" {summary.read:,}; --max_dead_letter_ratio allows {most:.4%}: {reasons}.\n"
            f"What was deliverable is delivered. The dead letters are in {where}"
        )
    return PARKED if summary.parked else DONE


def _explain(screen: Console, error: BaseException) -> None:
    """An error of ours in its own words, wherever it was raised; anything else with all of it."""
    elsewhere = _ELSEWHERE.findall(str(error))
    if isinstance(error, JobError):
        _say(screen, "error", _BEAMS_SUFFIX.sub("", str(error)))
    elif elsewhere:
        _say(screen, "error", elsewhere[-1].strip())
    else:
        screen.print("".join(traceback.format_exception(error)), markup=False)
        _say(screen, "error", f"the job failed: {type(error).__name__}: {error}")


def _say(screen: Console, kind: str, text: str) -> None:
    style = {"error": "red", "warning": "yellow"}.get(kind, "")
    indented = text.replace("\n", f"\n{' ' * len(kind)}  ")
    screen.print(f"{kind}: {indented}", style=style, markup=False)
