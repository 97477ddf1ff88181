"""What SIGTERM leaves behind: nothing."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from benchmarks.processes import children

_ROOT: Final = Path(__file__).parents[2]
_UP_SECONDS: Final = 60
_END_SECONDS: Final = 30
_TEST: Final = """
import time

def test_it(s3_server):
    time.sleep(600)
"""

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="Linux alone has it")


def below(process: int) -> dict[int, str]:
    """All that a process has started, and what these have, with their commands."""
    found = {}
    for child in children(process):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
            command = Path(f"/proc/{child}/cmdline").read_bytes()
            found[child] = command.replace(b"\0", b" ").decode()
        found |= below(child)
    return found


def wait(holds: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.mark.parametrize(
    ("command", "started"),
    [
        (["examples.demo", "--events=3000000"], "weed"),
        (["benchmarks", "--events=200000"], "-m benchmarks."),
        (["benchmarks.isolation"], "pipeline run"),
        (["pytest", "-p", "tests.conftest", "-q", "test_it.py"], "weed"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_sigterm_ends_a_program_and_all_that_it_started(
    command: list[str], started: str, tmp_path: Path
) -> None:
    (tmp_path / "test_it.py").write_text(_TEST)
    path = os.pathsep.join([str(_ROOT), os.environ.get("PYTHONPATH", "")])
    program = subprocess.Popen(  # noqa: S603 - what stands here
        [sys.executable, "-m", *command],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": path},
        stdout=subprocess.DEVNULL,
    )
    try:
        wait(lambda: any(started in each for each in below(program.pid).values()), _UP_SECONDS)
        running = below(program.pid)
        program.terminate()
        assert program.wait(_END_SECONDS) == 128 + signal.SIGTERM
    finally:
        program.kill()
        program.wait()
    wait(lambda: not any(Path(f"/proc/{each}").exists() for each in running), 5)
