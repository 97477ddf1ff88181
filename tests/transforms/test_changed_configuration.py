"""A configuration that changes under a running stream: new objects begin, and nothing is mixed."""

import gzip
import json
import logging
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from pipeline.configuration_file import load_configuration
from pipeline.job import Reading
from pipeline.stream_options import Streaming
from tests.transforms.streams import (
    CLOSED,
    Objects,
    Stream,
    contents,
    event,
    job_of,
    listed,
    sums,
)
from transforms.parked import Parked, decode_parked

NAME = "acme-web_20261120T100000Z_20261120T101000Z_abcd2345"
FOLDER = "s3://acme-bucket/logs/2026/11/20/10"
OLD = f"{FOLDER}/{NAME}-2idy"
OLD_MANIFEST = f"{FOLDER}/_{NAME}-2idy"
END = "00000-of-00001.ndjson.gz"

Fields = dict[str, Any]

ACME: Fields = {
    "name": "acme-web",
    "connection": "acme",
    "prefix": "logs",
    "match": {"write_key": "k"},
}
ANOTHER: Fields = {"name": "acme-ios", "connection": "acme", "match": {"write_key": ["i", "k"]}}


def saying(*destinations: Fields, **connection: Any) -> str:  # noqa: ANN401 - fields of any type
    acme = {"name": "acme", "bucket": "acme-bucket", "region": "us-east-1"} | connection
    return yaml.safe_dump({"connections": [acme], "destinations": destinations})


BEFORE = saying(ACME)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "destinations.yaml"
    path.write_text(BEFORE)
    return path


def through(
    stream: Stream, path: Path, destinations: tuple[str, ...] = (), ttl: int | None = 0
) -> Objects:
    """All that is put by a job that was submitted with the file as it is now."""
    job = msgspec.structs.replace(
        job_of(load_configuration(str(path))),
        reading=Reading(destinations=destinations),
        streaming=Streaming(config_ttl_seconds=ttl or 0),
        config_path=None if ttl is None else str(path),
    )
    return stream.through(job)


def changed(path: Path, after: str) -> Objects:
    """An event before the change, one after it, and a late one; all of one window."""
    stream = Stream().block(event("k", 1)).saved(path, after).block(event("k", 2))
    return through(stream.watermark(CLOSED).block(event("k", 3)).wait(), path)


def parked(objects: Objects) -> dict[str, tuple[Parked, bytes]]:
    """By URL, what was parked instead of put."""
    kept = [decode_parked(body) for (_, key), body in objects.items() if key.startswith("parked/")]
    return {f"s3://{record.bucket}/{record.key}": (record, body) for record, body in kept}


def parked_events(objects: Objects) -> dict[str, bytes]:
    return {
        url: gzip.decompress(body)
        for url, (record, body) in parked(objects).items()
        if record.kind == "events"
    }


@pytest.mark.parametrize(
    ("changes", "new", "ending"),
    [
        ({"shards": 3}, f"logs/2026/11/20/10/*{NAME}-gc3k", "00001-of-00003.ndjson.gz"),
        ({"prefix": "new"}, f"new/2026/11/20/10/*{NAME}-2vkf", END),
        ({"compression": "none"}, f"logs/2026/11/20/10/*{NAME}-qvl4", "00000-of-00001.ndjson"),
    ],
    ids=str,
)
def test_a_change_starts_new_objects_and_what_was_packed_before_keeps_its_keys(
    changes: Fields, new: str, ending: str, path: Path
) -> None:
    objects = changed(path, saying(ACME | changes))
    new = f"s3://acme-bucket/{new}"
    new, new_manifest = new.replace("*", ""), new.replace("*", "_")
    assert contents(objects) == {
        f"{OLD}_p0_{END}": [event("k", 1)],
        f"{new}_p0_{ending}": [event("k", 2)],
        f"{new}_p1_{ending}": [event("k", 3)],
    }
    assert listed(objects) == {
        f"{OLD_MANIFEST}_p0.manifest.json": [f"{OLD}_p0_{END}"],
        f"{new_manifest}_p0.manifest.json": [f"{new}_p0_{ending}"],
        f"{new_manifest}_p1.manifest.json": [f"{new}_p1_{ending}"],
    }
    assert parked(objects) == {}
    assert sums(objects)["delivered"] == 3


