"""The engines that streams are measured on, and what a job needs to run on them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal, NamedTuple

from benchmarks.processes import await_child
from examples.engines.flink_embedded import FlinkEmbedded
from examples.engines.prism import prism_binary

EngineName = Literal["flink", "prism"]


class Engine(NamedTuple):
    """An engine for one job; the job's own process does the work (LOOPBACK).

    Attributes:
        name: Which it is.
        options: What the job needs to find it; all else is the job's own default.
        process: Its process; `None` where the job starts it.
    """

    name: EngineName
    options: list[str]
    process: int | None

    def process_of(self, job: int) -> int:
        """The engine's process, given the job's."""
        return self.process or await_child(job, "prism")


@contextmanager
def running(name: EngineName) -> Iterator[Engine]:
    """An engine for the time of a `with`.

    Raises:
        MissingError: It is not installed, and cannot be fetched.
    """
    if name == "prism":
        # Beam's own runner starts it with the job, and ends it.
        location = f"--prism_location={prism_binary()}"
        options = ["--runner=PrismRunner", location, "--environment_type=LOOPBACK"]
        yield Engine(name, options, None)
        return
    with FlinkEmbedded() as flink:
        options = [
            "--runner=PortableRunner",
            f"--job_endpoint={flink.endpoint}",
            "--environment_type=LOOPBACK",
            "--parallelism=2",
            "--finish_bundle_before_checkpointing",
        ]
        yield Engine(name, options, flink.pid)
