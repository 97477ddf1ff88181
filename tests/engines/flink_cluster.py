"""A Flink cluster of processes that may die one by one: JobManager, TaskManagers, Python workers.

    with FlinkCluster() as flink:
        submitted = run("--job_name=clicks", "--streaming", *flink.options())  # a program's options
        job = flink.await_job("clicks")
        flink.kill_task_manager()
        flink.start_task_manager()
        flink.rest.await_state(job, "RUNNING")
        savepoint = flink.rest.stop_with_savepoint(job, flink.savepoints_folder.as_uri())
        run("--job_name=clicks", f"--savepoint_path={savepoint}", ...)

The program that submits a pipeline may end as soon as `await_job` has found it.
"""

import shutil
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from examples.engines import flink_settings
from examples.engines.flink_jars import flink_jars
from examples.engines.flink_job_server import FlinkJobServer
from examples.engines.java import run_java
from examples.engines.process import Process, free_port
from examples.within import Within
from tests.engines.flink_rest import FlinkError, FlinkRest, Json
from tests.engines.worker_pool import WorkerPool

_JOB_MANAGER = "org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint"
_TASK_MANAGER = "org.apache.flink.runtime.taskexecutor.TaskManagerRunner"
_UP_WITHIN_SECONDS = 60
_LOGGING = """\
rootLogger.level = INFO
rootLogger.appenderRef.console.ref = Console
appender.console.name = Console
appender.console.type = CONSOLE
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{HH:mm:ss,SSS} %-5p %c{1} - %m%n
"""
_TASK_MANAGER_JVM = (
    "-XX:TieredStopAtLevel=1",
    "-Xmx640m",
    "-XX:MaxDirectMemorySize=320m",
    "-XX:MaxMetaspaceSize=256m",
)


