"""`python -m benchmarks`: measures all programs in one interleaved run, and prints the tables."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from rich.console import Console

from benchmarks.compare import compare, grow
from benchmarks.tables import machine, memory_table, memory_targets, programs_table, targets
from examples.termination import end_in_order

_WIDTH: Final = 120  # the table as one piece, wherever it is printed
_MEMORY_SIZES: Final = (1_000_000, 3_000_000)


def main(arguments: Sequence[str]) -> int:
    """Runs the benchmark.

    Returns:
        1 if a program failed or did not deliver every event once; a target missed is only said.
    """
    options = _options(arguments)
    screen = Console(highlight=False, soft_wrap=True, width=_WIDTH)
    progress = Console(stderr=True, highlight=False)
    with (
        TemporaryDirectory(prefix="s3-event-logs-benchmark-") as folder,
        progress.status("") as status,
    ):
        try:
            if options.memory:
                grown = grow(Path(folder), _MEMORY_SIZES, status.update)
                table, lines = memory_table(grown), memory_targets(grown)
            else:
                compared = compare(Path(folder), options.events, options.rounds, status.update)
                table, lines = programs_table(compared), targets(compared)
        except RuntimeError as error:
            progress.print(f"error: {error}", style="red", markup=False)
            return 1
    screen.print(machine(), markup=False)
    screen.print(table)
    screen.print("\n".join(lines), markup=False)
    screen.print("- every program delivered every event once, in every run", markup=False)
    return 0


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--events", type=int, default=500_000, help="how many (%(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="how many (%(default)s)")
    parser.add_argument(
        "--memory", action="store_true", help="instead: this pipeline's peak on 1 and 3 million"
    )
    return parser.parse_args(arguments)


if __name__ == "__main__":
    end_in_order()
    sys.exit(main(sys.argv[1:]))
