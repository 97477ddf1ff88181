"""How far a redrive has come: a bar on a terminal, now and then a line where there is none."""

import contextlib
import time
from collections.abc import Iterator
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from transforms.redrive import Redrive
from transforms.redrive_groups import Outcome

_LINE_SECONDS: Final = 5.0


class RedriveDisplay:
    """What is called while a redrive runs, often.

    Args:
        screen: Takes the lines.
        bar: Shows instead of lines.
    """

    def __init__(self, screen: Console, bar: Progress | None) -> None:
        self._screen = screen
        self._bar = bar
        self._task = bar.add_task("looking", total=None, counted="") if bar else None
        self._begun = self._shown = time.monotonic()

    def found(self, count: int) -> None:
        """So many parked objects were found until now."""
        self._show("looking", count, None, "")

    def watch(self, redrive: Redrive) -> None:
        """Shows how far it has come."""
        ended = redrive.ended
        refused = ended[Outcome.PARKED] + ended[Outcome.DAMAGED]
        counted = f"{ended[Outcome.REDRIVEN]:,} redriven, {refused:,} still parked"
        self._show("redriving", ended.total(), len(redrive.objects), counted)

    def _show(self, what: str, count: int, total: int | None, counted: str) -> None:
        if self._bar is not None and self._task is not None:
            self._bar.update(
                self._task, description=what, completed=count, total=total, counted=counted
            )
        elif time.monotonic() - self._shown >= _LINE_SECONDS:
            self._shown = time.monotonic()
            of = f" of {total:,}" if total is not None else ""
            line = f"{self._shown - self._begun:5.0f} s: {what}, {count:,}{of} objects"
            self._screen.print(", ".join(filter(None, (line, counted))), markup=False)


@contextlib.contextmanager
def redrive_display(screen: Console) -> Iterator[RedriveDisplay]:
    """Shows, while the body runs, what the display is told."""
    if not screen.is_terminal:
        yield RedriveDisplay(screen, None)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[counted]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=screen, transient=True) as bar:
        yield RedriveDisplay(screen, bar)
