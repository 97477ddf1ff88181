import gzip
import json
from pathlib import Path

import msgspec
import pytest

from pipeline.build import build
from pipeline.job import Job, Reading
from tests.pipelines import in_process
from tests.recording import open_recording, recording
from transforms.configuration import Configuration
from transforms.errors import PutError, ReadError
from transforms.match import match_files
from transforms.store import Folder
from transforms.summarise import read_summary

CONFIGURATION = Configuration.model_validate(
    {
        "connections": [
            {"name": "acme", "bucket": "acme-bucket", "region": "us-east-1"},
            {"name": "beta", "bucket": "beta-bucket", "region": "eu-west-1"},
        ],
        "destinations": [
            {
                "name": "acme-web",
                "connection": "acme",
                "prefix": "logs",
                "match": {"write_key": "a"},
            },
            {
                "name": "beta-all",
                "connection": "beta",
                "match": {"write_key": ["a", "b"]},
                "compression": "none",
                "layout": "hive",
            },
        ],
    }
)
A1 = b'{"writeKey":"a","receivedAt":"2026-11-20T10:01:00Z","n":1}'
A2 = b'{"writeKey":"a","receivedAt":"2026-11-20T10:12:00Z","n":2}'
B1 = b'{"writeKey":"b","receivedAt":"2026-11-20T10:02:00Z","n":3}'
NOBODYS = b'{"writeKey":"stranger"}'
LINES = b"\n".join([A1, b"oops", B1, A2, NOBODYS]) + b"\n"


def job_of(folder: Path, content: bytes = LINES, block_bytes: int = 2**23) -> Job:
    path = folder / "events.ndjson"
    path.write_bytes(content)
    scratch = folder / "scratch"
    scratch.mkdir(exist_ok=True)
    return Job(
        configuration=CONFIGURATION,
        files=tuple(match_files([str(path)])),
        reading=Reading(block_bytes=block_bytes),
        run="abcd2345",
        ops=Folder("/ops"),
        scratch=str(scratch),
    )


def run(job: Job, *options: str) -> dict[tuple[str, str], bytes]:
    with recording() as recorded, in_process(*options) as pipeline:
        build(pipeline, job, open_recording)
    return recorded.objects()


ACME_TEN = (
    "acme-bucket",
    (
        "logs/2026/11/20/10/"
        "acme-web_20261120T100000Z_20261120T101000Z_abcd2345-2idy_p0_00000-of-00001.ndjson.gz"
    ),
)
ACME_TEN_PAST = (
    "acme-bucket",
    (
        "logs/2026/11/20/10/"
        "acme-web_20261120T101000Z_20261120T102000Z_abcd2345-2idy_p0_00000-of-00001.ndjson.gz"
    ),
)
BETA_TEN = (
    "beta-bucket",
    (
        "date=2026-11-20/hour=10/"
        "beta-all_20261120T100000Z_20261120T101000Z_abcd2345-cgka_p0_00000-of-00001.ndjson"
    ),
)
BETA_TEN_PAST = (
    "beta-bucket",
    (
        "date=2026-11-20/hour=10/"
        "beta-all_20261120T101000Z_20261120T102000Z_abcd2345-cgka_p0_00000-of-00001.ndjson"
    ),
)


def customers(objects: dict[tuple[str, str], bytes]) -> dict[tuple[str, str], bytes]:
    return {
        (bucket, key): gzip.decompress(body) if key.endswith(".gz") else body
        for (bucket, key), body in objects.items()
        if bucket != "/ops"
    }


def ops_lines(objects: dict[tuple[str, str], bytes], name: str) -> list[dict[str, object]]:
    return [
        json.loads(line)
        for (bucket, key), body in sorted(objects.items())
        if bucket == "/ops" and key.startswith(f"{name}/")
        for line in gzip.decompress(body).splitlines()
    ]


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
            "detail": "Expecting value: line 1 column 1 (char 0)",
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
    }
    receipts = ops_lines(objects, "receipts")
    assert [(r["bucket"], r["key"], r["events"]) for r in receipts] == [
        (*ACME_TEN, 1),
        (*BETA_TEN, 2),
        (*ACME_TEN_PAST, 1),
        (*BETA_TEN_PAST, 1),
    ]


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


def test_one_bucket_that_refuses_fails_the_run_in_words(tmp_path: Path) -> None:
    with (
        recording(refuse=("beta-bucket",)),
        pytest.raises(PutError, match="destination beta-all"),
        in_process() as pipeline,
    ):
        build(pipeline, job_of(tmp_path), open_recording)


def test_steps_carry_the_words_of_the_design(tmp_path: Path) -> None:
    pipeline = in_process()
    build(pipeline, job_of(tmp_path), open_recording)
    labels = {node.unique_name for node in pipeline.to_runner_api().components.transforms.values()}
    words = {"read", "parse", "route", "pack", "window", "group", "assemble", "put"}
    assert words <= labels
