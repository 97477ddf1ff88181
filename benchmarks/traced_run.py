"""The command `run`, which also writes down when each block of a topic was read.

`python -m benchmarks.traced_run TRACE option …`: a line of the file for each block, its time in
seconds since 1970 and its number of records.
"""

import sys
import time
from collections.abc import Iterator
from pathlib import Path

from pipeline.__main__ import command
from transforms.kafka.reading import Reading
from transforms.records import Block


def trace(path: Path) -> None:
    """Writes down the blocks that this process reads from now on."""
    read = Reading.blocks

    def blocks(self: Reading) -> Iterator[Block]:
        for block in read(self):
            with path.open("a") as file:  # workers' threads share it: a line is one write
                file.write(f"{time.time()} {len(block.lines)}\n")
            yield block

    Reading.blocks = blocks  # type: ignore[method-assign]


if __name__ == "__main__":
    trace(Path(sys.argv[1]))
    sys.argv = [sys.argv[0], "run", *sys.argv[2:]]
    command()
