"""What `verify` prints: a table of destinations, a line for each defect, or one JSON document."""

from collections.abc import Iterator
from typing import Final

import msgspec
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from transforms.units import format_size
from transforms.verification.records import Defect, Missing, Row

_FILE_COLUMNS: Final = 200  # nothing is cut off where no terminal sets a width
_MOST_LINES: Final = 1000


class Report(msgspec.Struct):
    """All that was found in all places; its fields, in this order, are those of the JSON.

    Attributes:
        ops_path: What the places were compared with; `None` where nothing was named.
        unreadable: Why places could not be read, each in its own words.
        notes: What could not be compared with the ops path, and why; no defects.
    """

    destinations: list[Row]
    defects: list[Defect]
    missing: list[Missing]
    ops_path: str | None = None
    unreadable: list[str] = []
    notes: list[str] = []


def as_json(report: Report, exit_code: int) -> str:
    """The report as one document, with the exit code that it ends with."""
    document = {"exit_code": exit_code, **msgspec.to_builtins(report)}
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode()


def print_report(report: Report) -> None:
    """Prints a report for people to standard output."""
    screen = Console(highlight=False)
    if not screen.is_terminal:
        screen = Console(highlight=False, width=_FILE_COLUMNS)
    screen.print(table(report))
    shown = [*lines(report)]
    for line in shown[:_MOST_LINES]:
        style = "red" if line.startswith("defect") else None
        screen.print(line, markup=False, soft_wrap=True, style=style)
    if more := shown[_MOST_LINES:]:
        screen.print(f"and {len(more):,} more; --json has all")
    screen.print(verdict(report), markup=False, soft_wrap=True)


def table(report: Report) -> Table:
    """A row for each destination in each place."""
    made = Table(box=box.SIMPLE_HEAD)
    made.add_column("destination", overflow="fold", min_width=len("destination"))
    made.add_column("where", overflow="fold")
    for heading in ("windows", "manifests", "objects", "events", "stored", "missing", "defects"):
        made.add_column(heading, justify="right", no_wrap=True)
    for row in report.destinations:
        sums = (row.windows, row.manifests, row.objects, row.events)
        made.add_row(
            row.destination or "(of none)",
            Text(row.where + (f"\n{row.remark}" if row.remark else "")),
            *([""] * 7 if row.remark else []),
            *([] if row.remark else [f"{number:,}" for number in sums]),
            *([] if row.remark else [format_size(row.stored_bytes)]),
            *([] if row.remark else [f"{row.missing_events:,}", f"{row.defects:,}"]),
        )
    return made


def lines(report: Report) -> Iterator[str]:
    """A line for each defect, then one for each thing that is missing, and each note."""
    for defect in report.defects:
        yield (
            f"defect: {defect.kind}: {defect.url}: expected {defect.expected}; found {defect.found}"
        )
    for missing in report.missing:
        yield (
            f"missing: {missing.kind}: {missing.url}: {missing.events:,} events; found"
            f" {missing.found}"
        )
    for note in report.notes:
        yield f"note: {note}"


def verdict(report: Report) -> str:
    """All of it in one line."""
    objects = sum(row.objects for row in report.destinations)
    events = sum(row.events for row in report.destinations)
    read = f"{_many(objects, 'listed object')} with {_many(events, 'event')} read"
    if report.ops_path:
        read += f", and compared with the ops path {report.ops_path}"
    wrong = "no defects" if report.unreadable else "nothing is wrong"
    if report.defects:
        wrong = _many(len(report.defects), "defect")
    missing = f", {len(report.missing):,} missing" if report.missing else ""
    unread = _many(len(report.unreadable), "place")
    but = f", but {unread} could not be read" if report.unreadable else ""
    return f"{read}: {wrong}{missing}{but}"


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}" + ("" if count == 1 else "s")
