"""A pool of Python workers outside the engine: it outlives whoever submitted the pipeline."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from examples.engines.cache import tool
from examples.engines.process import Process, free_port

_ROOT = Path(__file__).parents[2]


class WorkerPool:
    """A pool that starts a worker process wherever the engine asks for one.

    Args:
        folder: Where its log goes.
        environment: What is added to its environment.

    Attributes:
        address: `host:port` of the pool.
        root: The tree whose program it runs; another one counts from the next start.
    """

    def __init__(self, folder: Path, environment: Mapping[str, str] | None = None) -> None:
        self.root = _ROOT
        self._environment = dict(environment or {})
        self._output = folder / "worker-pool.log"
        self._port = free_port()
        self._process: Process | None = None
        self.address = f"localhost:{self._port}"

    @property
    def pid(self) -> int | None:
        """The pool's process, of which the workers are children."""
        return None if self._process is None else self._process.pid

    def options(self) -> list[str]:
        """How a pipeline's work is done here."""
        return ["--environment_type=EXTERNAL", f"--environment_config={self.address}"]

    def start(self) -> None:
        """Starts it, and waits until it listens."""
        pool = "apache_beam.runners.worker.worker_pool_main"
        # It runs whichever `python` comes first, and that must find this tree.
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        self._process = Process(
            [sys.executable, "-m", pool, f"--service_port={self._port}"],
            self._output,
            self.root,
            {**self._environment, "PATH": path, "PYTHONPATH": str(self.root)},
        )
        self._process.await_port(self._port)

    def worker_pids(self) -> list[int]:
        """The processes that do the work now."""
        listed = subprocess.run(  # noqa: S603 - what stands here
            [tool("ps"), "-A", "-o", "pid=,pgid="], capture_output=True, text=True, check=True
        ).stdout
        pairs = (line.split() for line in listed.splitlines())
        return [int(pid) for pid, group in pairs if int(group) == self.pid != int(pid)]

    def kill_workers(self) -> None:
        """Ends the workers hard, not the pool: the engine asks it for new ones."""
        for pid in self.worker_pids():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def kill(self) -> None:
        """Ends the pool and its workers hard."""
        if self._process is not None:
            self._process.kill()
            self._process = None

    def log(self) -> str:
        """What the pool and the workers said."""
        return self._output.read_text(errors="replace") if self._output.exists() else ""
