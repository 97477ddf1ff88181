"""How far a run has come: a bar on a terminal, now and then a line where there is none."""

import contextlib
import threading
import time
from collections.abc import Iterator
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn

from transforms.progress import counters
from transforms.units import format_size

_TERMINAL_SECONDS: Final = 0.2
_LINE_SECONDS: Final = 5.0


@contextlib.contextmanager
def progress_display(total_bytes: int | None, screen: Console) -> Iterator[None]:
    """Shows, while the body runs, bytes read of the total, events, and objects put.

    Counts are those of this process: of a job that runs in others there is nothing to show, and
    `total_bytes` is `None`.
    """
    if total_bytes is None:
        yield
        return
    counters.reset()
    stop = threading.Event()
    show = _show_bar if screen.is_terminal else _print_lines
    thread = threading.Thread(target=show, args=(total_bytes, screen, stop), daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _show_bar(total_bytes: int, screen: Console, stop: threading.Event) -> None:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(binary_units=True),
        TextColumn("{task.fields[counted]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=screen) as bar:
        task = bar.add_task("read", total=total_bytes, counted="")
        running = True
        while running:
            running = not stop.wait(_TERMINAL_SECONDS)
            bar.update(task, completed=counters.bytes_read, counted=_counted())


def _print_lines(total_bytes: int, screen: Console, stop: threading.Event) -> None:
    started = time.monotonic()
    running = True
    while running:
        running = not stop.wait(_LINE_SECONDS)
        read = f"{format_size(counters.bytes_read)} of {format_size(total_bytes)} read"
        seconds = time.monotonic() - started
        screen.print(f"{seconds:5.0f} s: {read}, {_counted()}", markup=False)


def _counted() -> str:
    parked = f", {counters.objects_parked:,} parked" if counters.objects_parked else ""
    return f"{counters.events:,} events, {counters.objects_put:,} objects put{parked}"
