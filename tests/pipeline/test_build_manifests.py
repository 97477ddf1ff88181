import hashlib
import itertools
import json
from pathlib import Path

import msgspec

from pipeline.build import build
from tests.pipelines import in_process
from tests.recording import open_recording, recording
from tests.small_job import (
    A1,
    A2,
    ACME_TEN,
    B1,
    BETA_TEN,
    BETA_TEN_PAST,
    CONFIGURATION,
    LINES,
    customers,
    job_of,
    manifests,
    run,
)
from transforms.parked import decode_parked
from transforms.summarise import read_summary


def test_each_window_of_each_destination_is_closed_with_a_manifest(tmp_path: Path) -> None:
    objects = run(job_of(tmp_path))
    found = manifests(objects)
    assert sorted(key for _, key in found) == [
        (
            "date=2026-11-20/hour=10/"
            "_beta-all_20261120T100000Z_20261120T101000Z_abcd2345-cgka_p0.manifest.json"
        ),
        (
            "date=2026-11-20/hour=10/"
            "_beta-all_20261120T101000Z_20261120T102000Z_abcd2345-cgka_p0.manifest.json"
        ),
        (
            "logs/2026/11/20/10/"
            "_acme-web_20261120T100000Z_20261120T101000Z_abcd2345-2idy_p0.manifest.json"
        ),
        (
            "logs/2026/11/20/10/"
            "_acme-web_20261120T101000Z_20261120T102000Z_abcd2345-2idy_p0.manifest.json"
        ),
    ]
    [beta] = [each for (_, key), each in found.items() if "_beta-all_20261120T100000Z" in key]
    body = objects[BETA_TEN]
    [bucket, key] = BETA_TEN
    assert beta == {
        "version": 1,
        "destination": "beta-all",
        "window": {"start": "2026-11-20T10:00:00Z", "end": "2026-11-20T10:10:00Z"},
        "run": "abcd2345",
        "revision": "cgka",
        "pane": 0,
        "redriven": False,
        "objects": [
            {
                "url": f"s3://{bucket}/{key}",
                "bytes": len(body),
                "events": 2,
                "raw_bytes": len(body),
                "sha256": hashlib.sha256(body).hexdigest(),
                "pane": 0,
                "shard": 0,
                "part": 0,
            }
        ],
        "missing": [],
        "totals": {
            "objects": 1,
            "bytes": len(body),
            "events": 2,
            "raw_bytes": len(body),
            "missing_objects": 0,
            "missing_events": 0,
        },
        "entries": [
            {
                "url": f"s3://{bucket}/{key}",
                "mandatory": True,
                "meta": {"content_length": len(body)},
            }
        ],
        "guarantee": "repeatable",
    }


def of_manifests(mode: str, content: bytes = LINES, folder: Path | None = None) -> list[str]:
    """The manifests' keys where the first destination has this mode, and the other has none."""
    destinations = [
        each.model_copy(update={"manifest": kind})
        for each, kind in zip(CONFIGURATION.destinations, (mode, "off"), strict=True)
    ]
    configuration = CONFIGURATION.model_copy(update={"destinations": tuple(destinations)})
    assert folder is not None
    job = msgspec.structs.replace(job_of(folder, content), configuration=configuration)
    return sorted(key.rpartition("/")[2] for _, key in manifests(run(job)))


def test_manifests_can_be_off_and_are_then_written_for_nobody_else_either(tmp_path: Path) -> None:
    assert of_manifests("off", folder=tmp_path) == []


def test_always_lists_quiet_windows_between_the_first_and_the_last_of_the_run(
    tmp_path: Path,
) -> None:
    late = A2.replace(b"10:12", b"10:45")
    assert of_manifests("always", A1 + b"\n" + late, tmp_path) == [
        f"_acme-web_20261120T{start}00Z_20261120T{end}00Z_abcd2345-2idy_p0.manifest.json"
        for start, end in itertools.pairwise(["1000", "1010", "1020", "1030", "1040", "1050"])
    ]


def test_a_manifest_of_a_quiet_window_is_empty(tmp_path: Path) -> None:
    destination = CONFIGURATION.destinations[0].model_copy(update={"manifest": "always"})
    configuration = CONFIGURATION.model_copy(
        update={"destinations": (destination, CONFIGURATION.destinations[1])}
    )
    job = msgspec.structs.replace(job_of(tmp_path, B1), configuration=configuration)
    [quiet] = [each for (bucket, _), each in manifests(run(job)).items() if bucket == ACME_TEN[0]]
    assert (quiet["objects"], quiet["missing"], quiet["entries"]) == ([], [], [])
    assert (quiet["destination"], quiet["totals"]["events"]) == ("acme-web", 0)


def test_a_bucket_that_refuses_holds_up_no_other_and_its_objects_are_parked(
    tmp_path: Path,
) -> None:
    job = job_of(tmp_path)
    whole = run(job)
    with recording(refuse=("beta-bucket",)) as recorded, in_process() as pipeline:
        build(pipeline, job, open_recording)
    objects = recorded.objects()
    assert customers(objects) == {
        place: body for place, body in customers(whole).items() if place[0] == "acme-bucket"
    }
    kept = [decode_parked(body) for (_, key), body in objects.items() if key.startswith("parked/")]
    parked = {(record.bucket, record.key): body for record, body in kept}
    lost = {place: whole[place] for place in (BETA_TEN, BETA_TEN_PAST)}
    assert {place: body for place, body in parked.items() if "manifest" not in place[1]} == lost
    without = {key for _, key in parked if key.endswith(".manifest.json")}
    assert len(without) == 2
    assert all("_p0_without-" in key for key in without)
    manifest = json.loads(next(body for (_, key), body in parked.items() if key in without))
    assert manifest["entries"] == []
    assert manifest["totals"]["missing_objects"] == 1
    assert job.summary_path is not None
    summary = read_summary(job.summary_path)
    assert summary.imbalance() is None
    assert (summary.pairs, summary.delivered, summary.parked_events) == (5, 2, 3)
    assert summary.deliveries["beta-all"].parked == 4


def test_a_window_before_1970_has_its_manifest_beside_its_object(tmp_path: Path) -> None:
    lines = [
        b'{"writeKey":"a","receivedAt":"%s"}' % time
        for time in (b"0001-01-01T00:00:00Z", b"1969-12-31T23:59:59Z", b"1970-01-01T00:00:01Z")
    ]
    objects = run(job_of(tmp_path, b"\n".join(lines)))
    found = manifests(objects)
    assert len(found) == 6
    for (bucket, key), manifest in found.items():
        [listed] = manifest["objects"]
        assert listed["url"].rpartition("/")[0] == f"s3://{bucket}/{key.rpartition('/')[0]}"
        start = manifest["window"]["start"].replace("-", "").replace(":", "")
        assert start in listed["url"]
        assert start in key
