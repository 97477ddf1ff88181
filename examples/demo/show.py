"""What the demo prints at its end."""

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from rich import box
from rich.console import Console
from rich.table import Table

from examples.demo.checks import Check
from examples.demo.customers import CONNECTIONS, DESTINATIONS
from examples.demo.expected import Expected
from examples.demo.ops_records import Sums
from examples.demo.read_back import Found

_LONGEST_VALUE: Final = 200


def show_table(console: Console, found: dict[str, Found]) -> None:
    """A line for each destination, from what was read back; fits into 80 columns."""
    table = Table(box=box.SIMPLE_HEAD, title="read back from the buckets", title_justify="left")
    table.add_column("destination", no_wrap=True)
    for heading in ("objects", "events", "raw bytes", "stored bytes"):
        table.add_column(heading, justify="right")
    table.add_column("encryption")
    for name, there in found.items():
        table.add_row(
            name,
            f"{len(there.sha256):,}",
            f"{there.delivery.events:,}",
            f"{there.delivery.raw_bytes:,}",
            f"{there.stored_bytes:,}",
            ", ".join(sorted(there.encryptions)),
        )
    console.print(table)


def show_sums(console: Console, sums: Sums) -> None:
    """The two sums that must come out even, from tallies and receipts."""
    console.print(
        f"events read {sums.read:,} = matched {sums.matched:,} + unmatched {sums.unmatched:,}"
        f" + opted out {sums.opted_out:,} + dead letters {sums.dead:,}"
    )
    console.print(
        f"matched pairs {sums.pairs:,} = delivered {sums.delivered:,} + parked {sums.parked:,}"
    )


def show_examples(console: Console, found: dict[str, Found], folder: Path) -> None:
    """Copies one object of each destination into `folder`, and says how to look into it."""
    folder.mkdir(parents=True, exist_ok=True)
    console.print("one object of each, and the command that looks into a copy of it:")
    for name, there in found.items():
        if there.example is None:
            continue
        key = there.example.key
        copy = folder / f"{name}{key[key.index('.ndjson') :]}"
        copy.write_bytes(there.example.body)
        console.print(f"  s3://{there.bucket}/{key}")
        console.print(f"    gzip -dc {shlex.quote(str(copy))} | head -2")


def show_checks(console: Console, checks: Sequence[Check]) -> bool:
    """Names each check that fails.

    Returns:
        Whether all hold.
    """
    failed = [check for check in checks if not check.holds]
    for check in failed:
        expected, found = _short(check.expected), _short(check.found)
        console.print(f"FAILED {check.name}: expected {expected}, found {found}", style="red")
    if not failed:
        console.print(f"all {len(checks)} checks hold", style="green")
    return not failed


def show_input(console: Console, expected: Expected) -> None:
    """What was generated, in a line."""
    console.print(
        f"generated {expected.read:,} events ({expected.raw_bytes / 1e6:,.0f} MB) in"
        f" {len(expected.files)} files for {len(CONNECTIONS)} customers with"
        f" {len(DESTINATIONS)} destinations"
    )


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}…"
