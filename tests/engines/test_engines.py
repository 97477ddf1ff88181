"""Each engine runs a small job over a real topic, and a Flink that is hurt goes on with it."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from examples.engines.flink_embedded import FlinkEmbedded
from examples.engines.kafka_broker import KafkaBroker
from examples.engines.prism import Prism
from tests.engines.flink_cluster import FlinkCluster
from tests.engines.stream_run import StreamRun


@pytest.fixture
def run(broker: KafkaBroker, tmp_path: Path) -> Iterator[StreamRun]:
    started = StreamRun(broker, tmp_path)
    yield started
    started.close()


def once(count: int) -> Counter[int]:
    return Counter(range(count))


@pytest.mark.parametrize("engine", ["prism", "flink_embedded"])
def test_a_bounded_job_ends(engine: str, run: StreamRun, request: pytest.FixtureRequest) -> None:
    running: Prism | FlinkEmbedded = request.getfixturevalue(engine)
    run.feed(2000)
    program = run.submit(["--stop=latest", *running.options()])
    assert program.wait(60) == 0, run.said()
    assert run.delivered() == once(2000)


@pytest.mark.parametrize("engine", ["prism", "flink_embedded"])
def test_windows_of_a_stream_fire_while_it_runs(
    engine: str, run: StreamRun, request: pytest.FixtureRequest
) -> None:
    running: Prism | FlinkEmbedded = request.getfixturevalue(engine)
    run.feed(2000)
    program = run.submit(["--streaming", *running.options()])
    run.await_all()
    run.feed(2000)
    run.await_all()
    assert program.is_alive()
    assert run.delivered() == once(4000)


def test_a_job_outlives_whoever_submitted_it(run: StreamRun, cluster: FlinkCluster) -> None:
    program = run.submit(["--streaming", "--detached", *cluster.options()])
    job = cluster.await_job(run.name)
    program.kill()
    run.feed(2000)
    run.await_all()
    assert cluster.rest.job(job)["state"] == "RUNNING"
    assert run.delivered() == once(2000)


def test_a_task_manager_that_dies_loses_nothing(run: StreamRun, cluster: FlinkCluster) -> None:
    run.submit(["--streaming", "--detached", *cluster.options()])
    job = cluster.await_job(run.name)
    run.feed(2000)
    run.await_all()
    run.feed(2000)
    cluster.kill_task_manager()
    cluster.start_task_manager()
    run.await_all()
    assert cluster.rest.checkpoints(job).restored is not None


def test_workers_that_die_lose_nothing(run: StreamRun, cluster: FlinkCluster) -> None:
    run.submit(["--streaming", "--detached", *cluster.options()])
    cluster.await_job(run.name)
    run.feed(2000)
    run.await_all()
    before = cluster.workers.worker_pids()
    cluster.workers.kill_workers()
    run.feed(2000)
    run.await_all()
    assert cluster.workers.worker_pids()
    assert not set(before) & set(cluster.workers.worker_pids())


def test_a_job_goes_on_from_the_savepoint_it_was_stopped_with(
    run: StreamRun, cluster: FlinkCluster
) -> None:
    options = ["--streaming", "--detached", *cluster.options()]
    run.submit(options)
    job = cluster.await_job(run.name)
    run.feed(2000)  # they are read, and their windows are still open
    savepoint = cluster.rest.stop_with_savepoint(job, cluster.savepoints_folder.as_uri())
    run.feed(2000)
    run.submit([*options, f"--savepoint_path={savepoint}"])
    resumed = cluster.await_job(run.name)
    run.await_all()
    assert cluster.rest.checkpoints(resumed).restored == savepoint
    assert run.delivered() == once(4000)


def test_a_job_whose_job_manager_died_goes_on_from_its_newest_checkpoint(
    run: StreamRun, cluster: FlinkCluster
) -> None:
    options = ["--streaming", "--detached", *cluster.options()]
    run.submit(options)
    job = cluster.await_job(run.name)
    run.feed(2000)
    run.await_all()
    cluster.kill_job_manager()
    run.feed(2000)
    cluster.start_job_manager()
    cluster.await_task_managers(1)
    run.submit([*options, f"--savepoint_path={cluster.newest_checkpoint(job)}"])
    cluster.await_job(run.name)
    run.await_all()
