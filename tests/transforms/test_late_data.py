"""Late events become new objects with the pane in the key, and get a manifest of their own."""

import apache_beam as beam
from apache_beam.testing.util import assert_that, equal_to

from tests.pipelines import in_process
from tests.small_job import ops_lines
from tests.transforms.streams import (
    CLOSED,
    EXPIRED,
    TEN,
    Stream,
    aligned,
    contents,
    event,
    job_of,
    listed,
    sums,
)
from transforms.assemble import Assemble
from transforms.manifest import _ListPane
from transforms.records import Target

ACME = (
    "s3://acme-bucket/logs/2026/11/20/10/acme-web_20261120T100000Z_20261120T101000Z_abcd2345-2idy"
)
ACME_MANIFEST = ACME.replace("acme-web_", "_acme-web_")
BETA = (
    "s3://beta-bucket/date=2026-11-20/hour=10/"
    "beta-all_20261120T100000Z_20261120T101000Z_abcd2345-pudq"
)
BETA_MANIFEST = BETA.replace("beta-all_", "_beta-all_")
IN_2099 = 4_070_908_800  # 2099-01-01T00:00:00Z


def test_what_comes_in_time_is_one_object_that_one_manifest_lists_after_it() -> None:
    stream = Stream().block(event("a", 1), event("a", 2)).watermark(TEN + 599)
    objects = stream.block(event("a", 3)).watermark(CLOSED).through(job_of())
    assert contents(objects) == {
        f"{ACME}_p0_00000-of-00001.ndjson.gz": [event("a", 1), event("a", 2), event("a", 3)],
    }
    assert listed(objects) == {
        f"{ACME_MANIFEST}_p0.manifest.json": [f"{ACME}_p0_00000-of-00001.ndjson.gz"],
    }
    puts = [f"s3://{bucket}/{key}" for bucket, key in objects if bucket != "/ops"]
    assert puts == [*contents(objects), *listed(objects)]


def test_what_comes_late_is_a_new_object_with_a_manifest_of_its_own() -> None:
    stream = Stream().block(event("a", 1)).watermark(CLOSED)
    objects = stream.block(event("a", 2)).wait().through(job_of())
    assert contents(objects) == {
        f"{ACME}_p0_00000-of-00001.ndjson.gz": [event("a", 1)],
        f"{ACME}_p1_00000-of-00001.ndjson.gz": [event("a", 2)],
    }
    assert listed(objects) == {
        f"{ACME_MANIFEST}_p0.manifest.json": [f"{ACME}_p0_00000-of-00001.ndjson.gz"],
        f"{ACME_MANIFEST}_p1.manifest.json": [f"{ACME}_p1_00000-of-00001.ndjson.gz"],
    }


def test_late_events_are_gathered_for_a_while_and_no_pane_repeats_another() -> None:
    stream = Stream().block(event("a", 1)).watermark(CLOSED)
    stream.block(event("a", 2)).wait(299).block(event("a", 3)).wait(1)
    stream.block(event("a", 4)).wait(299).watermark(CLOSED + 9).block(event("a", 5)).wait(1)
    objects = stream.through(job_of())
    assert contents(objects) == {
        f"{ACME}_p0_00000-of-00001.ndjson.gz": [event("a", 1)],
        f"{ACME}_p1_00000-of-00001.ndjson.gz": [event("a", 2), event("a", 3)],
        f"{ACME}_p2_00000-of-00001.ndjson.gz": [event("a", 4), event("a", 5)],
    }
    assert listed(objects) == {
        f"{ACME_MANIFEST}_p0.manifest.json": [f"{ACME}_p0_00000-of-00001.ndjson.gz"],
        f"{ACME_MANIFEST}_p1.manifest.json": [f"{ACME}_p1_00000-of-00001.ndjson.gz"],
        f"{ACME_MANIFEST}_p2.manifest.json": [f"{ACME}_p2_00000-of-00001.ndjson.gz"],
    }


def test_a_window_takes_events_to_its_last_second_and_after_that_they_are_dead_letters() -> None:
    stream = Stream().block(event("a", 1)).watermark(EXPIRED - 1)
    stream.block(event("a", 2), event("a", 3, TEN - 1)).wait().watermark(EXPIRED)
    objects = stream.block(event("a", 4), event("x", 5)).through(job_of())
    assert contents(objects) == {
        f"{ACME}_p0_00000-of-00001.ndjson.gz": [event("a", 1)],
        f"{ACME}_p1_00000-of-00001.ndjson.gz": [event("a", 2)],
    }
    assert len(listed(objects)) == 2
    letters = ops_lines(objects, "dead_letters")
    assert [(each["reason"], each["position"], each["record"]) for each in letters] == [
        ("too_late", 2, event("a", 3, TEN - 1).decode()),
        ("too_late", 3, event("a", 4).decode()),
    ]
    assert sums(objects)["read"] == 5


def test_on_time_a_manifest_waits_for_the_objects_of_all_shards() -> None:
    stream = Stream().block(event("b", 1), start=aligned(1)).block(event("b", 2), start=aligned(0))
    objects = stream.watermark(CLOSED).through(job_of())
    assert contents(objects) == {
        f"{BETA}_p0_00001-of-00002.ndjson": [event("b", 1)],
        f"{BETA}_p0_00000-of-00002.ndjson": [event("b", 2)],
    }
    assert listed(objects) == {
        f"{BETA_MANIFEST}_p0.manifest.json": [
            f"{BETA}_p0_00000-of-00002.ndjson",
            f"{BETA}_p0_00001-of-00002.ndjson",
        ],
    }


