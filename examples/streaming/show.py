"""What is shown while the stream runs: a line for each manifest, and the sums."""

from collections.abc import Sequence
from statistics import median
from typing import Final

from rich.console import Console

from examples.demo.expected import Expected
from examples.streaming.arrivals import Arrival, Arrivals

_COLUMNS: Final = "{:<17} {:<16} {:>7} {:>7}  {}"


def show_heading(console: Console) -> None:
    """What the columns of the lines below it are."""
    console.print(
        _COLUMNS.format(
            "window (UTC)", "destination", "objects", "events", "manifest, after the window's end"
        ),
        style="bold",
    )


def show_arrivals(console: Console, arrivals: Sequence[Arrival]) -> None:
    """A line for each manifest."""
    for each in arrivals:
        start, end = (time[11:19] for time in each.window)
        told = f"{each.seconds_after:+.1f} s"
        told += "  (late events)" if each.pane else ""
        told += f"  ({each.missing:,} events parked)" if each.missing else ""
        console.print(
            _COLUMNS.format(
                f"{start} {end}", each.destination, f"{each.objects:,}", f"{each.events:,}", told
            )
        )


def sums(expected: Expected, arrivals: Arrivals) -> str:
    """What has become of all that was produced so far, in a line.

    What is malformed, opted out or unmatched is known from what the events were made of.
    """
    due, delivered = expected.pairs, arrivals.events.total()
    return (
        f"{expected.read:,} events produced: {due:,} to deliver, of which {delivered:,} are"
        f" delivered and {due - delivered:,} in open windows; {expected.unmatched:,} unmatched,"
        f" {expected.opted_out:,} opted out, {expected.malformed:,} malformed"
    )


def show_delays(console: Console, arrivals: Arrivals) -> None:
    """How soon windows were complete."""
    if arrivals.delays:
        console.print(
            f"{len(arrivals.delays)} manifests said that a window was complete, half of them"
            f" within {median(arrivals.delays):.1f} s of its end"
        )
