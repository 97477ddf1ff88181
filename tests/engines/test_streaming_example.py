"""`python -m examples.streaming`, as a person runs it: to its end, with Ctrl-C, without a tool."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from examples.engines.process import Process

_ROOT = Path(__file__).parents[2]
_COMMAND = (sys.executable, "-m", "examples.streaming")
_MISSING = 2


class Example:
    """The example in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: Process | None = None

    def begin(self, *options: str, **environment: str) -> Process:
        variables = {"PYTHONPATH": str(_ROOT), "PYTHONUNBUFFERED": "1", **environment}
        self._process = Process(
            [*_COMMAND, *options], self._folder / "output", self._folder, variables
        )
        return self._process

    def end(self) -> None:
        if self._process is not None:
            self._process.kill()

    def processes(self) -> list[str]:
        """All that runs on behalf of it; each names its folder in its command or environment."""
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            try:
                told = process.joinpath("cmdline").read_bytes()
                folder = process.joinpath("cwd").resolve()
            except OSError:
                continue
            if str(self._folder).encode() in told or self._folder in (folder, *folder.parents):
                found.append(told.replace(b"\0", b" ").decode())
        return found


@pytest.fixture
def example(tmp_path: Path) -> Iterator[Example]:
    running = Example(tmp_path)
    yield running
    running.end()


def skip_where_a_tool_is_missing(code: int, said: str) -> None:
    if code == _MISSING and os.environ.get("ENGINES") != "required":
        pytest.skip(said)


@pytest.mark.parametrize("engine", ["prism", "flink"])
def test_every_event_arrives_and_the_sums_add_up(engine: str, example: Example) -> None:
    program = example.begin(f"--engine={engine}", "--minutes=0.3", "--rate=200")
    code = program.wait(500)
    said = program.log()
    skip_where_a_tool_is_missing(code, said)
    assert code == 0, said
    assert "$ python -m pipeline run \\\n    --config=" in said
    assert "all 44 checks hold" in said
    assert re.search(r"of which [\d,]+ are delivered and 0 in open windows", said)
    assert re.search(r"meadow-shop +\d+ +[\d,]+ +\+\d+\.\d s", said)
    assert "Traceback" not in said
    assert "rdkafka" not in said
    assert not example.processes()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_and_sigterm_end_all_of_it(number: signal.Signals, example: Example) -> None:
    program = example.begin("--minutes=5", "--rate=200")
    with pytest.raises(subprocess.TimeoutExpired):
        skip_where_a_tool_is_missing(program.wait(15), program.log())
    assert example.processes()
    os.kill(program.pid, number)
    assert program.wait(20) == 128 + number
    assert "Traceback" not in program.log()
    assert not example.processes()


def test_a_tool_that_is_missing_is_named(example: Example, tmp_path: Path) -> None:
    program = example.begin(PATH="", XDG_CACHE_HOME=str(tmp_path))
    assert program.wait(30) == _MISSING
    last = program.log().splitlines()[-1]
    assert last == (
        "error: mvn is not installed; needed are java and mvn for the broker, go for Prism"
    )
