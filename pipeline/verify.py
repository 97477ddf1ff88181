"""`verify`: checks what lies in the customers' buckets, or in a copy, against its manifests."""

import os
import sys
from collections.abc import Sequence
from functools import partial

from apache_beam.io.filesystems import FileSystems
from apache_beam.options.pipeline_options import PipelineOptions
from rich.console import Console

from pipeline.command_parser import UsageError
from pipeline.exit_codes import DONE, FAILED, INTERRUPTED, PARKED, USAGE
from pipeline.verify_display import verify_display
from pipeline.verify_options import Place, Plan, help_text, plan_of
from pipeline.verify_report import Report, as_json, print_report
from transforms.errors import JobError
from transforms.object_tree import OpsTree, TreeError
from transforms.ops_tree import ops_tree
from transforms.verification.ops import Verified, compare
from transforms.verification.ops_records import OpsRecords, read_ops, read_receipts
from transforms.verification.records import Row, Scope, Verification
from transforms.verification.tree import Progress, verify_tree


def verify(arguments: Sequence[str]) -> int:
    """Verifies from a command line.

    Returns:
        The exit code: 0, nothing is wrong or missing; 1, something is wrong, or cannot be read; 2,
        the command line or the configuration is wrong; 3, nothing is wrong, but objects that
        buckets refused are parked, and not delivered; 130, it was interrupted.
    """
    screen = Console(stderr=True, highlight=False, soft_wrap=True)
    if "--help" in arguments or "-h" in arguments:
        print(help_text())  # noqa: T201 - asked for
        return DONE
    try:
        FileSystems.set_options(PipelineOptions([]))  # the configuration may lie on any of them
        plan = plan_of(arguments)
        report = _check(plan, screen)
    except UsageError as error:
        for mistake in error.mistakes:
            say_error(screen, mistake)
        return USAGE
    except JobError as error:
        say_error(screen, str(error))
        return FAILED
    except KeyboardInterrupt:
        say_error(screen, "interrupted; nothing was changed")
        return INTERRUPTED
    for message in report.unreadable:
        say_error(screen, message)
    if plan.json or len(report.unreadable) < len(plan.places) or not report.unreadable:
        _show(report, as_document=plan.json)
    return settle(report)


def settle(report: Report) -> int:
    """The exit code of a verification that came to its end."""
    if report.defects or report.unreadable:
        return FAILED
    return PARKED if report.missing else DONE


def _check(plan: Plan, screen: Console) -> Report:
    ops = ops_tree(plan.ops) if plan.ops else None
    records = read_ops(ops, plan.scope) if ops else OpsRecords()
    found: list[Verification] = []
    unreadable: list[str] = []
    with verify_display(screen) as progress:
        for place in plan.places:
            verification, problem = _try_place(place, records, progress)
            found.append(verification)
            unreadable += problem
    report = Report(
        destinations=[*(row for each in found for row in each.rows), *plan.unverified],
        defects=[defect for each in found for defect in each.defects],
        missing=[missing for each in found for missing in each.missing],
        ops_path=ops.url("") if ops else None,
        unreadable=unreadable,
    )
    if ops:
        _compare(report, found, plan.scope, ops, records)
    return report


def _try_place(
    place: Place, records: OpsRecords, progress: Progress
) -> tuple[Verification, list[str]]:
    try:
        return _check_place(place, records, progress), []
    except TreeError as error:
        remark = f"cannot be read: {str(error).partition(chr(10))[0]}"
        return Verification(_rows(place, remark), [], [], {}), [str(error)]


def _check_place(place: Place, records: OpsRecords, progress: Progress) -> Verification:
    """One place, with a row for each destination that should be there.

    Raises:
        TreeError: It cannot be read, or nothing is there though it was named.
    """
    tree = place.tree()
    found = verify_tree(tree, place.scope, records.parked_manifests, progress)
    if place.scope.destinations is None and not found.rows:
        of_runs = f" of the run {', '.join(sorted(place.scope.runs))}" if place.scope.runs else ""
        raise TreeError(f"{place.url}: nothing{of_runs} lies there: is the prefix right?")
    for row in found.rows:
        row.where = place.url
    there = {row.destination for row in found.rows}
    found.rows += [row for row in _rows(place, "") if row.destination not in there]
    return found


def _rows(place: Place, remark: str) -> list[Row]:
    names = place.scope.destinations
    return [Row(name, place.url, remark=remark) for name in (sorted(names) if names else [])]


def _compare(
    report: Report, found: list[Verification], scope: Scope, ops: OpsTree, records: OpsRecords
) -> None:
    rows = {row.destination: row for row in report.destinations if not row.remark}
    verified = Verified(
        known={url: each for one in found for url, each in one.known.items()},
        destinations={name for name in rows if name and scope.holds_destination(name)},
        roots=[one.root for one in found if one.root is not None],
    )
    compared = compare(records, verified, partial(read_receipts, ops, scope, records.defects))
    report.notes += compared.notes
    for defect in compared.defects:
        report.defects.append(defect)
        if defect.destination in rows:
            rows[defect.destination].defects += 1


def _show(report: Report, *, as_document: bool) -> None:
    try:
        if as_document:
            print(as_json(report, settle(report)))  # noqa: T201 - asked for
        else:
            print_report(report)
        sys.stdout.flush()
    except (OSError, SystemExit):
        # Nobody reads on (`| head -1`): the exit code tells it all the same.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def say_error(screen: Console, text: str) -> None:
    """One error, in its own words."""
    screen.print("error: " + text.replace("\n", "\n       "), style="red", markup=False)
