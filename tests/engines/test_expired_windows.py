"""Receipts whose window has expired while their objects waited for a checkpoint."""

import time
from pathlib import Path
from typing import Final

import pytest

from examples.demo.s3_server import S3Server
from examples.engines.kafka_broker import KafkaBroker
from tests.engines import steady
from tests.engines.left import check_law, check_sums
from tests.engines.ordeal import Ordeal, Setup

CHECKPOINT_MILLIS: Final = 8_000
_PUT_SECONDS: Final = 60


def await_first_put_of_a_window(ordeal: Ordeal) -> None:
    """Waits until some of a further window's objects are put, but not its manifest."""
    seen = len(ordeal.faults.stored)
    deadline = time.monotonic() + _PUT_SECONDS
    while not any("_p0_" in each.key for each in ordeal.faults.stored[seen + 6 :]):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_what_is_restored_when_its_window_has_expired_is_listed_all_the_same(
    s3_server: S3Server, broker: KafkaBroker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steady, "_LATE_EVERY", 10**9)  # with so little lateness they were too late
    ordeal = Ordeal(
        s3_server,
        broker,
        tmp_path,
        "expired",
        "--allowed_lateness=1s",
        f"--min_pause_between_checkpoints={CHECKPOINT_MILLIS - 1000}",
        setup=Setup(rate=500, checkpoint_millis=CHECKPOINT_MILLIS),
    )
    with ordeal:
        await_first_put_of_a_window(ordeal)
        ordeal.kill_task_manager()
        await_first_put_of_a_window(ordeal)
        left = ordeal.finish()
    check_law(left, ordeal.steady)
    check_sums(left, ordeal.steady)
    assert not left.orphans()
