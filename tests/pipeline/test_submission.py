"""What is said where an engine is not there: one or two lines, and no traceback."""

import logging
import signal
import threading
from pathlib import Path

import grpc
import msgspec
import pytest

from examples.engines.process import free_port
from pipeline.__main__ import main
from pipeline.job import Job, KafkaInput, Reading
from pipeline.submission import announced, hush_engines
from tests import small_job
from transforms.kafka.errors import OffsetGoneError
from transforms.kafka.partitions import Partition
from transforms.kafka.settings import KafkaSettings
from transforms.places import OpsPath
from transforms.store import Folder

CONFIGURATION = """\
connections:
  - {name: acme, bucket: acme-bucket, region: us-east-1, expected_bucket_owner: "123456789012"}
destinations:
  - {name: acme-web, connection: acme, match: {write_key: k}}
"""
RUN = ["--config=events.yaml", "--input=events.ndjson", "--ops_path=ops"]


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("events.yaml").write_text(CONFIGURATION)
    Path("events.ndjson").write_bytes(b'{"writeKey":"stranger"}\n')
    monkeypatch.setattr("pipeline.submission._ANSWER_SECONDS", 1.0)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--runner=PortableRunner"], "--job_endpoint is missing"),
        (
            ["--runner=PortableRunner", f"--job_endpoint=localhost:{free_port()}"],
            "no job server answered within 1 seconds: check the address",
        ),
        (
            ["--runner=PrismRunner", "--prism_location=nowhere"],
            "--prism_location=nowhere: there is no such file",
        ),
    ],
)
def test_an_engine_that_is_not_there_is_exit_code_2_and_nothing_is_written(
    options: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*RUN, *options]) == 2
    shown = capsys.readouterr().err
    assert shown.startswith("error: --")
    assert said in shown
    assert "Traceback" not in shown
    assert not Path("ops").exists()


def test_an_engine_that_cannot_be_fetched_is_exit_code_1_with_what_to_do(
    capsys: pytest.CaptureFixture[str],
) -> None:
    elsewhere = "--prism_location=https://127.0.0.1:1/prism.zip"
    assert main([*RUN, "--runner=PrismRunner", elsewhere]) == 1
    shown = capsys.readouterr().err
    assert "error: PrismRunner did not take the job: " in shown
    assert "--prism_location=FILE names a Prism that is there already." in shown
    assert "Traceback" not in shown


def test_an_error_of_ours_that_an_engine_wraps_in_its_traceback_is_said_in_our_words(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"{OffsetGoneError.__module__}.{OffsetGoneError.__qualname__}"

    def fail(*_: object) -> None:
        raise RuntimeError(
            "Pipeline job-001 failed in state FAILED: bundle inst063 stage-005 failed:"
            f'Traceback (most recent call last):\n  File "x.py", line 3, in f\n{name}: clicks/0:'
            " offset 5 comes next, but the topic ends at 3.\nWas it deleted?\n\n"
        )

    monkeypatch.setattr("pipeline.run.submit", fail)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "nobody's")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "none")
    assert main(RUN) == 1
    shown = capsys.readouterr().err
    assert shown.endswith(
        "\nerror: clicks/0: offset 5 comes next, but the topic ends at 3.\n       Was it deleted?\n"
    )
    assert "Traceback" not in shown


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--runner=PrismRunner"], "error: interrupted, and Prism with it; given again"),
        (["--runner=FlinkRunner"], "error: interrupted here; the job is its engine's"),
        ([], "error: interrupted; the same command again"),
    ],
)
def test_who_interrupts_is_told_what_is_left_and_nothing_of_threads_that_break_off(
    options: list[str],
    said: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def break_off() -> None:
        raise grpc.RpcError("Stream removed (Socket closed)")

    def interrupt(*_: object) -> None:
        thread = threading.Thread(target=break_off)  # Beam has its engine end first
        thread.start()
        thread.join()
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr("pipeline.run.submit", interrupt)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "nobody's")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "none")
    assert main([*RUN, *options]) == 130
    shown = capsys.readouterr().err
    assert shown.splitlines()[-1].startswith(said)
    assert "Traceback" not in shown


@pytest.mark.parametrize(
    ("logger", "level", "text", "shown"),
    [
        ("PrismRunner", logging.WARNING, "empty transform", False),
        ("PrismRunner", logging.ERROR, "job failed ()", True),
        ("PrismRunner", logging.ERROR, "Bundle Failed.\nTraceback (most recent call last):", False),
        ("PrismJobServer", logging.ERROR, "panic: nil map", True),
        ("root", logging.ERROR, "stage failed: Traceback (most recent call last):", False),
        ("transforms.put", logging.WARNING, "the topic has grown", True),
    ],
)
def test_what_an_engine_logs_is_shown_where_it_is_news(
    logger: str, level: int, text: str, *, shown: bool, caplog: pytest.LogCaptureFixture
) -> None:
    hush_engines()
    try:
        logging.getLogger(logger).log(level, text)
        assert bool(caplog.records) is shown
    finally:
        for handler in logging.getLogger().handlers:
            handler.filters.clear()


def test_a_stream_says_that_it_begins_and_one_that_is_resumed_does_not_claim_a_new_run() -> None:
    partitions = (Partition("clicks", 0, 0), Partition("clicks", 1, 0), Partition("pages", 0, 0))
    job = Job(
        small_job.CONFIGURATION,
        (),
        Reading(),
        "abcd2345",
        OpsPath(Folder("/ops")),
        kafka=KafkaInput(KafkaSettings("localhost:9092"), partitions),
    )
    assert announced(job, []) == (
        "run abcd2345 reads clicks, pages (3 partitions) until it is stopped"
    )
    assert "savepoint" in (announced(job, ["--savepoint_path=/s"]) or "")
    assert announced(msgspec.structs.replace(job, kafka=None), []) is None
