"""The Beam job server for Flink: takes pipelines, and gives them to a cluster or runs them."""

from pathlib import Path

from examples.engines.flink_jars import job_server_jars
from examples.engines.java import run_java
from examples.engines.process import Process, free_port

_MAIN = "org.apache.beam.runners.flink.FlinkJobServerDriver"


class FlinkJobServer:
    """A job server of its own ports.

    Args:
        folder: Where its log and what pipelines stage are kept.
        master: `host:port` of a cluster's REST API, or `[local]` to run pipelines within.
        configuration: The folder of a `flink-conf.yaml`.
        heap: The most heap, as Java writes it.

    Attributes:
        endpoint: `host:port` of its job API.
    """

    def __init__(self, folder: Path, master: str, configuration: Path, heap: str) -> None:
        self._jars = job_server_jars()
        self._folder = folder
        self._port = free_port()
        self._arguments = [
            f"--flink-master={master}",
            f"--flink-conf-dir={configuration}",
            "--job-host=localhost",
            f"--job-port={self._port}",
            f"--artifact-port={free_port()}",
            f"--expansion-port={free_port()}",
            f"--artifacts-dir={folder / 'staged'}",
        ]
        self._heap = heap
        self._process: Process | None = None
        self.endpoint = f"localhost:{self._port}"

    @property
    def pid(self) -> int | None:
        """The running process."""
        return None if self._process is None else self._process.pid

    def options(self) -> list[str]:
        """How a pipeline finds it."""
        return [
            "--runner=PortableRunner",
            f"--job_endpoint={self.endpoint}",
            "--job_server_timeout=600",
        ]

    def start(self) -> None:
        """Starts it, and waits until it answers."""
        jvm = [
            "-XX:TieredStopAtLevel=1",
            f"-Xmx{self._heap}",
            "-Dorg.slf4j.simpleLogger.showDateTime=true",
        ]
        self._process = run_java(self._jars, _MAIN, self._arguments, self._output(), jvm)
        self._process.await_port(self._port)

    def kill(self) -> None:
        """Ends it hard."""
        if self._process is not None:
            self._process.kill()
            self._process = None

    def log(self) -> str:
        """What it said."""
        path = self._output()
        return path.read_text(errors="replace") if path.exists() else ""

    def _output(self) -> Path:
        return self._folder / "job-server.log"
