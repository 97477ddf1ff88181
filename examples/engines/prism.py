"""Beam's own portable runner, Prism, built by `go install` from Go's registry."""

import shutil
import tempfile
from importlib import metadata
from pathlib import Path
from types import TracebackType

from examples.engines.cache import fetched, run_tool, tool
from examples.engines.process import Process, free_port

VERSION = metadata.version("apache-beam")
_MODULE = "github.com/apache/beam/sdks/v2/go/cmd/prism"


def prism_binary() -> Path:
    """The program, built if it is not there: about three minutes.

    Raises:
        MissingError: Go is not installed, or the registry does not have it.
    """

    def build(scratch: Path) -> Path:
        built = scratch / "bin"
        run_tool([tool("go"), "install", f"{_MODULE}@v{VERSION}"], scratch, {"GOBIN": str(built)})
        return built

    return fetched(f"prism-{VERSION}", build) / "prism"


class Prism:
    """A Prism that runs within a `with`, on ports of its own.

        with Prism() as prism:
            options = PipelineOptions([*prism.options(), "--streaming"])

    A pipeline speaks to its job API, as to any engine. Beam's PrismRunner would start a program by
    itself, one for each pipeline, and end it with the pipeline.

    Prism 2.77 keeps one output watermark for a source, that of the bundle which ended last, not the
    least of all: while one partition's backlog is read, another's records may come late. Records of
    all partitions that are about as old as each other are safe.

    Attributes:
        endpoint: `host:port` of its job API.
    """

    def __init__(self) -> None:
        self._binary = prism_binary()
        self._folder = Path(tempfile.mkdtemp(prefix="prism-"))
        self._port = free_port()
        self._process: Process | None = None
        self.endpoint = f"localhost:{self._port}"

    def __enter__(self) -> "Prism":  # noqa: PYI034 - Python 3.10 has no Self
        try:
            self.start()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)

    def options(self) -> list[str]:
        """What a pipeline needs to run here; its own process does the work (LOOPBACK)."""
        return [
            "--runner=PortableRunner",
            f"--job_endpoint={self.endpoint}",
            "--environment_type=LOOPBACK",
            "--job_server_timeout=3600",
        ]

    @property
    def pid(self) -> int | None:
        """The running process."""
        return None if self._process is None else self._process.pid

    def start(self) -> None:
        """Starts it, again after `kill` with nothing left, and waits until it answers."""
        command = [str(self._binary), f"--job_port={self._port}", "--serve_http=false"]
        self._process = Process(command, self._folder / "prism.log", self._folder)
        self._process.await_port(self._port)

    def kill(self) -> None:
        """Ends it hard: its jobs are gone."""
        if self._process is not None:
            self._process.kill()
            self._process = None

    def log(self) -> str:
        """What it said."""
        path = self._folder / "prism.log"
        return path.read_text(errors="replace") if path.exists() else ""
