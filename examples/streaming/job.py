"""The job, begun by the project's own command line, in a process that ends with this program."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from examples.within import Within

_SECONDS_TO_END: Final = 10
_LAST_LINES: Final = 12


class Job(Within):
    """A job that runs within a `with`, with all processes that it starts.

    Args:
        arguments: What stands behind `python -m pipeline run`.
        environment: Its whole environment.
        log: The file that takes what it says.
    """

    def __init__(self, arguments: Sequence[str], environment: dict[str, str], log: Path) -> None:
        self._arguments = arguments
        self._environment = environment
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    def begin(self) -> None:
        """Submits it."""
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603 - this interpreter, options made here
                [sys.executable, "-m", "pipeline", "run", *self._arguments],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for this program, which then ends the job
            )

    def end(self) -> None:
        """Ends it as Ctrl-C would, and then what is left of it hard."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(_SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            pass  # an engine that does not let go
        finally:
            _kill_session(self._process.pid)
            self._process.wait()

    def has_ended(self) -> bool:
        """Whether it ended, which a stream never does by itself."""
        return self._process is not None and self._process.poll() is not None

    def last_words(self) -> str:
        """The end of what it said."""
        lines = self._log.read_text(errors="replace").splitlines()
        return "\n".join(lines[-_LAST_LINES:])


def _kill_session(leader: int) -> None:
    try:
        os.killpg(leader, signal.SIGKILL)
    except ProcessLookupError:
        return  # all of it had ended