def test_late_shards_share_neither_a_key_nor_a_manifest_with_those_before() -> None:
    stream = Stream().block(event("b", 1), start=aligned(0)).watermark(CLOSED)
    stream.block(event("b", 2), start=aligned(1))  # its shard's first pane, and the manifest's 2nd
    stream.block(event("b", 3), start=aligned(0)).wait().block(event("b", 4), start=aligned(1))
    objects = stream.wait().through(job_of())
    assert contents(objects) == {
        f"{BETA}_p0_00000-of-00002.ndjson": [event("b", 1)],
        f"{BETA}_p0_00001-of-00002.ndjson": [event("b", 2)],
        f"{BETA}_p1_00000-of-00002.ndjson": [event("b", 3)],
        f"{BETA}_p1_00001-of-00002.ndjson": [event("b", 4)],
    }
    assert listed(objects) == {
        f"{BETA_MANIFEST}_p0.manifest.json": [f"{BETA}_p0_00000-of-00002.ndjson"],
        f"{BETA_MANIFEST}_p1.manifest.json": [f"{BETA}_p0_00001-of-00002.ndjson"],
        f"{BETA_MANIFEST}_p2.manifest.json": [f"{BETA}_p1_00000-of-00002.ndjson"],
        f"{BETA_MANIFEST}_p3.manifest.json": [f"{BETA}_p1_00001-of-00002.ndjson"],
    }
    assert sums(objects)["delivered"] == 4


def test_a_window_whose_events_are_all_late_has_a_first_pane_too() -> None:
    objects = Stream().watermark(CLOSED).block(event("a", 1)).through(job_of())
    assert contents(objects) == {f"{ACME}_p0_00000-of-00001.ndjson.gz": [event("a", 1)]}
    assert listed(objects) == {
        f"{ACME_MANIFEST}_p0.manifest.json": [f"{ACME}_p0_00000-of-00001.ndjson.gz"],
    }


def test_an_empty_pane_is_no_object_and_no_manifest() -> None:
    target = Target("acme-web", "abcd2345", "acme-bucket")
    with in_process() as pipeline:
        panes = (
            pipeline | beam.Create([(target, [])]) | beam.WindowInto(beam.window.FixedWindows(600))
        )
        assert_that(panes | Assemble(), equal_to([]), "objects")
        assert_that(panes | beam.ParDo(_ListPane()), equal_to([]), "manifests")


def test_one_record_dated_2099_closes_no_window_and_opens_none() -> None:
    stream = Stream().block(event("a", 1), event("a", 2, IN_2099)).block(event("a", 3))
    objects = stream.watermark(CLOSED).block(event("a", 4)).through(job_of())
    assert contents(objects) == {
        f"{ACME}_p0_00000-of-00001.ndjson.gz": [
            event("a", 1),
            event("a", 2, IN_2099),
            event("a", 3),
        ],
        f"{ACME}_p1_00000-of-00001.ndjson.gz": [event("a", 4)],
    }
    assert sums(objects)["delivered"] == 4


def test_a_record_of_2099_closes_no_window_and_opens_none_that_never_would_close() -> None:
    untimed = event("a", 2, None)
    stream = Stream().block(event("a", 1), untimed, record_time=IN_2099).block(event("a", 3))
    objects = stream.watermark(CLOSED).block(event("a", 4)).through(job_of())
    assert contents(objects) == {
        f"{ACME}_p0_00000-of-00001.ndjson.gz": [event("a", 1), event("a", 3)],
        f"{ACME}_p1_00000-of-00001.ndjson.gz": [event("a", 4)],
    }
    assert sums(objects)["delivered"] == 3
    [letter] = ops_lines(objects, "dead_letters")
    assert (letter["reason"], letter["record"]) == ("no_time", untimed.decode())
    assert not [key for _, key in objects if "2099" in key]


def test_all_that_was_read_in_time_late_and_too_late_adds_up() -> None:
    opted_out = event("a", 3).replace(b"}", b',"integrations":{"S3 Event Logs":false}}')
    stream = Stream().block(event("a", 1), event("both", 2), opted_out, b"oops", b"", event("x", 4))
    stream.block(event("a", 5, None), event("a", 6), record_time=None).watermark(CLOSED)
    stream.block(event("both", 7), event("a", 8, TEN - 6_000)).wait()
    stream.watermark(EXPIRED).block(event("both", 9), event("x", 10), event("a", 11, EXPIRED))
    objects = stream.through(job_of())
    assert sums(objects) == {
        "read": 12,
        "matched": 6,
        "unmatched": 2,
        "opted_out": 1,
        "dead_letters": 3,
        "pairs": 8,
        "delivered": 8,
        "parked": 0,
    }
    letters = ops_lines(objects, "dead_letters")
    assert sorted(str(each["reason"]) for each in letters) == ["malformed", "no_time", "too_late"]
    delivered = [line for lines in contents(objects).values() for line in lines]
    assert sorted(delivered) == sorted(
        [event("a", 1), event("a", 6), event("a", 8, TEN - 6_000), event("a", 11, EXPIRED)]
        + 2 * [event("both", 2), event("both", 7)]
    )
    assert len(listed(objects)) == 6
