"""What the kernel counts for processes that run, by `/proc`: Linux alone has it."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Final, NamedTuple

_TICKS: Final = os.sysconf("SC_CLK_TCK")
_END_SECONDS: Final = 20
_AFTER_NAME: Final = 2  # the fields of proc(5), less process id and name
_PARENT, _CPU = 4 - 1 - _AFTER_NAME, slice(14 - 1 - _AFTER_NAME, 17 - _AFTER_NAME)


class Usage(NamedTuple):
    """What a process has used since it began.

    Attributes:
        cpu: CPU seconds, of its children that have ended too.
        peak: Its largest resident set, in bytes.
    """

    cpu: float
    peak: int


def usage(process: int) -> Usage:
    """What a process has used; it must be running."""
    cpu = sum(map(int, _fields(process)[_CPU])) / _TICKS
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    peak = next(line for line in lines if line.startswith("VmHWM"))
    return Usage(cpu, int(peak.split()[1]) * 1024)


def await_child(process: int, program: str, seconds: float = 180) -> int:
    """The child of a process that runs a program, as soon as there is one.

    Raises:
        RuntimeError: There was none in that time.
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        for child in children(process):
            if program in Path(f"/proc/{child}/cmdline").read_text().partition("\0")[0]:
                return child
        time.sleep(0.1)
    raise RuntimeError(f"{program} did not start")


def end_job(job: "subprocess.Popen[bytes]", engine: int | None = None) -> None:
    """Ends a job, and the engine that it may have started and would leave behind."""
    job.terminate()
    try:
        job.wait(_END_SECONDS)
    except subprocess.TimeoutExpired:
        job.kill()
        job.wait()
    with contextlib.suppress(ProcessLookupError):
        if engine is not None:
            os.kill(engine, signal.SIGKILL)


def children(process: int) -> Iterable[int]:
    """The processes that a process has started and that run."""
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            try:
                parent = int(_fields(int(folder.name))[_PARENT])
            except (FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
                continue
            if parent == process:
                yield int(folder.name)


def _fields(process: int) -> list[str]:
    """The fields of `/proc/<pid>/stat` behind the name, which may hold anything."""
    return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
