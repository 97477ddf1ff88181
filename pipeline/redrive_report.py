"""What `redrive` prints: a table of destinations, and why the rest of them stays parked."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Final, NamedTuple

from rich import box
from rich.console import Console
from rich.table import Table

from transforms.manifests import rfc3339
from transforms.parked_files import ParkedFile
from transforms.redrive_groups import Outcome
from transforms.store import Failure
from transforms.units import format_size

_FILE_COLUMNS: Final = 200  # nothing is cut off where no terminal sets a width
_MOST_LINES: Final = 50
_LEFT: Final = (Outcome.PARKED, Outcome.DAMAGED)


class End(NamedTuple):
    """What became of one parked object.

    Attributes:
        failure: Why it is still parked; `None` where it is not, or where nothing was tried.
    """

    file: ParkedFile
    outcome: Outcome
    failure: Failure | None = None

    @property
    def is_left(self) -> bool:
        """Whether it is still parked."""
        return self.outcome in _LEFT


def print_redriven(ends: Sequence[End], ops_url: str) -> None:
    """Prints what a redrive did, to standard output."""
    table = _table("parked", "events", "redriven", "events", "still parked", "events")
    for name, theirs in _by_destination(ends):
        redriven = [end for end in theirs if end.outcome is Outcome.REDRIVEN]
        left = [end for end in theirs if end.is_left]
        table.add_row(name, *_counts(theirs), *_counts(redriven), *_counts(left))
    _print(table, [sums(ends, ops_url)], reasons(ends))


def print_parked(ends: Sequence[End], ops_url: str) -> None:
    """Prints what is parked, and what a redrive would refuse to put, to standard output."""
    table = _table("parked", "events", "stored", "oldest window", "to put", "refused", "damaged")
    for name, theirs in _by_destination(ends):
        windows = [end.file.parked.window.start for end in theirs if end.file.parked]
        refused = sum(end.outcome is Outcome.PARKED for end in theirs)
        damaged = sum(end.outcome is Outcome.DAMAGED for end in theirs)
        table.add_row(
            name,
            *_counts(theirs),
            format_size(sum(end.file.parked.stored_bytes for end in theirs if end.file.parked)),
            rfc3339(min(windows)) if windows else "",
            *(f"{n:,}" for n in (len(theirs) - refused - damaged, refused, damaged)),
        )
    total = f"parked in {ops_url}: {_objects(ends)}; nothing was put"
    _print(table, [total, *causes(ends)], reasons(ends))


def sums(ends: Sequence[End], ops_url: str) -> str:
    """What became of all of them, in one line."""
    redriven = [end for end in ends if end.outcome is Outcome.REDRIVEN]
    left = [end for end in ends if end.is_left]
    said = f"redriven {_objects(redriven)}; still parked in {ops_url}: "
    said += _objects(left) if left else "nothing"
    gone = sum(end.outcome is Outcome.GONE for end in ends)
    return said + (f"; moved by another redrive meanwhile: {gone:,}" if gone else "")


def causes(ends: Iterable[End]) -> list[str]:
    """Why objects were parked, a line for each destination and answer."""
    lines = []
    for name, theirs in _by_destination(ends):
        found: dict[tuple[str, str], list[End]] = {}
        for end in theirs:
            if end.file.parked is not None:
                failure = end.file.parked.failure
                found.setdefault((failure.said, failure.advice), []).append(end)
        lines += [f"cause: {name}: {_objects(same)}: {_why(same)}" for same in found.values()]
    return lines


def reasons(ends: Iterable[End]) -> list[str]:
    """Why objects stay parked: a line for each destination and reason, and each damaged file."""
    lines = []
    for name, theirs in _by_destination(end for end in ends if end.is_left):
        found: dict[tuple[str, str], list[Failure]] = {}
        counted: dict[tuple[str, str], list[End]] = {}
        for end in theirs:
            if end.failure is None:
                continue
            if end.outcome is Outcome.DAMAGED:
                lines.append(f"damaged: {end.file.name}: {end.failure.said}")
                continue
            which = (end.failure.said, end.failure.advice)
            found.setdefault(which, []).append(end.failure)
            counted.setdefault(which, []).append(end)
        lines += [
            f"still parked: {name}: {_objects(counted[which])}: {_worded(failures)}"
            for which, failures in found.items()
        ]
    return lines


def _why(same: Sequence[End]) -> str:
    return _worded([end.file.parked.failure for end in same if end.file.parked])


def _worded(same: Iterable[Failure]) -> str:
    # Those that were not sent say the same as the one before them that was.
    failure = max(same, key=lambda each: each.attempts)
    said = str(failure) if failure.answered or failure.attempts else _own_words(failure)
    return said.replace("\n", "\n  ")


def _own_words(failure: Failure) -> str:
    return "\n".join(filter(None, (failure.said, failure.advice)))


def _by_destination(ends: Iterable[End]) -> Iterator[tuple[str, list[End]]]:
    def name_of(end: End) -> str:
        return end.file.destination

    for name, theirs in groupby(sorted(ends, key=name_of), key=name_of):
        yield name, list(theirs)


def _counts(ends: Sequence[End]) -> tuple[str, str]:
    return f"{len(ends):,}", f"{sum(end.file.events for end in ends):,}"


def _objects(ends: Sequence[End]) -> str:
    objects, events = len(ends), sum(end.file.events for end in ends)
    return f"{objects:,} object{'s' * (objects != 1)}, {events:,} event{'s' * (events != 1)}"


def _table(*headings: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("destination", overflow="fold", min_width=len("destination"))
    for heading in headings:
        table.add_column(heading, justify="right")
    return table


def _print(table: Table, said: Iterable[str], wrong: Sequence[str]) -> None:
    screen = Console(highlight=False)
    if not screen.is_terminal:
        screen = Console(highlight=False, width=_FILE_COLUMNS)
    screen.print(table)
    for line in said:
        screen.print(line, markup=False, soft_wrap=True)
    for line in wrong[:_MOST_LINES]:
        screen.print(line, markup=False, soft_wrap=True, style="red")
    if more := wrong[_MOST_LINES:]:
        screen.print(f"and {len(more):,} more of the kind", style="red")
