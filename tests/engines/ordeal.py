"""A stream on a Flink cluster, and what is done to it while it runs."""

import random
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from examples.demo.s3_server import S3Server
from examples.engines.kafka_broker import KafkaBroker
from examples.within import Within
from tests.engines.flink_cluster import FlinkCluster
from tests.engines.flink_rest import Checkpoints
from tests.engines.left import Left, lacking
from tests.engines.live_job import LiveJob
from tests.engines.steady import Steady
from tests.faults.fault_server import FaultServer

WINDOW_SECONDS: Final = 10
PARTITIONS: Final = 4
SLOTS: Final = 2
_RECOVER_SECONDS: Final = 180
_ALL_SECONDS: Final = 240
_POLL_SECONDS: Final = 0.05


class Setup(NamedTuple):
    """How a job is run.

    Attributes:
        rate: Events a second.
        checkpoint_millis: The time from one checkpoint to the next.
        task_managers: How many share the slots, of which the job takes all.
    """

    rate: int = 2000
    checkpoint_millis: int = 3000
    task_managers: int = 1


USUAL: Final = Setup()


class Blow(NamedTuple):
    """One thing that was done to the job.

    Attributes:
        what: It.
        in_window: Seconds since the last window's end.
        in_flight: Puts of events' objects and manifests that had begun and were not answered.
        recovered: Seconds until objects were put again.
    """

    what: str
    in_window: float
    in_flight: int
    recovered: float


class Ordeal(Within):
    """Runs within a `with`: a cluster, a steady producer, and the job between Kafka and S3.

    Args:
        server: The S3 server; the job reaches it through a fault server.
        broker: The broker.
        folder: For the job's files.
        topic: A topic of its own.
        options: More options of the job.
        setup: How it is run.

    Attributes:
        blows: What was done, for the table.
        topic: Its topic, and the beginning of its buckets' names.
    """

    def __init__(
        self,
        server: S3Server,
        broker: KafkaBroker,
        folder: Path,
        topic: str,
        *options: str,
        setup: Setup = USUAL,
    ) -> None:
        self.blows: list[Blow] = []
        self._setup = setup
        self.topic = topic
        self._options = [
            f"--job_name={topic}",
            f"--window={WINDOW_SECONDS}s",
            "--max_out_of_orderness=2s",
            "--late_firing_delay=5s",
            *options,
        ]
        broker.create_topic(topic, PARTITIONS)
        self.job = LiveJob(server, folder, broker.address, topic)
        self.faults = FaultServer(server.endpoint_url)
        self.cluster = FlinkCluster(
            setup.task_managers, SLOTS // setup.task_managers, environment=self.job.environment
        )
        self.steady = Steady(broker.producer(), topic, PARTITIONS, setup.rate)
        self._client: subprocess.Popen[bytes] | None = None
        self._id = ""

    def begin(self) -> None:
        """Submits the job; what it needs is started before."""
        self.faults.__enter__()
        self.job.configure(self.faults.endpoint_url)
        self.cluster.begin()
        self.submit()
        self.steady.begin()
        self._await_puts()

    def end(self) -> None:
        """Ends all of it."""
        self._let_go()
        self.cluster.end()
        self.faults.__exit__(None, None, None)
        self.steady.abandon()

    def submit(self, *options: str) -> None:
        """Starts the job, from a savepoint if the options say so."""
        self._let_go()
        engine = self.cluster.options(checkpointing_millis=self._setup.checkpoint_millis)
        self._client = self.job.begin(*engine, *self._options, *options)
        self._id = self.cluster.await_job(self.topic)
        self._let_go()  # the job does without whoever submitted it

    def suffer(self, what: str, blow: Callable[[], None]) -> None:
        """Does it, and waits until the job puts objects again."""
        moment = time.time() % WINDOW_SECONDS
        in_flight = len(self._in_flight())
        begun = time.monotonic()
        blow()
        self._await_puts()
        self.blows.append(Blow(what, moment, in_flight, time.monotonic() - begun))

    def await_moment(self, rng: random.Random) -> None:
        """Waits for a put that is under way, or for a random moment after a window's end."""
        if rng.random() < 0.5:
            deadline = time.monotonic() + 2 * WINDOW_SECONDS
            while not self._in_flight() and time.monotonic() < deadline:
                time.sleep(_POLL_SECONDS)
        else:
            time.sleep(WINDOW_SECONDS - time.time() % WINDOW_SECONDS + rng.uniform(0, 8))

    def kill_task_manager(self, index: int = 0) -> None:
        """Ends a TaskManager hard, and starts another."""
        self.cluster.kill_task_manager(index)
        self.cluster.start_task_manager()

    def kill_workers(self) -> None:
        """Ends the Python processes that do the work."""
        self.cluster.workers.kill_workers()

    def kill_job_manager(self) -> None:
        """Ends the JobManager hard, and submits the job again from its newest checkpoint."""
        checkpoint = self.cluster.newest_checkpoint(self._id)
        assert checkpoint is not None
        self.cluster.kill_job_manager()
        self.cluster.start_job_manager()
        self.cluster.await_task_managers(self._setup.task_managers)
        self.submit(f"--savepoint_path={self.cluster.newest_checkpoint(self._id) or checkpoint}")

    def stop_and_resume(self) -> None:
        """Stops with a savepoint, and starts again from there."""
        self.submit(f"--savepoint_path={self._stop()}")

    def upgrade(self, root: Path) -> None:
        """Stops with a savepoint, and goes on from there with the program in another tree."""
        savepoint = self._stop()
        self.cluster.workers.kill()
        self.job.root = self.cluster.workers.root = root
        self.cluster.workers.start()
        self.submit(f"--savepoint_path={savepoint}")

    def checkpoints(self) -> Checkpoints:
        """The job's checkpoints since it was submitted last."""
        return self.cluster.rest.checkpoints(self._id)

    def finish(self, lacks: Callable[[Left, Steady], int] = lacking) -> Left:
        """Ends the producer, waits until nothing lacks any more, and gives what is there."""
        self.steady.stop()
        deadline = time.monotonic() + _ALL_SECONDS
        while lacks(left := self.job.look(), self.steady):
            assert time.monotonic() < deadline, f"{lacks(left, self.steady)} events lack\n{self}"
            time.sleep(2)
        time.sleep(WINDOW_SECONDS)  # what else might come
        return self.job.look()

    def __str__(self) -> str:
        rows = [
            f"{n:3} {b.what:24} {b.in_window:5.1f} s {b.in_flight:3} in flight {b.recovered:6.1f} s"
            for n, b in enumerate(self.blows, 1)
        ]
        return "\n".join(rows)

    def _stop(self) -> str:
        folder = self.cluster.savepoints_folder.as_uri()
        return self.cluster.rest.stop_with_savepoint(self._id, folder)

    def _in_flight(self) -> list[str]:
        requests = self.faults.requests
        return [each.key for each in requests[-200:] if each.status is None and not each.fault]

    def _await_puts(self) -> None:
        """Waits until an object is put whose request begins from now on."""
        before, deadline = len(self.faults.requests), time.monotonic() + _RECOVER_SECONDS
        while not any(each.status == 200 for each in self.faults.requests[before:]):
            assert time.monotonic() < deadline, f"no puts any more\n{self.cluster.log()[-6000:]}"
            time.sleep(_POLL_SECONDS)

    def _let_go(self) -> None:
        if self._client is not None:
            self._client.send_signal(signal.SIGKILL)
            self._client.wait()
            self._client = None
