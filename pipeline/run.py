"""`run`: checks everything that can be wrong before a byte is read, runs the job, sums it up."""

import argparse
import logging
import re
import tempfile
import traceback
from collections.abc import Sequence
from typing import Final

import apache_beam as beam
from apache_beam.io.filesystems import FileSystems
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from rich.console import Console

from pipeline.build import build
from pipeline.options import UsageError, is_local, split_command_line
from pipeline.prepare import prepare
from pipeline.progress_display import progress_display
from pipeline.report import print_report
from transforms.errors import JobError
from transforms.summarise import read_summary

DONE: Final = 0
FAILED: Final = 1
USAGE: Final = 2
INTERRUPTED: Final = 130

_BEAMS_SUFFIX: Final = re.compile(r" \[while running '.*'\]$")


def run(arguments: Sequence[str]) -> int:
    """Runs a job from its command line.

    Returns:
        The exit code: 0, all that matched was delivered; 1, the job failed; 2, the command line or
        the configuration is wrong, and nothing was read.
    """
    screen = Console(stderr=True, highlight=False, soft_wrap=True)
    try:
        options, beam_arguments = split_command_line(arguments)
        with tempfile.TemporaryDirectory(prefix="s3-event-logs-") as scratch:
            return _prepare_and_run(options, beam_arguments, scratch, screen)
    except UsageError as error:
        for mistake in error.mistakes:
            _say(screen, "error", mistake)
        return USAGE
    except JobError as error:
        _say(screen, "error", _BEAMS_SUFFIX.sub("", str(error)))
    except KeyboardInterrupt:
        _say(screen, "error", "interrupted; the same command again goes on to the same objects")
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001 - whatever an engine raises ends a run in the same way
        screen.print(traceback.format_exc(), markup=False)
        _say(screen, "error", f"the job failed: {type(error).__name__}: {error}")
    return FAILED


def _prepare_and_run(
    options: argparse.Namespace, beam_arguments: list[str], scratch: str, screen: Console
) -> int:
    beam_options = PipelineOptions(beam_arguments)
    FileSystems.set_options(beam_options)  # the configuration may lie on any of them
    local = is_local(beam_options.get_all_options()["runner"])
    job, cautions = prepare(options, scratch if local else None)
    for caution in cautions:
        _say(screen, "warning", caution)
    # An error of a stage is raised as well as logged; it is said once, here.
    logging.getLogger("apache_beam.runners").setLevel(logging.CRITICAL)
    pipeline = beam.Pipeline(FnApiRunner() if local else None, options=beam_options)
    build(pipeline, job)
    total = sum(file.size_bytes for file in job.files)
    with progress_display(total, screen):
        pipeline.run().wait_until_finish()
    if job.summary_path is None:
        screen.print("done; the sums are in the ops path's tallies and receipts", markup=False)
        return DONE
    summary = read_summary(job.summary_path)
    print_report(job, summary)
    imbalance = summary.imbalance()
    if imbalance is not None:
        raise JobError(f"the sums do not add up: {imbalance}")
    return DONE


def _say(screen: Console, kind: str, text: str) -> None:
    style = "red" if kind == "error" else "yellow"
    indented = text.replace("\n", f"\n{' ' * len(kind)}  ")
    screen.print(f"{kind}: {indented}", style=style, markup=False)
