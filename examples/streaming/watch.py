"""Watches a stream: what arrives is shown, until producing has stopped and all is settled."""

import textwrap
import time
from pathlib import Path
from typing import Final, NamedTuple

from rich.console import Console
from rich.live import Live
from rich.text import Text

from examples.demo.ops_records import read_sums
from examples.demo.s3_server import S3Server
from examples.streaming.arrivals import Arrivals
from examples.streaming.clicks import Clicks
from examples.streaming.job import Job
from examples.streaming.show import show_arrivals, show_heading, sums

_LOOK_SECONDS: Final = 0.5
_SUMS_SECONDS: Final = 10.0  # how often sums are printed where there is no terminal
_PATIENCE_SECONDS: Final = 180.0


class Stream(NamedTuple):
    """What runs.

    Attributes:
        server: The customers' S3.
        job: What is shown.
        clicks: What it works on.
        ops: The operator's own folder.
    """

    server: S3Server
    job: Job
    clicks: Clicks
    ops: Path


class Watch:
    """One stream, watched from its beginning to its end.

    Args:
        stream: What runs.
        arrivals: What has arrived.
        console: Where to tell of it.
    """

    def __init__(self, stream: Stream, arrivals: Arrivals, console: Console) -> None:
        self._stream = stream
        self._arrivals = arrivals
        self._console = console
        self._sums_at = 0.0

    def run(self, seconds: float) -> str | None:
        """Stops producing after so many seconds from the first arrival on, and waits for the rest.

        Returns:
            Why it waits no longer although not all is there; `None` where all is.
        """
        clicks, stop_at, came_at = self._stream.clicks, float("inf"), time.monotonic()
        show_heading(self._console)
        with Live(console=self._console, transient=True, auto_refresh=False) as live:
            while not self._stream.job.has_ended():
                now = time.monotonic()
                if self._show_new(live, now):
                    came_at, stop_at = now, min(stop_at, now + seconds)
                if now - came_at > _PATIENCE_SECONDS:
                    return f"nothing has come for {_PATIENCE_SECONDS:.0f} s"
                if clicks.is_producing and now >= stop_at:
                    clicks.stop()
                    self._console.print("producing has stopped; the last windows follow")
                elif not clicks.is_producing and self._is_settled():
                    return None
                time.sleep(_LOOK_SECONDS)
        return "the job has ended"

    def _show_new(self, live: Live, now: float) -> bool:
        """Shows what is new, and the sums; returns whether anything is."""
        new = self._arrivals.look()
        show_arrivals(self._console, new)
        told = sums(self._stream.clicks.expected, self._arrivals)
        # The console wraps nothing, so that commands can be copied; this must be seen whole.
        wrapped = "\n".join(textwrap.wrap(told, self._console.width))
        live.update(Text(wrapped), refresh=self._console.is_terminal)
        if not self._console.is_terminal and now >= self._sums_at:
            self._sums_at = now + _SUMS_SECONDS
            self._console.print(told)
        return bool(new)

    def _is_settled(self) -> bool:
        """Whether all events are in buckets, and tallies and receipts tell of all of them."""
        expected = self._stream.clicks.expected
        if self._arrivals.events.total() < expected.pairs:
            return False
        told = read_sums(self._stream.ops)
        return told.read >= expected.read and told.delivered >= expected.pairs
