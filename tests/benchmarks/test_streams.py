import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime, timezone
from itertools import islice
from pathlib import Path

import pytest

from benchmarks.events import START, write_events
from benchmarks.processes import await_child, end_job, usage
from benchmarks.traced_run import trace
from transforms.kafka.reading import Reading
from transforms.records import Block

needs_proc = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="Linux alone has it")


@needs_proc
def test_what_a_process_used_is_what_the_kernel_counted() -> None:
    before = usage(os.getpid())
    sum(range(5_000_000))
    after, counted = usage(os.getpid()), os.times()
    assert before.cpu < after.cpu
    assert after.cpu == pytest.approx(
        counted.user + counted.system + counted.children_user + counted.children_system, abs=0.1
    )
    assert before.peak >= 2**20


@needs_proc
def test_an_engine_that_a_job_started_ends_with_it() -> None:
    script = "import subprocess, time; subprocess.Popen(['sleep', '600']); time.sleep(600)"
    job = subprocess.Popen([sys.executable, "-c", script])  # noqa: S603 - what stands here
    engine = await_child(job.pid, "sleep")
    end_job(job, engine)
    assert job.returncode is not None
    deadline = time.monotonic() + 30
    while _is_running(engine) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _is_running(engine)


def _is_running(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_events_can_begin_at_any_time(tmp_path: Path) -> None:
    write_events(tmp_path / "then", 5)
    write_events(tmp_path / "now", 5, start=datetime(2030, 1, 2, 3, tzinfo=timezone.utc))
    then, now = ((tmp_path / name).read_text() for name in ("then", "now"))
    assert then.replace(f"{START:%Y-%m-%dT}", "") != then
    assert '"2030-01-02T03:' in now
    assert len(then) == len(now)


def test_a_traced_run_writes_down_each_block(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def two(_: Reading) -> Iterator[Block]:
        blocks = (Block("t/0", at, [b"{}"] * 3, at, record_time=None) for at in (0, 3))
        yield from blocks

    monkeypatch.setattr(Reading, "blocks", two)
    trace(tmp_path / "trace")
    blocks = Reading.blocks(object())  # type: ignore[arg-type]
    assert len(list(islice(blocks, 5))) == 2
    lines = (tmp_path / "trace").read_text().splitlines()
    assert [line.split()[1] for line in lines] == ["3", "3"]