class FlinkCluster(Within):
    """A cluster with its job server and its pool of workers; all data are removed at the end.

    Args:
        task_managers: How many there are at the start.
        slots: Slots of each.
        settings: What is added to `flink-conf.yaml`.
        environment: What is added to the environment of the Python workers.

    Attributes:
        rest: Flink's REST API.
        job_server: The Beam job server, which may be killed and started too.
        workers: The pool of Python workers: `workers.worker_pids()`, `workers.kill_workers()`.
        checkpoints_folder: Where checkpoints are kept, also of jobs that are gone.
        savepoints_folder: A folder for savepoints.
    """

    def __init__(
        self,
        task_managers: int = 1,
        slots: int = 4,
        settings: dict[str, str] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._jars = flink_jars()
        self._folder = Path(tempfile.mkdtemp(prefix="flink-cluster-"))
        self._rest_port = free_port()
        self._job_manager: Process | None = None
        self._task_managers: list[Process] = []
        self._started, self._count = 0, task_managers
        self.rest = FlinkRest(self._rest_port)
        self.checkpoints_folder = self._folder / "checkpoints"
        self.savepoints_folder = self._folder / "savepoints"
        (self._folder / "log4j.properties").write_text(_LOGGING)
        flink_settings.write_settings(
            self._folder, {**_cluster_settings(self._rest_port, slots), **(settings or {})}
        )
        self.job_server = FlinkJobServer(
            self._folder, f"localhost:{self._rest_port}", self._folder, heap="512m"
        )
        self.workers = WorkerPool(self._folder, environment)

    def begin(self) -> None:
        """Starts it, and waits until it answers."""
        self.start_job_manager()
        for _ in range(self._count):
            self.start_task_manager()
        self.job_server.start()
        self.workers.start()
        self.await_task_managers(self._count)

    def end(self) -> None:
        """Ends it, and removes its data."""
        self.job_server.kill()
        while self._task_managers:
            self.kill_task_manager()
        self.kill_job_manager()
        self.workers.kill()
        shutil.rmtree(self._folder, ignore_errors=True)

    def options(self, parallelism: int = 2, checkpointing_millis: int = 2000) -> list[str]:
        """What a pipeline needs to run here, without `--streaming`."""
        return [
            *self.job_server.options(),
            *self.workers.options(),
            *flink_settings.pipeline_options(parallelism, checkpointing_millis),
        ]

    def start_job_manager(self) -> None:
        """Starts it, again after `kill_job_manager` with no job left, and waits for its answer."""
        self._job_manager = self._run(
            _JOB_MANAGER,
            "job-manager",
            ["-XX:TieredStopAtLevel=1", "-Xmx512m", "-XX:MaxMetaspaceSize=256m"],
        )
        self._job_manager.await_port(self._rest_port)

    def kill_job_manager(self) -> None:
        """Ends it hard: its jobs are gone, their checkpoints are not."""
        if self._job_manager is not None:
            self._job_manager.kill()
            self._job_manager = None

    def start_task_manager(self) -> None:
        """Starts one more; does not wait for it."""
        self._started += 1
        name = f"task-manager-{self._started}"
        self._task_managers.append(self._run(_TASK_MANAGER, name, _TASK_MANAGER_JVM))

    def kill_task_manager(self, index: int = 0) -> None:
        """Ends one hard."""
        self._task_managers.pop(index).kill()

    def await_task_managers(self, count: int, seconds: float = _UP_WITHIN_SECONDS) -> None:
        """Waits until so many are known to the JobManager.

        Raises:
            FlinkError: It took longer.
        """
        deadline = time.monotonic() + seconds
        while (found := self._registered()) != count:
            if time.monotonic() > deadline:
                raise FlinkError(f"{found} TaskManagers, not {count}:\n{self.log()[-3000:]}")
            time.sleep(0.2)

    def await_job(self, name: str, seconds: float = 150) -> str:
        """Waits until a job with `name` in its name runs all its tasks; returns its id.

        Raises:
            FlinkError: It took longer, or it has ended.
        """
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            for job in self._jobs():
                if name in job["name"] and job["tasks"]["running"] == job["tasks"]["total"] > 0:
                    return str(job["jid"])
            time.sleep(0.2)
        raise FlinkError(f"no job {name} runs:\n{self.log()[-3000:]}")

    def newest_checkpoint(self, job: str | None = None) -> str | None:
        """The newest whole checkpoint of one job or of all, for `--savepoint_path`."""
        return flink_settings.newest_checkpoint(self.checkpoints_folder / (job or ""))

    def pids(self) -> dict[str, int]:
        """Every running process by name."""
        found = {f"task-manager-{n}": each.pid for n, each in enumerate(self._task_managers)}
        found |= {f"worker-{n}": pid for n, pid in enumerate(self.workers.worker_pids())}
        for name, one in (
            ("job-manager", self._job_manager),
            ("job-server", self.job_server),
            ("worker-pool", self.workers),
        ):
            if one is not None and one.pid is not None:
                found[name] = one.pid
        return found

    def log(self) -> str:
        """What each process said, under its name."""
        files = sorted(self._folder.glob("*.log"))
        return "\n".join(f"== {each.stem}\n{each.read_text(errors='replace')}" for each in files)

    def _run(self, main: str, name: str, jvm: tuple[str, ...] | list[str]) -> Process:
        logging = f"-Dlog4j.configurationFile={(self._folder / 'log4j.properties').as_uri()}"
        arguments = ["--configDir", str(self._folder)]
        output = self._folder / f"{name}.log"
        return run_java(self._jars, main, arguments, output, [*jvm, logging])

    def _registered(self) -> int:
        try:
            return len(self.rest.get("/taskmanagers")["taskmanagers"])
        except FlinkError:
            return 0  # it answers with an error until it has found its parts

    def _jobs(self) -> list[Json]:
        try:
            return self.rest.jobs()
        except FlinkError:
            return []


def _cluster_settings(rest_port: int, slots: int) -> dict[str, str]:
    return {
        "jobmanager.rpc.address": "localhost",
        "jobmanager.rpc.port": str(free_port()),
        "rest.address": "localhost",
        "rest.bind-address": "localhost",
        "rest.port": str(rest_port),
        "rest.bind-port": str(rest_port),
        "taskmanager.host": "localhost",
        "taskmanager.numberOfTaskSlots": str(slots),
        # A TaskManager that no script has started must be told all of these.
        "taskmanager.cpu.cores": "2",
        "taskmanager.memory.framework.heap.size": "128m",
        "taskmanager.memory.framework.off-heap.size": "128m",
        "taskmanager.memory.task.heap.size": "512m",
        "taskmanager.memory.task.off-heap.size": "64m",
        "taskmanager.memory.network.min": "64m",
        "taskmanager.memory.network.max": "64m",
        "taskmanager.memory.managed.size": "64m",
        "taskmanager.memory.jvm-metaspace.size": "256m",
        "taskmanager.memory.jvm-overhead.min": "192m",
        "taskmanager.memory.jvm-overhead.max": "192m",
        "web.submit.enable": "false",
    }
