"""The report at the end of a run: a table of destinations, and the sums."""

from typing import Final

from rich import box
from rich.console import Console
from rich.table import Table

from pipeline.job import Job
from transforms.put import bucket_and_owner
from transforms.summarise import Delivery, Summary
from transforms.units import format_size

_FILE_COLUMNS: Final = 200  # nothing is cut off where no terminal sets a width


def print_report(job: Job, summary: Summary) -> None:
    """Prints what a run delivered, from its tallies and receipts, to standard output."""
    screen = Console(highlight=False)
    if not screen.is_terminal:
        screen = Console(highlight=False, width=_FILE_COLUMNS)
    screen.print(_table(job, summary))
    for line in sums(job, summary):
        screen.print(line, markup=False, soft_wrap=True)


def _table(job: Job, summary: Summary) -> Table:
    table = Table(box=box.SIMPLE_HEAD, title=f"run {job.run}", title_justify="left")
    table.add_column("destination", overflow="fold")
    table.add_column("bucket", overflow="fold")
    for heading in ("objects", "events", "raw", "stored"):
        table.add_column(heading, justify="right")
    table.add_column("encryption")
    for destination in job.configuration.destinations:
        delivery = summary.deliveries.get(destination.name, Delivery())
        connection = job.configuration.connection_of(destination)
        table.add_row(
            destination.name,
            connection.bucket,
            f"{delivery.objects:,}",
            f"{delivery.events:,}",
            format_size(delivery.raw_bytes),
            format_size(delivery.stored_bytes),
            connection.server_side_encryption or "the bucket's own",
        )
    return table


def sums(job: Job, summary: Summary) -> list[str]:
    """The sums that a run answers for, a line each."""
    dead = sum(summary.dead_letters.values())
    reasons = ", ".join(f"{count:,} {reason}" for reason, count in summary.dead_letters.items())
    return [
        f"events read {summary.read:,} = matched {summary.matched:,}"
        f" + unmatched {summary.unmatched:,} + opted out {summary.opted_out:,}"
        f" + dead letters {dead:,}" + (f" ({reasons})" if reasons else ""),
        f"matched pairs {summary.pairs:,} = delivered {summary.delivered:,}",
        f"ops path: {bucket_and_owner(job.ops)[0]}",
    ]
