"""Flink within the Beam job server's own process: nothing to recover, and quick to start."""

import shutil
import tempfile
from pathlib import Path

from examples.engines.flink_job_server import FlinkJobServer
from examples.engines.flink_settings import pipeline_options, write_settings
from examples.within import Within


class FlinkEmbedded(Within):
    """An embedded Flink that runs within a `with`; its data are removed at the end.

        with FlinkEmbedded() as flink:
            options = PipelineOptions([*flink.options(), "--streaming"])

    The work is done by the process that runs the pipeline (LOOPBACK), or by a pool of workers.
    When that process dies, the job goes on trying: `kill` the server and `start` it again.

    Args:
        settings: What is added to `flink-conf.yaml`.

    Attributes:
        endpoint: `host:port` of its job API.
    """

    def __init__(self, settings: dict[str, str] | None = None) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="flink-embedded-"))
        write_settings(self._folder, settings or {})
        self._server = FlinkJobServer(self._folder, "[local]", self._folder, heap="1g")
        self.endpoint = self._server.endpoint

    def begin(self) -> None:
        """Starts it, and waits until it answers."""
        self.start()

    def end(self) -> None:
        """Ends it, and removes its data."""
        self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)

    def options(self, parallelism: int = 2, checkpointing_millis: int = 2000) -> list[str]:
        """What a pipeline needs to run here, without `--streaming`."""
        return [
            *self._server.options(),
            "--environment_type=LOOPBACK",
            *pipeline_options(parallelism, checkpointing_millis),
        ]

    @property
    def pid(self) -> int | None:
        """The running process."""
        return self._server.pid

    @property
    def checkpoints_folder(self) -> Path:
        """Where it keeps checkpoints: a folder for each job."""
        return self._folder / "checkpoints"

    def start(self) -> None:
        """Starts it, and waits until it answers."""
        self._server.start()

    def kill(self) -> None:
        """Ends it hard, with all jobs."""
        self._server.kill()

    def log(self) -> str:
        """What it said."""
        return self._server.log()
