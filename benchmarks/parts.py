"""What no loop can do without, each timed alone: to split, to decode, to deflate.

The reference loop is held against their sum, so that nobody races a slow one.
"""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.measure import Figures, report
from benchmarks.reference_loop import chunks, decode, grouped, split
from transforms.deflate import deflate


def time_parts(source: Path) -> Figures:
    """CPU seconds of each part over a file of events, cut and grouped as the loop does it."""
    seconds: Figures = dict.fromkeys(("split", "decode", "deflate"), 0.0)

    @contextmanager
    def timed(part: str) -> Iterator[None]:
        started = time.process_time()
        yield
        seconds[part] += time.process_time() - started

    rest = b""
    for chunk in chunks(source):
        with timed("split"):
            lines, rest = split(chunk, rest)
        with timed("decode"):
            envelopes = list(map(decode, lines))
        groups = [data for _, data in grouped(lines, envelopes)]
        with timed("deflate"):
            for data in groups:
                deflate(data)
    return seconds


if __name__ == "__main__":
    report(time_parts(Path(sys.argv[1])))
