"""The example from end to end: broker, S3 server, engine, job and clicks; then all is compared."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

import yaml
from rich.console import Console

from examples.demo.customers import configuration
from examples.demo.run import compare, make_buckets
from examples.demo.s3_server import OWNER, REGION, WRITER, S3Server, S3ServerError
from examples.engines.cache import MissingError, cache_folder
from examples.engines.kafka_broker import KafkaBroker
from examples.streaming import engine as engines
from examples.streaming.arrivals import Arrivals
from examples.streaming.clicks import Clicks
from examples.streaming.engine import Engine
from examples.streaming.job import Job
from examples.streaming.show import show_delays, sums
from examples.streaming.watch import Stream, Watch

_TOPIC: Final = "clicks"
_PARTITIONS: Final = 4


def stream(engine: Engine, seconds: float, rate: int, folder: Path, console: Console) -> int:
    """Runs the whole example.

    Args:
        engine: What runs the job.
        seconds: How long events are produced, from the first arrival on.
        rate: How many a second.
        folder: An existing folder that takes configuration, ops path, log and examples.
        console: Where to tell of it.

    Returns:
        The exit code: 0 where every check holds, 1 where one does not, 2 where a tool is missing.
    """
    try:
        with _running(engine, rate, folder, console) as running:
            arrivals = Arrivals(running.server.client(OWNER))
            trouble = Watch(running, arrivals, console).run(seconds)
            if trouble is not None:
                console.print(f"FAILED {trouble}:\n{running.job.last_words()}", style="red")
                return 1
            good = compare(running.server, folder, running.clicks.expected, console)
            console.print(sums(running.clicks.expected, arrivals))
            show_delays(console, arrivals)
            return 0 if good else 1
    except MissingError as error:
        console.print(f"error: {error}; needed are {engines.NEEDS[engine]}", style="red")
        return 2
    except S3ServerError as error:
        console.print(f"error: {error}", style="red")
        return 1


@contextmanager
def _running(engine: Engine, rate: int, folder: Path, console: Console) -> Iterator[Stream]:
    """Starts everything; ends it in the opposite order."""
    console.print(f"broker and engine are fetched once, into {cache_folder()}")
    with ExitStack() as stack:
        broker = stack.enter_context(KafkaBroker())
        options = stack.enter_context(engines.running(engine, folder.absolute()))
        server = stack.enter_context(S3Server())
        console.print(f"Kafka broker on {broker.address}, S3 server on {server.endpoint_url}")
        for note in make_buckets(server):
            console.print(note)
        broker.create_topic(_TOPIC, _PARTITIONS)
        clicks = Clicks(broker.producer(), _TOPIC, _PARTITIONS, rate)
        job = stack.enter_context(_job(server, folder, broker.address, options, console))
        yield Stream(server, job, stack.enter_context(clicks), folder / "ops")


def _job(
    server: S3Server, folder: Path, broker: str, engine_options: list[str], console: Console
) -> Job:
    """The job as a user would begin it, with an identity that may do nothing but put."""
    config = folder / "s3-event-logs.yaml"
    config.write_text(yaml.safe_dump(configuration(server.endpoint_url, REGION), sort_keys=False))
    arguments = [
        f"--config={config}",
        f"--input=kafka://{broker}/{_TOPIC}",
        f"--ops_path={folder / 'ops'}",
        "--window=10s",
        "--max_out_of_orderness=2s",
        *engine_options,
    ]
    log = folder / "job.log"
    console.print(" \\\n    ".join(["$ python -m pipeline run", *arguments]))
    console.print(f"what it says goes into {log}")
    ours = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return Job(arguments, ours | server.environment(WRITER), log)
