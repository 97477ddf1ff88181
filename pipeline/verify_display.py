"""How far a verification has come: a bar on a terminal, nothing where there is none."""

import contextlib
import threading
from collections.abc import Iterator
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from transforms.verification.tree import Progress

_SECONDS: Final = 0.2


@contextlib.contextmanager
def verify_display(screen: Console) -> Iterator[Progress]:
    """Shows, while the body runs, the progress that it is given."""
    progress = Progress()
    if not screen.is_terminal:
        yield progress
        return
    stop = threading.Event()
    thread = threading.Thread(target=_show, args=(progress, screen, stop), daemon=True)
    thread.start()
    try:
        yield progress
    finally:
        stop.set()
        thread.join()


def _show(progress: Progress, screen: Console, stop: threading.Event) -> None:
    columns = (
        TextColumn("read"),
        BarColumn(),
        DownloadColumn(binary_units=True),
        TextColumn("{task.fields[counted]}"),
        TimeElapsedColumn(),
    )
    with Bar(*columns, console=screen, transient=True) as bar:
        task = bar.add_task("read", total=None, counted="")
        running = True
        while running:
            running = not stop.wait(_SECONDS)
            counted = f"{progress.objects:,} of {progress.of_objects:,} objects"
            bar.update(
                task,
                completed=progress.bytes,
                total=progress.of_bytes or None,
                counted=counted,
            )
