"""The benchmark's tables, in Markdown, with the targets beside what was measured."""

import os
import platform
import subprocess
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Final

from rich import box
from rich.table import Table

from benchmarks.compare import FILE_SINK, PARTS, PIPELINE, REFERENCE, Comparison, Result

MOST_OF_PARTS: Final = 1.35
LEAST_OF_REFERENCE: Final = 0.55
LEAST_OF_FILE_SINK: Final = 10.0
MOST_PACKED: Final = 1 / 5
MOST_PEAK_BYTES: Final = 1.5 * 2**30


def programs_table(comparison: Comparison) -> Table:
    """One line for each program."""
    reference = comparison.results[REFERENCE].seconds
    table = markdown_table(
        "program",
        "events",
        "CPU s per million",
        "events per CPU s",
        "of the loop's",
        "wall s",
        "peak",
    )
    for program, result in comparison.results.items():
        seconds = median(result.seconds)
        table.add_row(
            program.name,
            f"{result.events:,}",
            f"{seconds * 1e6:.2f}",
            f"{1 / seconds:,.0f}",
            f"{_ratio(reference, result.seconds):.2f}",
            f"{result.wall:.1f}",
            mebibytes(result.peak),
        )
    return table


def targets(comparison: Comparison) -> Iterator[str]:
    """Each target with what was measured, a line each."""
    results, parts = comparison.results, comparison.parts
    seconds = {program: result.seconds for program, result in results.items()}
    of_parts = _ratio(seconds[REFERENCE], list(map(sum, zip(*parts.values(), strict=True))))
    alone = " + ".join(f"{part} {median(parts[part]) * 1e6:.2f}" for part in PARTS)
    yield _verdict(
        f"the loop costs {of_parts:.2f} times its parts alone ({alone} µs)",
        f"at most {MOST_OF_PARTS}",
        met=of_parts <= MOST_OF_PARTS,
    )
    of_reference = _ratio(seconds[REFERENCE], seconds[PIPELINE])
    yield _verdict(
        f"this pipeline's events per CPU second are {of_reference:.2f} of the loop's",
        f"at least {LEAST_OF_REFERENCE}",
        met=of_reference >= LEAST_OF_REFERENCE,
    )
    of_file_sink = _ratio(seconds[FILE_SINK], seconds[PIPELINE])
    yield _verdict(
        f"and {of_file_sink:.1f} times {FILE_SINK.name}'s",
        f"at least {LEAST_OF_FILE_SINK:.0f}",
        met=of_file_sink >= LEAST_OF_FILE_SINK,
    )
    figures = results[PIPELINE].runs[0].figures
    packed = figures["packed_bytes"] / figures["raw_bytes"]
    yield _verdict(
        f"pack hands 1/{1 / packed:.1f} of the raw bytes to group",
        f"at most 1/{1 / MOST_PACKED:.0f}",
        met=packed <= MOST_PACKED,
    )


def memory_table(results: Sequence[Result]) -> Table:
    """One line for each number of events."""
    table = markdown_table("events", "raw", "packed", "peak", "wall s")
    for result in results:
        figures = result.runs[0].figures
        table.add_row(
            f"{result.events:,}",
            mebibytes(figures["raw_bytes"]),
            mebibytes(figures["packed_bytes"]),
            mebibytes(result.peak),
            f"{result.wall:.1f}",
        )
    return table


def memory_targets(results: Sequence[Result]) -> Iterator[str]:
    """The peak, and how it rises."""
    first, last = results[0], results[-1]
    yield _verdict(
        f"the peak for {last.events:,} events is {mebibytes(last.peak)}",
        f"at most {mebibytes(MOST_PEAK_BYTES)}",
        met=last.peak <= MOST_PEAK_BYTES,
    )
    more = last.peak - first.peak
    before, after = first.runs[0].figures, last.runs[0].figures
    for kind in ("raw", "packed"):
        added = after[f"{kind}_bytes"] - before[f"{kind}_bytes"]
        yield f"- from first to last it rises by {more / added:.2f} of the {kind} bytes added"


def markdown_table(first: str, *others: str) -> Table:
    """An empty table, the first column of words, the others of figures."""
    table = Table(box=box.MARKDOWN)
    table.add_column(first)
    for heading in others:
        table.add_column(heading, justify="right")
    return table


def machine() -> str:
    """What the figures hold for: the processor, the versions and the commit."""
    return ", ".join(
        (
            f"{os.cpu_count()} cores of {_processor()}",
            f"Python {platform.python_version()}",
            f"Beam {version('apache-beam')}",
            f"commit {_commit()}",
        )
    )


def mebibytes(count: float) -> str:
    """A size as the tables have it."""
    # Not `transforms.units`: a child's peak is at least what its parent holds when it is made, so
    # what prints the tables must stay small and import no Beam.
    return f"{count / 2**20:,.0f} MiB"


def _ratio(numerators: Sequence[float], denominators: Sequence[float]) -> float:
    """The median of the rounds' ratios: what slows a round down slows down both of its sides."""
    return median(n / d for n, d in zip(numerators, denominators, strict=True))


def _verdict(measured: str, target: str, *, met: bool) -> str:
    return f"- {measured} (target: {target}): {'met' if met else 'MISSED'}"


def _processor() -> str:
    information = Path("/proc/cpuinfo")  # Linux alone has it
    lines = information.read_text().splitlines() if information.exists() else []
    models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(models, platform.machine())


def _commit() -> str:
    command = ("git", "describe", "--always", "--dirty")
    result = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - fixed
    return result.stdout.strip() or "unknown"