@pytest.mark.parametrize(
    ("after", "new", "error"),
    [
        (
            saying(ACME, bucket="new-bucket"),
            f"s3://new-bucket/logs/2026/11/20/10/*{NAME}-32kt",
            "destination changed",
        ),
        (
            saying(ACME | {"name": "other"}),
            f"{FOLDER}/*other_20261120T100000Z_20261120T101000Z_abcd2345-2idy",
            "destination removed",
        ),
    ],
    ids=["another bucket", "removed"],
)
def test_what_was_packed_for_another_bucket_or_for_nobody_any_more_is_parked_under_its_key(
    after: str, new: str, error: str, path: Path
) -> None:
    objects = changed(path, after)
    new, new_manifest = new.replace("*", ""), new.replace("*", "_")
    assert contents(objects) == {
        f"{new}_p0_{END}": [event("k", 2)],
        f"{new}_p1_{END}": [event("k", 3)],
    }
    assert listed(objects) == {
        f"{new_manifest}_p0.manifest.json": [f"{new}_p0_{END}"],
        f"{new_manifest}_p1.manifest.json": [f"{new}_p1_{END}"],
    }
    assert parked_events(objects) == {f"{OLD}_p0_{END}": event("k", 1) + b"\n"}
    missing = {
        url: [each["url"] for each in json.loads(body)["missing"]]
        for url, (record, body) in parked(objects).items()
        if record.kind == "manifest"
    }
    assert missing == {f"{OLD_MANIFEST}_p0_without-wnigzck6.manifest.json": [f"{OLD}_p0_{END}"]}
    assert {record.error for record, _ in parked(objects).values()} == {error}
    total = sums(objects)
    assert (total["pairs"], total["delivered"], total["parked"]) == (3, 2, 1)


def test_another_owner_of_the_same_bucket_is_another_place(path: Path) -> None:
    objects = changed(path, saying(ACME, expected_bucket_owner="111122223333"))
    assert parked_events(objects) == {f"{OLD}_p0_{END}": event("k", 1) + b"\n"}
    assert {record.error for record, _ in parked(objects).values()} == {"destination changed"}
    assert contents(objects) == {
        f"{FOLDER}/{NAME}-q6uy_p0_{END}": [event("k", 2)],
        f"{FOLDER}/{NAME}-q6uy_p1_{END}": [event("k", 3)],
    }


def test_a_new_destination_gets_what_is_read_after_it_was_added(path: Path) -> None:
    objects = changed(path, saying(ACME, ANOTHER))
    ios = "s3://acme-bucket/2026/11/20/10/acme-ios_20261120T100000Z_20261120T101000Z_abcd2345"
    assert contents(objects) == {
        f"{OLD}_p0_{END}": [event("k", 1), event("k", 2)],
        f"{ios}-pdvv_p0_{END}": [event("k", 2)],
        f"{OLD}_p1_{END}": [event("k", 3)],
        f"{ios}-pdvv_p1_{END}": [event("k", 3)],
    }


def test_where_destinations_change_places_each_keeps_its_own_events(path: Path) -> None:
    path.write_text(saying(ACME, ANOTHER | {"match": {"write_key": "i"}}))
    stream = Stream().block(event("k", 1), event("i", 2))
    stream.saved(path, saying(ANOTHER | {"match": {"write_key": "i"}}, ACME))
    objects = through(stream.block(event("i", 3), event("k", 4)).watermark(CLOSED), path)
    ios = "s3://acme-bucket/2026/11/20/10/acme-ios_20261120T100000Z_20261120T101000Z_abcd2345"
    assert contents(objects) == {
        f"{OLD}_p0_{END}": [event("k", 1), event("k", 4)],
        f"{ios}-pdvv_p0_{END}": [event("i", 2), event("i", 3)],
    }


