"""Measures a program by what the operating system counted for it when it ended."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryFile
from typing import Final, NamedTuple

_RSS_UNIT: Final = 1 if sys.platform == "darwin" else 1024  # getrusage(2) of each

Figures = dict[str, float]
"""What a program reports of itself, by name."""


class Run(NamedTuple):
    """One run of one program, its children included.

    Attributes:
        cpu: CPU seconds, of the program and of the kernel on its behalf.
        wall: Seconds from start to end.
        peak: The largest resident set, in bytes.
        figures: What the program reported.
    """

    cpu: float
    wall: float
    peak: int
    figures: Figures


def report(figures: Figures) -> None:
    """Reports figures to `measure`, as the last line of a program's output."""
    sys.stdout.write(json.dumps(figures) + "\n")


def measure(module: str, arguments: Sequence[Path]) -> Run:
    """Runs `python -m module argument …`.

    Raises:
        RuntimeError: The program failed; with what it said.
    """
    command = [sys.executable, "-m", module, *map(str, arguments)]
    with TemporaryFile("w+") as said:
        started = time.monotonic()
        process = subprocess.Popen(command, stdout=said, stderr=subprocess.STDOUT)  # noqa: S603 - ours
        # Unlike getrusage for all children, wait4 tells of one alone.
        try:
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            process.kill()
            process.wait()
            raise
        wall = time.monotonic() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        output = said.read()
    if process.returncode:
        raise RuntimeError(f"{module} failed:\n{output}")
    figures = json.loads(output.splitlines()[-1])
    return Run(usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss * _RSS_UNIT, figures)
