"""A backfill: some destinations, some times, a run of its own."""

from pathlib import Path

import msgspec
import pytest

from pipeline.__main__ import main
from pipeline.job import Reading, mint_run
from tests.small_job import A1, A2, ACME_TEN, B1, LINES, customers, job_of, run
from transforms.span import Span
from transforms.summarise import read_summary
from transforms.units import parse_time

NINE_TO_TEN_PAST = Span(parse_time("2026-11-20T09:00:00Z"), parse_time("2026-11-20T10:10:00Z"))


def test_only_the_named_destinations_get_events(tmp_path: Path) -> None:
    job = job_of(tmp_path)
    job = msgspec.structs.replace(job, reading=Reading(destinations=("acme-web",)))
    assert {bucket for bucket, _ in customers(run(job))} == {"acme-bucket"}
    assert job.summary_path is not None
    summary = read_summary(job.summary_path)
    assert summary.imbalance() is None
    assert (summary.matched, summary.unmatched) == (2, 2)  # what is beta's alone matches none


def test_only_events_of_the_times_are_delivered_and_the_others_are_counted(tmp_path: Path) -> None:
    untimed = b'{"writeKey":"a","n":9}'  # of its file's time, which is outside
    job = job_of(tmp_path, LINES + untimed + b"\n")
    reading = Reading(destinations=("acme-web",), span=NINE_TO_TEN_PAST)
    job = msgspec.structs.replace(job, reading=reading)
    assert customers(run(job)) == {ACME_TEN: A1 + b"\n"}
    assert job.summary_path is not None
    summary = read_summary(job.summary_path)
    assert summary.imbalance() is None
    assert (summary.read, summary.matched, summary.outside) == (6, 1, 2)


@pytest.mark.parametrize(
    ("start", "end", "delivered"),
    [
        ("2026-11-20T10:01:00Z", "2026-11-20T10:12:00Z", [A1, B1]),
        ("2026-11-20T10:01:01Z", "2026-11-20T10:12:01Z", [B1, A2]),
        ("2026-11-20T12:01:00+02:00", None, [A1, B1, A2]),
        (None, "2026-11-20T10:01:00Z", []),
    ],
)
def test_the_first_second_is_in_the_last_is_not(
    start: str | None, end: str | None, delivered: list[bytes], tmp_path: Path
) -> None:
    bounds = [parse_time(time) if time else None for time in (start, end)]
    span = Span(*bounds)
    job = msgspec.structs.replace(
        job_of(tmp_path), reading=Reading(destinations=("beta-all",), span=span)
    )
    found = customers(run(job))
    assert sorted(b"".join(found.values()).splitlines()) == sorted(delivered)


def test_a_backfill_is_a_run_of_its_own(tmp_path: Path) -> None:
    files = job_of(tmp_path).files
    readings = [
        Reading(),
        Reading(destinations=("acme-web",)),
        Reading(span=NINE_TO_TEN_PAST),
        Reading(span=Span(NINE_TO_TEN_PAST.start)),
    ]
    assert len({mint_run(files, reading) for reading in readings}) == 4


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("--destinations=acme-wbe", "no destination is named 'acme-wbe'; nearest: 'acme-web'"),
        ("--destinations=,", "--destinations: names no destination"),
        ("--start_time=yesterday", "'yesterday' is no time; write it like 2026-11-20T10:00:00Z"),
        ("--end_time=2026-11-20T10:00:00", "needs a Z or an offset, and whole seconds"),
        ("--end_time=2026-11-20T10:00:00.5Z", "needs a Z or an offset, and whole seconds"),
        (
            "--start_time=2026-11-20T10:00:00Z --end_time=2026-11-20T10:00:00Z",
            "--end_time: must be later than --start_time",
        ),
        (
            "--destinations=acme-web --unmatched=dead_letter",
            "--unmatched=dead_letter: would take the other destinations' events",
        ),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_read(
    option: str,
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("events.ndjson").write_bytes(LINES)
    Path("events.yaml").write_text(
        "connections: [{name: acme, bucket: acme-bucket, region: us-east-1}]\n"
        "destinations: [{name: acme-web, connection: acme, match: {write_key: a}}]\n"
    )
    arguments = ["--config=events.yaml", "--input=events.ndjson", "--ops_path=ops"]
    assert main([*arguments, *option.split()]) == 2
    assert said in capsys.readouterr().err
    assert not Path("ops").exists()