def test_a_destination_that_is_disabled_gets_what_is_under_way_and_nothing_more(
    path: Path,
) -> None:
    objects = changed(path, saying(ACME | {"enabled": False}))
    assert contents(objects) == {f"{OLD}_p0_{END}": [event("k", 1)]}
    assert parked(objects) == {}
    assert sums(objects)["unmatched"] == 2


def test_a_destination_that_is_enabled_gets_what_comes_from_then_on(path: Path) -> None:
    path.write_text(saying(ACME | {"enabled": False}))
    objects = changed(path, BEFORE)
    assert contents(objects) == {
        f"{OLD}_p0_{END}": [event("k", 2)],
        f"{OLD}_p1_{END}": [event("k", 3)],
    }


def test_manifests_can_be_turned_off(path: Path) -> None:
    objects = changed(path, saying(ACME | {"manifest": "off"}))
    assert not [key for _, key in objects if "manifest" in key]
    assert len(contents(objects)) == 2


def test_a_broken_file_leaves_the_old_configuration_in_force_until_it_is_mended(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    broken = saying(ACME | {"prefix": "new", "shards": 0})
    mended = saying(ACME | {"prefix": "new"})
    stream = Stream().block(event("k", 1)).saved(path, broken).block(event("k", 2))
    stream.saved(path, "connections: [").block(event("k", 3))
    stream.saved(path, None).block(event("k", 4))
    stream.saved(path, mended).block(event("k", 5))
    objects = through(stream.watermark(CLOSED), path)
    assert contents(objects) == {
        f"{OLD}_p0_{END}": [event("k", number) for number in (1, 2, 3, 4)],
        f"s3://acme-bucket/new/2026/11/20/10/{NAME}-2vkf_p0_{END}": [event("k", 5)],
    }
    said = [(record.levelno, record.getMessage()) for record in caplog.records]
    yaml_says = "while parsing a flow node did not find expected node content"
    in_force = "\nThe configuration that was in force stays in force."
    assert [text for level, text in said if level == logging.ERROR] == [
        f"{path}:11: destinations[0].shards: 0 is less than 1{in_force}",
        f"{path}:1: is not YAML: {yaml_says}{in_force}",
        f"{path}: cannot be read: No such file or directory{in_force}",
    ]
    assert [text for level, text in said if level == logging.WARNING] == [
        f"{path}: can be used again",
        f"{path}: a new version is in force; changed: acme-web",
    ]


def test_a_restarted_worker_routes_its_first_block_by_the_file_of_today(path: Path) -> None:
    submitted = path.read_text()
    stream = Stream().saved(path, saying(ACME | {"prefix": "new"})).block(event("k", 1))
    objects = through(stream.watermark(CLOSED), path, ttl=10_000)
    assert submitted == BEFORE
    assert [*contents(objects)] == [f"s3://acme-bucket/new/2026/11/20/10/{NAME}-2vkf_p0_{END}"]


def test_a_stream_for_some_destinations_stays_one_whatever_the_file_says(path: Path) -> None:
    path.write_text(saying(ACME, ANOTHER))
    after = saying(ANOTHER | {"prefix": "new"}, ACME, ANOTHER | {"name": "third"})
    stream = Stream().block(event("k", 1)).saved(path, after).block(event("k", 2))
    objects = through(stream.watermark(CLOSED), path, destinations=("acme-web",))
    assert contents(objects) == {f"{OLD}_p0_{END}": [event("k", 1), event("k", 2)]}


def test_without_a_ttl_the_file_is_read_once(path: Path) -> None:
    stream = Stream().block(event("k", 1)).saved(path, None).block(event("k", 2))
    objects = through(stream.watermark(CLOSED), path, ttl=None)
    assert contents(objects) == {f"{OLD}_p0_{END}": [event("k", 1), event("k", 2)]}
