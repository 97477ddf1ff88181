"""A process of an engine: what it says goes into a file, and it ends with all that it started."""

import contextlib
import os
import secrets
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

# Below those that the system gives to whoever connects: one of these might be taken at any moment.
_PORTS = range(20_000, 32_000)
_given: set[int] = set()  # whoever asked for one may not have taken it yet


def free_port() -> int:
    """A port of this machine that nobody listens on now."""
    while True:
        port = secrets.choice(_PORTS)
        if port in _given:
            continue
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            _given.add(port)
            return port


class Process:
    """A process in a session of its own, so that its children can be ended with it.

    Args:
        command: The program and its arguments.
        output: The file that what it says is added to.
        folder: Where it runs; `None` for here.
        environment: What is added to this process's environment.
    """

    def __init__(
        self,
        command: Sequence[str],
        output: Path,
        folder: Path | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._output = output
        with output.open("ab") as file:
            self._process = subprocess.Popen(  # noqa: S603 - what stands in this folder
                command,
                cwd=folder,
                env={**os.environ, **(environment or {})},
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                start_new_session=True,
            )
        self.pid = self._process.pid

    def is_alive(self) -> bool:
        """Whether it still runs."""
        return self._process.poll() is None

    def wait(self, seconds: float) -> int:
        """Waits for its end; returns its exit code.

        Raises:
            subprocess.TimeoutExpired: It runs on.
        """
        return self._process.wait(seconds)

    def await_port(self, port: int, seconds: float = 60) -> None:
        """Waits until it listens.

        Raises:
            RuntimeError: It ended, or the time is over; with its last words.
        """
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and self.is_alive():
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    return
            time.sleep(0.1)
        raise RuntimeError(f"{self._output.name} did not come up:\n{self.log()[-3000:]}")

    def kill(self) -> None:
        """Ends it hard (SIGKILL), and all of its session that is left."""
        with contextlib.suppress(ProcessLookupError):  # all of them ended before
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()

    def log(self) -> str:
        """What it said, and what those before it said into the same file."""
        return self._output.read_text(errors="replace") if self._output.exists() else ""
