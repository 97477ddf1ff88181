"""The law of delivery while the parts of a Flink cluster are killed, stopped and replaced.

`FLINK_KILLS` in the environment makes them longer or shorter.
"""

import os
import random
from functools import partial
from pathlib import Path
from typing import Final

import pytest

from examples.demo.s3_server import S3Server
from examples.engines.kafka_broker import KafkaBroker
from tests.engines.left import Left, check_law, check_sums, missing_and_doubled, unstored
from tests.engines.next_version import write_next_version
from tests.engines.ordeal import Ordeal, Setup

KILLS: Final = int(os.environ.get("FLINK_KILLS", "10"))
OTHERS: Final = 3
TWO: Final = Setup(task_managers=2)


def strays(left: Left, ordeal: Ordeal) -> tuple[int, int]:
    """Objects that no manifest speaks of, and events that a plain listing finds more than once."""
    doubled = sum(
        len(missing_and_doubled(found, ordeal.steady.expected[name])[1])
        for name, found in left.by_listing().items()
    )
    return len(left.orphans()), doubled


def test_with_stable_input_the_bucket_holds_every_event_once_whatever_is_killed(
    s3_server: S3Server, broker: KafkaBroker, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = random.Random()
    with Ordeal(s3_server, broker, tmp_path, "kills-stable", setup=TWO) as ordeal:
        for _ in range(KILLS):
            ordeal.await_moment(rng)
            index = rng.randrange(TWO.task_managers)
            ordeal.suffer(f"TaskManager {index} killed", partial(ordeal.kill_task_manager, index))
        for _ in range(OTHERS):
            ordeal.await_moment(rng)
            ordeal.suffer("workers killed", ordeal.kill_workers)
        for _ in range(OTHERS):
            ordeal.await_moment(rng)
            ordeal.suffer("JobManager killed", ordeal.kill_job_manager)
        ordeal.suffer("stopped and resumed", ordeal.stop_and_resume)
        ordeal.suffer("upgraded", lambda: ordeal.upgrade(write_next_version(tmp_path / "next")))
        left = ordeal.finish()
        with capsys.disabled():
            print(f"\n{ordeal}\n{ordeal.steady.produced:,} events")  # noqa: T201 - the table
    check_law(left, ordeal.steady)
    check_sums(left, ordeal.steady)
    assert strays(left, ordeal) == (0, 0)
    writers = {manifest.get("written_by") for manifest in left.manifests("")}
    assert writers == {None, "next"}
    assert {manifest["guarantee"] for manifest in left.manifests("")} == {"stable"}


def test_without_stable_input_nothing_is_lost_and_what_else_there_is_is_counted(
    s3_server: S3Server, broker: KafkaBroker, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = random.Random()
    with Ordeal(s3_server, broker, tmp_path, "kills-unstable", "--stable_input=off") as ordeal:
        for _ in range(max(1, KILLS // 3)):
            ordeal.await_moment(rng)
            ordeal.suffer("TaskManager killed", ordeal.kill_task_manager)
        left = ordeal.finish(unstored)
        orphans, doubled = strays(left, ordeal)
        said = f"{orphans} orphans, {doubled} events twice, {len(left.altered())} objects altered"
        with capsys.disabled():
            print(f"\n{ordeal}\n{said}")  # noqa: T201 - the table
    assert {manifest["guarantee"] for manifest in left.manifests("")} == {"orphans_possible"}
