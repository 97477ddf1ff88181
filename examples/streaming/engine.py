"""The engines to choose from: each runs within a `with`, and says what the job must be told."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Literal, get_args

from examples.engines.flink_embedded import FlinkEmbedded
from examples.engines.prism import prism_binary

Engine = Literal["prism", "flink"]

ENGINES: Final = get_args(Engine)
NEEDS: Final[dict[Engine, str]] = {
    "prism": "java and mvn for the broker, go for Prism",
    "flink": "java and mvn for the broker and for Flink",
}


@contextmanager
def running(engine: Engine, folder: Path) -> Iterator[list[str]]:
    """Starts an engine.

    Args:
        engine: Which one.
        folder: An absolute folder that takes its checkpoints, if it has any.

    Yields:
        The job's options for it.

    Raises:
        MissingError: It is not there and cannot be fetched.
    """
    if engine == "prism":
        # Beam starts and ends it with the job.
        yield [
            "--runner=PrismRunner",
            f"--prism_location={prism_binary()}",
            "--environment_type=LOOPBACK",
        ]
        return
    with FlinkEmbedded() as flink:
        yield [
            "--runner=PortableRunner",
            f"--job_endpoint={flink.endpoint}",
            "--environment_type=LOOPBACK",
            "--parallelism=2",
            "--state_backend=filesystem",
            f"--state_backend_storage_path={(folder / 'checkpoints').as_uri()}",
            # Objects are put when a checkpoint holds them: more often than the 10 s of a long job.
            "--checkpointing_interval=2000",
            "--late_firing_delay=5s",
        ]
