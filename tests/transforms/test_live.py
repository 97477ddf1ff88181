"""The configuration in force in a worker: read again now and then, never in the way of the work."""

import logging
import pickle
import threading
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.small_job import CONFIGURATION
from transforms.configuration import Configuration
from transforms.edition import Edition
from transforms.live import REPEAT_SECONDS, Kept, LiveConfiguration

SUBMITTED = Edition(CONFIGURATION, "abcd2345")


def saying(prefix: str = "logs", **ops: Any) -> bytes:  # noqa: ANN401 - fields of any type
    fields = CONFIGURATION.model_dump(mode="json")
    fields["destinations"][0]["prefix"] = prefix
    return Configuration.model_validate(fields | ops).model_dump_json().encode()


@dataclass
class Source:
    """A source in memory, whose readings are counted."""

    content: bytes = field(default_factory=saying)
    reads: int = 0
    parsed: int = 0

    def __str__(self) -> str:
        return "memory"

    def read(self) -> bytes:
        self.reads += 1
        if self.content == b"gone":
            raise ValueError("memory: cannot be read: it is gone")
        return self.content

    def parse(self, content: bytes) -> Configuration:
        self.parsed += 1
        if content.startswith(b"broken"):
            raise ValueError(f"memory:1: {content.decode()}")
        return Configuration.model_validate_json(content)


@dataclass
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


class Worker:
    """What one process keeps, its source and its clock."""

    def __init__(self) -> None:
        self.source, self.clock = Source(), Clock()
        self.kept = Kept(SUBMITTED, self.source, 60, self.clock)

    def prefix(self, after: float = 0) -> str:
        """The prefix that is in force after some seconds."""
        self.clock.now += after
        return self.kept.now().targets[0].prefix


def errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [
        record.getMessage().partition("\n")[0]
        for record in caplog.records
        if record.levelno == logging.ERROR
    ]


def warned(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [each.getMessage() for each in caplog.records if each.levelno == logging.WARNING]


def test_it_is_read_once_in_its_time_to_live_and_parsed_only_where_it_differs() -> None:
    worker = Worker()
    for _ in range(10):
        worker.prefix(after=6)
    assert (worker.source.reads, worker.source.parsed) == (1, 1)
    assert worker.kept.now() is SUBMITTED
    for _ in range(10):
        worker.prefix(after=60)
    assert (worker.source.reads, worker.source.parsed) == (11, 1)


def test_a_new_version_is_in_force_after_the_time_to_live(
    caplog: pytest.LogCaptureFixture,
) -> None:
    worker = Worker()
    assert worker.prefix() == "logs"
    worker.source.content = saying("new")
    assert [worker.prefix(after=59.9), worker.prefix(after=0.2)] == ["logs", "new"]
    edition = worker.kept.now()
    worker.prefix(after=61)
    assert worker.kept.now() is edition  # with all that was made of it
    assert warned(caplog) == ["memory: a new version is in force; changed: acme-web"]


def test_a_worker_that_begins_reads_before_it_takes_work() -> None:
    worker = Worker()
    worker.source.content = saying("new")
    assert worker.prefix() == "new"


def test_where_the_first_reading_fails_what_was_submitted_is_in_force_loudly(
    caplog: pytest.LogCaptureFixture,
) -> None:
    worker = Worker()
    worker.source.content = b"gone"
    assert worker.prefix() == "logs"
    assert errors(caplog) == ["memory: cannot be read: it is gone"]


def test_a_problem_is_said_once_and_again_after_a_while_and_its_end_is_said_too(
    caplog: pytest.LogCaptureFixture,
) -> None:
    worker = Worker()
    worker.source.content = b"broken once"
    for _ in range(5):
        worker.prefix(after=60)
    assert errors(caplog) == ["memory:1: broken once"]
    worker.source.content = b"broken twice"
    worker.prefix(after=60)
    worker.prefix(after=REPEAT_SECONDS)
    assert errors(caplog) == ["memory:1: broken once", *["memory:1: broken twice"] * 2]
    assert worker.source.parsed == 2
    worker.source.content = saying()
    assert worker.prefix(after=60) == "logs"
    assert warned(caplog) == ["memory: can be used again"]


def test_a_file_that_cannot_be_read_for_a_while_is_no_new_version(
    caplog: pytest.LogCaptureFixture,
) -> None:
    worker = Worker()
    worker.source.content = saying("new")
    worker.prefix()
    worker.source.content = b"gone"
    assert worker.prefix(after=60) == "new"
    worker.source.content = saying("new")
    assert worker.prefix(after=60) == "new"
    said = ["memory: a new version is in force; changed: acme-web", "memory: can be used again"]
    assert warned(caplog) == said


def test_another_ops_place_is_warned_of_and_not_followed(
    caplog: pytest.LogCaptureFixture,
) -> None:
    worker = Worker()
    worker.source.content = saying(ops={"path": "/elsewhere"})
    worker.prefix()
    stays = (
        "memory: ops has changed, but the operator's own place stays as it was when the job was"
        " started: to change it, start the job again"
    )
    assert warned(caplog) == [
        "memory: a new version is in force; no destination or connection differs",
        stays,
    ]


class _Hanging(Source):
    """A source on a filesystem that does not answer until it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.answer = threading.Event()
        self.answer.set()

    def read(self) -> bytes:
        self.answer.wait()
        return super().read()


def test_a_filesystem_that_hangs_stalls_nobody_and_is_complained_about(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("transforms.live.PATIENCE_SECONDS", 0.01)
    source, clock = _Hanging(), Clock()
    kept = Kept(SUBMITTED, source, 60, clock)
    assert kept.now() is SUBMITTED
    monkeypatch.setattr("transforms.live.FIRST_PATIENCE_SECONDS", 0)
    source.content = saying("new")
    source.answer.clear()
    clock.now += 60
    for _ in range(100):
        assert kept.now() is SUBMITTED
    assert errors(caplog) == ["memory: is still being read, without an answer"]
    source.answer.set()
    for thread in threading.enumerate():
        if thread.name == "configuration":
            thread.join()
    assert kept.now().targets[0].prefix == "new"


def test_a_worker_that_begins_on_a_filesystem_that_hangs_goes_by_what_was_submitted(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("transforms.live.FIRST_PATIENCE_SECONDS", 0.05)
    source = _Hanging()
    source.answer.clear()
    kept = Kept(SUBMITTED, source, 60)
    assert kept.now() is SUBMITTED
    assert errors(caplog) == ["memory: is still being read, without an answer"]
    source.answer.set()


def test_all_threads_of_a_worker_that_begins_wait_for_the_first_reading() -> None:
    source = _Hanging()
    source.answer.clear()
    source.content = saying("new")
    kept = Kept(SUBMITTED, source, 60)
    found: list[str] = []
    threads = [
        threading.Thread(target=lambda: found.append(kept.now().targets[0].prefix))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    source.answer.set()
    for thread in threads:
        thread.join()
    assert (found, source.reads) == (["new"] * 8, 1)


def test_all_stages_of_a_process_share_what_is_in_force_wherever_they_were_unpickled() -> None:
    live = LiveConfiguration(SUBMITTED, Source(saying("new")), 60)
    stages = [pickle.loads(pickle.dumps(live)) for _ in range(3)]  # noqa: S301 - pickled just now
    first = stages[0].now()
    assert first.targets[0].prefix == "new"
    assert all(stage.now() is first for stage in stages)
    again = pickle.loads(pickle.dumps(stages[0]))  # noqa: S301 - pickled just now
    assert again.now() is first
