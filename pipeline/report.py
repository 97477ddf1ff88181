"""The report at the end of a run: a table of destinations, an object of each, and the sums."""

from typing import Final

from rich import box
from rich.console import Console
from rich.table import Table

from pipeline.job import Job
from transforms.destination import Destination
from transforms.places import url_of
from transforms.summarise import Delivery, Summary
from transforms.units import format_size

_FILE_COLUMNS: Final = 200  # nothing is cut off where no terminal sets a width
_NARROW_COLUMNS: Final = 110
_MOST_ROWS: Final = 100
_MOST_EXAMPLES: Final = 5
_MOST_REFUSALS: Final = 20
_READERS: Final = {"gzip": "gzip -dc | ", "zstd": "zstd -dc | ", "none": ""}


def print_report(job: Job, summary: Summary) -> None:
    """Prints what a run delivered, from its tallies and receipts, to standard output."""
    screen = Console(highlight=False)
    if not screen.is_terminal:
        screen = Console(highlight=False, width=_FILE_COLUMNS)
    shown, left_out = _shown(job, summary)
    screen.print(_table(job, summary, shown, narrow=screen.width < _NARROW_COLUMNS))
    if left_out:
        screen.print(f"and {left_out:,} more destinations; all are in the receipts")
    for line in (*examples(job, summary, shown), *sums(job, summary)):
        screen.print(line, markup=False, soft_wrap=True)
    for line in refusals(summary):
        screen.print(line, markup=False, soft_wrap=True, style="red")


def _shown(job: Job, summary: Summary) -> tuple[list[Destination], int]:
    """The destinations to show, the largest where they are very many, and how many are not."""
    every = job.asked_for
    largest = sorted(every, key=lambda each: -_delivery(summary, each).events)[:_MOST_ROWS]
    names = {each.name for each in largest}
    return [each for each in every if each.name in names], len(every) - len(largest)


def _delivery(summary: Summary, destination: Destination) -> Delivery:
    return summary.deliveries.get(destination.name, Delivery())


def _table(job: Job, summary: Summary, shown: list[Destination], *, narrow: bool) -> Table:
    table = Table(box=box.SIMPLE_HEAD, title=f"run {job.run}", title_justify="left")
    table.add_column("destination", overflow="fold", min_width=len("destination"))
    if not narrow:
        table.add_column("bucket", overflow="fold")
    for heading in ("objects", "events", "raw", "stored"):
        table.add_column(heading, justify="right", no_wrap=True)
    if summary.parked:
        table.add_column("parked", justify="right", no_wrap=True, style="red")
    table.add_column("encryption", overflow="fold", min_width=len("encryption"))
    for destination in shown:
        delivery = _delivery(summary, destination)
        connection = job.configuration.connection_of(destination)
        table.add_row(
            destination.name,
            *([] if narrow else [connection.bucket]),
            f"{delivery.objects:,}",
            f"{delivery.events:,}",
            format_size(delivery.raw_bytes),
            format_size(delivery.stored_bytes),
            *([f"{delivery.parked:,}"] if summary.parked else []),
            connection.server_side_encryption or "bucket's own",
        )
    return table


def examples(job: Job, summary: Summary, shown: list[Destination]) -> list[str]:
    """One object of each of the first few destinations, as a command for the bucket's owner."""
    lines = []
    for destination in shown[:_MOST_EXAMPLES]:
        key = _delivery(summary, destination).example
        if key:
            connection = job.configuration.connection_of(destination)
            endpoint = f" --endpoint-url {connection.endpoint_url}" * bool(connection.endpoint_url)
            reader = _READERS[destination.compression]
            url = f"s3://{connection.bucket}/{key}"
            lines.append(f"  aws s3 cp{endpoint} {url} - | {reader}head -2")
    return ["to look into an object, as the bucket's owner:", *lines] if lines else []


def sums(job: Job, summary: Summary) -> list[str]:
    """The sums that a run answers for, a line each."""
    dead = sum(summary.dead_letters.values())
    reasons = ", ".join(f"{count:,} {reason}" for reason, count in summary.dead_letters.items())
    return [
        f"events read {summary.read:,} = matched {summary.matched:,}"
        f" + unmatched {summary.unmatched:,} + opted out {summary.opted_out:,}"
        + (f" + outside the times {summary.outside:,}" if summary.outside else "")
        + f" + dead letters {dead:,}"
        + (f" ({reasons})" if reasons else ""),
        f"matched pairs {summary.pairs:,} = delivered {summary.delivered:,}"
        + (f" + parked {summary.parked_events:,}" if summary.parked else ""),
        *([f"blank lines, not counted: {summary.blank:,}"] if summary.blank else []),
        f"ops path: {url_of(job.ops)}",
    ]


def refusals(summary: Summary) -> list[str]:
    """Who refused objects, why, and what to do; a destination each."""
    refused = {name: each for name, each in sorted(summary.deliveries.items()) if each.parked}
    lines = []
    for name in list(refused)[:_MOST_REFUSALS]:
        delivery = refused[name]
        objects = _count(delivery.parked - delivery.parked_manifests, "object")
        manifests = _count(delivery.parked_manifests, "manifest")
        counted = f"{objects}, {_count(delivery.parked_events, 'event')}, {manifests}"
        reason = delivery.reason.replace("\n", "\n  ")
        lines.append(f"parked: {name}: {counted}: {reason}")
    if len(refused) > _MOST_REFUSALS:
        lines.append(f"parked: and {len(refused) - _MOST_REFUSALS:,} more destinations")
    return lines


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" + "s" * (number != 1)
