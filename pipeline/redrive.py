"""`redrive`: puts parked objects again, once, or every few minutes beside the job."""

import os
import sys
import time
from collections.abc import Sequence
from datetime import datetime, timezone
from typing import Final, NoReturn

from apache_beam.io.filesystems import FileSystems
from apache_beam.options.pipeline_options import PipelineOptions
from rich.console import Console

from pipeline.command_parser import UsageError
from pipeline.exit_codes import DONE, FAILED, INTERRUPTED, PARKED, USAGE
from pipeline.interrupts import Interrupts
from pipeline.ops_path import probe
from pipeline.options import none_named
from pipeline.redrive_display import RedriveDisplay, redrive_display
from pipeline.redrive_options import Command, Today, command_of, help_text, today_of
from pipeline.redrive_report import End, print_parked, print_redriven, reasons, sums
from transforms.errors import JobError
from transforms.object_tree import OpsTree, TreeError
from transforms.ops_tree import ops_tree
from transforms.parked_files import ParkedFile, find_parked
from transforms.redrive import Redrive
from transforms.redrive_groups import Outcome, refusal
from transforms.s3_client import forget_clients
from transforms.store import Failure

_MOST_REASONS: Final = 5
_INTERRUPTED: Final = "interrupted; the same command again goes on with what is still parked"


def redrive(arguments: Sequence[str]) -> int:
    """Redrives from a command line.

    Returns:
        The exit code: 0, nothing is parked any more; 1, the ops path cannot be read or written; 2,
        the command line or the configuration is wrong; 3, something is still parked, or damaged;
        130, it was interrupted.
    """
    screen = Console(stderr=True, highlight=False, soft_wrap=True)
    if "--help" in arguments or "-h" in arguments:
        print(help_text())  # noqa: T201 - asked for
        return DONE
    with Interrupts():
        try:
            command = command_of(arguments)
            FileSystems.set_options(PipelineOptions([]))
            if command.every_seconds is None:
                return _once(command, screen)
            _go_on(command, command.every_seconds, screen)
        except UsageError as error:
            _say_mistakes(screen, error)
            return USAGE
        except JobError as error:
            _say(screen, str(error))
            return FAILED
        except KeyboardInterrupt:
            _say(screen, _INTERRUPTED)
            return INTERRUPTED


def _once(command: Command, screen: Console) -> int:
    today = today_of(command)
    tree = ops_tree(today.ops)
    ends = _round(command, today, tree, screen)
    try:
        if not ends:
            print(f"nothing is parked in {tree.url('')}")  # noqa: T201 - asked for
        elif command.dry_run:
            print_parked(ends, tree.url(""))
        else:
            print_redriven(ends, tree.url(""))
        sys.stdout.flush()
    except (OSError, SystemExit):
        # Nobody reads on (`| head -1`): the exit code tells it all the same.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    is_left = any(end.is_left or end.outcome is Outcome.WAITING for end in ends)
    return PARKED if is_left else DONE


def _go_on(command: Command, seconds: int, screen: Console) -> NoReturn:
    """Round after round, until it is interrupted; says what is new."""
    today_of(command)  # what is wrong from the beginning ends it
    said = ""
    while True:
        # Credentials that stand in files are read but once for each client.
        forget_clients()
        try:
            said = _say_round(_one_more(command, screen), said)
        except UsageError as error:
            _say_mistakes(screen, error)
            _say(screen, "this round is left out")
        except JobError as error:
            _say(screen, f"{error}\nThis round ended there; the next goes on.")
        time.sleep(seconds)


def _one_more(command: Command, screen: Console) -> tuple[list[End], str]:
    today = today_of(command)
    tree = ops_tree(today.ops)
    return _round(command, today, tree, screen), tree.url("")


def _say_round(done: tuple[list[End], str], said_before: str) -> str:
    """One line where something was redriven, or where what stays parked is news.

    Returns:
        What was said of that, or would have been.
    """
    ends, ops_url = done
    # Of a reason the first line, which is what S3 said.
    why = [reason.partition("\n")[0] for reason in reasons(ends)]
    why[_MOST_REASONS:] = [f"and {more:,} more"] if (more := len(why) - _MOST_REASONS) > 0 else []
    now = " | ".join(why)
    if now != said_before or any(end.outcome is Outcome.REDRIVEN for end in ends):
        time_of_day = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        print(" | ".join((f"{time_of_day} {sums(ends, ops_url)}", *why)), flush=True)  # noqa: T201 - asked for
    return now


def _round(command: Command, today: Today, tree: OpsTree, screen: Console) -> list[End]:
    """Finds what is parked, and puts what may be put."""
    with redrive_display(screen) as display:
        files = _find(command, tree, display)
        _refuse_unknown(command, today, files)
        ends, allowed = _sort(files, command, today)
        if command.dry_run:
            return ends + [End(file, Outcome.WAITING) for file in allowed]
        if allowed:
            _insist_on_writing(today)
        work = Redrive(tree, today.places, today.modes, deadline_seconds=command.deadline_seconds)
        work.run(allowed, display.watch)
    return ends + [End(each.file, each.outcome, each.failure) for each in work.objects]


def _find(command: Command, tree: OpsTree, display: RedriveDisplay) -> list[ParkedFile]:
    files = []
    for file in find_parked(tree, command.destinations):
        files.append(file)
        display.found(len(files))
    return files


def _refuse_unknown(command: Command, today: Today, files: Sequence[ParkedFile]) -> None:
    """A destination that was removed may be named as long as something of it is parked."""
    known = dict(today.places) | dict.fromkeys(file.destination for file in files)
    mistakes = [
        f"--destination: {none_named(name, known)}, and nothing is parked for it"
        for name in command.destinations
        if name not in known
    ]
    if mistakes:
        raise UsageError(*mistakes)


def _sort(
    files: Sequence[ParkedFile], command: Command, today: Today
) -> tuple[list[End], list[ParkedFile]]:
    """What stays parked whatever its bucket would say, and what may be put."""
    ends: list[End] = []
    allowed: list[ParkedFile] = []
    for file in files:
        if file.parked is None:
            damage = Failure(file.damage, transient=False, answered=False, attempts=0)
            ends.append(End(file, Outcome.DAMAGED, damage))
            continue
        place = today.places.get(file.destination)
        refused = refusal(file.parked, place)
        if refused and (place is None or file.destination not in command.new_buckets):
            ends.append(End(file, Outcome.PARKED, refused))
        else:
            allowed.append(file)
    return ends, allowed


def _insist_on_writing(today: Today) -> None:
    """What could not be moved would be put again and again."""
    try:
        probe(today.ops)
    except UsageError as error:
        raise TreeError(str(error)) from error


def _say_mistakes(screen: Console, error: UsageError) -> None:
    for mistake in error.mistakes:
        _say(screen, mistake)


def _say(screen: Console, text: str) -> None:
    screen.print("error: " + text.replace("\n", "\n       "), style="red", markup=False)
