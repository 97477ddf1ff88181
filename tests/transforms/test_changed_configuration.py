"""A configuration that changes in the middle of a window starts new objects, and mixes nothing."""

import gzip
import json
from typing import Any

import pytest

from pipeline.job import Job
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
from transforms.configuration import Configuration
from transforms.parked import Parked, decode_parked
from transforms.places import Place

NAME = "acme-web_20261120T100000Z_20261120T101000Z_abcd2345"
FOLDER = "s3://acme-bucket/logs/2026/11/20/10"
OLD = f"{FOLDER}/{NAME}-2idy"
OLD_MANIFEST = f"{FOLDER}/_{NAME}-2idy"


class ChangedJob(Job, frozen=True, kw_only=True):
    """What was packed by the old configuration is put by the new one."""

    after: Configuration

    def places(self) -> dict[str, Place]:
        return job_of(self.after).places()


def configuration(bucket: str = "acme-bucket", **changes: Any) -> Configuration:  # noqa: ANN401 - fields of any type
    connection = {"name": bucket, "bucket": bucket, "region": "us-east-1"}
    acme: dict[str, Any] = {"name": "acme-web", "connection": bucket, "prefix": "logs"}
    acme |= {"match": {"write_key": "after"}} | changes
    return Configuration.model_validate({"connections": [connection], "destinations": [acme]})


BEFORE = configuration(match={"write_key": "before"})
"""The write key tells which configuration routed and packed an event."""


def changed(after: Configuration) -> Objects:
    """One event of the old configuration and one of the new, then a late one of each."""
    both = BEFORE.model_copy(
        update={
            "connections": BEFORE.connections + after.connections[-1:],
            "destinations": BEFORE.destinations + after.destinations,
        }
    )
    before = job_of(both)
    fields = {name: getattr(before, name) for name in before.__struct_fields__}
    stream = Stream().block(event("before", 1)).block(event("after", 2)).watermark(CLOSED)
    stream.block(event("before", 3)).wait().block(event("after", 4)).wait()
    return stream.through(ChangedJob(**fields, after=after))


def parked(objects: Objects) -> dict[str, tuple[Parked, bytes]]:
    """By URL, what was parked instead of put."""
    kept = [decode_parked(body) for (_, key), body in objects.items() if key.startswith("parked/")]
    return {f"s3://{record.bucket}/{record.key}": (record, body) for record, body in kept}


@pytest.mark.parametrize(
    ("changes", "new", "ending"),
    [
        (
            {"shards": 3},
            "s3://acme-bucket/logs/2026/11/20/10/*acme-web_20261120T100000Z_20261120T101000Z_abcd2345-gc3k",
            "00001-of-00003.ndjson.gz",
        ),
        (
            {"prefix": "new"},
            "s3://acme-bucket/new/2026/11/20/10/*acme-web_20261120T100000Z_20261120T101000Z_abcd2345-2vkf",
            "00000-of-00001.ndjson.gz",
        ),
        (
            {"compression": "none"},
            "s3://acme-bucket/logs/2026/11/20/10/*acme-web_20261120T100000Z_20261120T101000Z_abcd2345-qvl4",
            "00000-of-00001.ndjson",
        ),
    ],
    ids=str,
)
def test_a_change_starts_new_objects_and_what_was_packed_before_keeps_its_keys(
    changes: dict[str, Any], new: str, ending: str
) -> None:
    objects = changed(configuration(**changes))
    new, new_manifest = new.replace("*", ""), new.replace("*", "_")
    assert contents(objects) == {
        f"{OLD}_p0_00000-of-00001.ndjson.gz": [event("before", 1)],
        f"{new}_p0_{ending}": [event("after", 2)],
        f"{OLD}_p1_00000-of-00001.ndjson.gz": [event("before", 3)],
        f"{new}_p1_{ending}": [event("after", 4)],
    }
    assert listed(objects) == {
        f"{OLD_MANIFEST}_p0.manifest.json": [f"{OLD}_p0_00000-of-00001.ndjson.gz"],
        f"{new_manifest}_p0.manifest.json": [f"{new}_p0_{ending}"],
        f"{OLD_MANIFEST}_p1.manifest.json": [f"{OLD}_p1_00000-of-00001.ndjson.gz"],
        f"{new_manifest}_p1.manifest.json": [f"{new}_p1_{ending}"],
    }
    assert parked(objects) == {}
    assert sums(objects)["delivered"] == 4


@pytest.mark.parametrize(
    ("after", "new", "said"),
    [
        (
            configuration("new-bucket"),
            "s3://new-bucket/logs/2026/11/20/10/*acme-web_20261120T100000Z_20261120T101000Z_abcd2345-32kt",
            "destination changed",
        ),
        (
            configuration(name="other"),
            "s3://acme-bucket/logs/2026/11/20/10/*other_20261120T100000Z_20261120T101000Z_abcd2345-2idy",
            "destination removed",
        ),
    ],
    ids=["another bucket", "removed"],
)
def test_what_was_packed_for_another_bucket_or_for_nobody_any_more_is_parked_under_its_key(
    after: Configuration, new: str, said: str
) -> None:
    objects = changed(after)
    new, new_manifest = new.replace("*", ""), new.replace("*", "_")
    assert contents(objects) == {
        f"{new}_p0_00000-of-00001.ndjson.gz": [event("after", 2)],
        f"{new}_p1_00000-of-00001.ndjson.gz": [event("after", 4)],
    }
    assert listed(objects) == {
        f"{new_manifest}_p0.manifest.json": [f"{new}_p0_00000-of-00001.ndjson.gz"],
        f"{new_manifest}_p1.manifest.json": [f"{new}_p1_00000-of-00001.ndjson.gz"],
    }
    kept = parked(objects)
    assert {
        url: gzip.decompress(body) for url, (record, body) in kept.items() if record.events
    } == {
        f"{OLD}_p0_00000-of-00001.ndjson.gz": event("before", 1) + b"\n",
        f"{OLD}_p1_00000-of-00001.ndjson.gz": event("before", 3) + b"\n",
    }
    missing = {
        url: [each["url"] for each in json.loads(body)["missing"]]
        for url, (record, body) in kept.items()
        if record.kind == "manifest"
    }
    assert missing == {
        f"{OLD_MANIFEST}_p0_without-66jj7oy4.manifest.json": [f"{OLD}_p0_00000-of-00001.ndjson.gz"],
        f"{OLD_MANIFEST}_p1_without-z5e7cikq.manifest.json": [f"{OLD}_p1_00000-of-00001.ndjson.gz"],
    }
    assert {record.error for record, _ in kept.values()} == {said}
    total = sums(objects)
    assert (total["pairs"], total["delivered"], total["parked"]) == (4, 2, 2)


def test_another_owner_of_the_same_bucket_is_another_place() -> None:
    after = configuration()
    [connection] = after.connections
    owned = connection.model_copy(update={"name": "owned", "expected_bucket_owner": "111122223333"})
    [destination] = after.destinations
    moved = destination.model_copy(update={"connection": "owned"})
    objects = changed(after.model_copy(update={"connections": (owned,), "destinations": (moved,)}))
    assert {record.error for record, _ in parked(objects).values()} == {"destination changed"}
    delivered = [line for lines in contents(objects).values() for line in lines]
    assert delivered == [event("after", 2), event("after", 4)]
    assert {url.split("abcd2345-")[1][:4] for url in listed(objects)}.isdisjoint({"2idy"})
