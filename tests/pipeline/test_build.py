import gzip
from pathlib import Path

import msgspec
import pytest

from pipeline.build import build
from tests.pipelines import in_process
from tests.recording import open_recording, recording
from tests.small_job import (
    A1,
    A2,
    ACME_TEN,
    ACME_TEN_PAST,
    B1,
    BETA_TEN,
    BETA_TEN_PAST,
    CONFIGURATION,
    LINES,
    customers,
    job_of,
    manifests,
    ops_lines,
    run,
)
from transforms.errors import ReadError
from transforms.match import match_files
from transforms.summarise import read_summary


def test_every_event_is_in_its_destinations_objects_under_the_exact_keys(tmp_path: Path) -> None:
    assert customers(run(job_of(tmp_path))) == {
        ACME_TEN: A1 + b"\n",
        ACME_TEN_PAST: A2 + b"\n",
        BETA_TEN: A1 + b"\n" + B1 + b"\n",
        BETA_TEN_PAST: A2 + b"\n",
    }


def test_dead_letters_tallies_and_receipts_reach_the_ops_path(tmp_path: Path) -> None:
    job = job_of(tmp_path)
    objects = run(job)
    source = job.files[0].path
    assert ops_lines(objects, "dead_letters") == [
        {
            "run": "abcd2345",
            "source": source,
            "position": len(A1) + 1,
            "stage": "parse",
            "reason": "malformed",
            "detail": "JSON is malformed: invalid character (byte 0)",
            "record_time": job.files[0].record_time,
            "record": "oops",
        }
    ]
    [tally] = ops_lines(objects, "tallies")
    assert tally == {
        "source": source,
        "first": 0,
        "read": 5,
        "blank": 0,
        "matched": 3,
        "unmatched": 1,
        "opted_out": 0,
        "dead_letters": {"malformed": 1},
        "pairs": {"acme-web": 2, "beta-all": 3},
        "outside": 0,
        "run": "abcd2345",
    }
    receipts = ops_lines(objects, "receipts")
    assert {(r["bucket"], r["key"]): r["events"] for r in receipts} == {
        ACME_TEN: 1,
        BETA_TEN: 2,
        ACME_TEN_PAST: 1,
        BETA_TEN_PAST: 1,
        **dict.fromkeys(manifests(objects), 0),
    }
    assert {receipt["status"] for receipt in receipts} == {"delivered"}


def test_the_summary_adds_up(tmp_path: Path) -> None:
    job = job_of(tmp_path)
    run(job)
    assert job.summary_path is not None
    summary = read_summary(job.summary_path)
    assert summary.imbalance() is None
    assert (summary.read, summary.matched, summary.unmatched) == (5, 3, 1)
    assert (summary.pairs, summary.delivered) == (5, 5)
    beta = summary.deliveries["beta-all"]
    assert (beta.objects, beta.events, beta.raw_bytes) == (2, 3, len(A1 + B1 + A2) + 3)


def test_bundles_that_are_run_again_leave_the_same_objects(tmp_path: Path) -> None:
    job = job_of(tmp_path)
    once = run(job)
    again = run(job, "--direct_runner_bundle_repeat=1")  # fails where a body differs
    assert again == once


def test_the_input_in_several_blocks_gives_the_same_events_in_the_same_order(
    tmp_path: Path,
) -> None:
    lines = [
        b'{"writeKey":"%c","receivedAt":"2026-11-20T10:0%d:00Z","n":%d}' % (b"ab"[n % 2], n % 10, n)
        for n in range(500)
    ]
    objects = customers(run(job_of(tmp_path, b"\n".join(lines), block_bytes=1000)))
    assert objects == {
        ACME_TEN: b"".join(line + b"\n" for line in lines[::2]),
        BETA_TEN: b"".join(line + b"\n" for line in lines),
    }


def test_blocks_cut_by_their_number_of_records_keep_the_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("transforms.read.MAX_BLOCK_RECORDS", 7)
    lines = [b'{"writeKey":"b","receivedAt":"2026-11-20T10:00:00Z","n":%d}' % n for n in range(100)]
    job = job_of(tmp_path, b"\n".join(lines))
    assert customers(run(job)) == {BETA_TEN: b"".join(line + b"\n" for line in lines)}
    assert job.summary_path is not None
    assert read_summary(job.summary_path).read == 100


def test_other_configurations_keep_their_own_tallies(tmp_path: Path) -> None:
    job = job_of(tmp_path)
    other = CONFIGURATION.model_copy(update={"destinations": CONFIGURATION.destinations[:1]})
    first, second = run(job), run(msgspec.structs.replace(job, configuration=other))
    ours = [{key for bucket, key in objects if bucket == "/ops"} for objects in (first, second)]
    assert ours[0].isdisjoint(ours[1])


def test_an_empty_file_delivers_nothing_and_is_accounted_for(tmp_path: Path) -> None:
    job = job_of(tmp_path, b"")
    assert run(job) == {}
    assert job.summary_path is not None
    assert read_summary(job.summary_path).read == 0


def test_pieces_wait_on_the_disk_or_travel_whole_with_the_same_outcome(tmp_path: Path) -> None:
    job = job_of(tmp_path)
    assert run(msgspec.structs.replace(job, scratch=None)) == run(job)


def test_a_file_that_cannot_be_read_to_its_end_delivers_nothing(tmp_path: Path) -> None:
    job = job_of(tmp_path)
    path = tmp_path / "events.ndjson.gz"
    path.write_bytes(gzip.compress(LINES * 1000)[:-20])
    broken = msgspec.structs.replace(job, files=(*job.files, *match_files([str(path)])))
    with (
        recording() as recorded,
        pytest.raises(ReadError, match=r"events\.ndjson\.gz.*byte"),
        in_process() as pipeline,
    ):
        build(pipeline, broken, open_recording)
    assert recorded.calls == []


def test_steps_carry_the_words_of_the_design(tmp_path: Path) -> None:
    pipeline = in_process()
    build(pipeline, job_of(tmp_path), open_recording)
    labels = {node.unique_name for node in pipeline.to_runner_api().components.transforms.values()}
    words = {"read", "parse", "route", "pack", "window", "group", "assemble", "put"}
    assert words <= labels
