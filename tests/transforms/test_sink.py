import gzip

import apache_beam as beam
import pytest
from apache_beam.testing.util import assert_that, equal_to
from apache_beam.transforms.window import FixedWindows, IntervalWindow, TimestampedValue

from tests.pipelines import in_process
from tests.recording import open_recording, recording
from transforms import Configuration, WriteToS3Destinations
from transforms.records import Target
from transforms.sink import _PackBundle

CONFIGURATION = Configuration.model_validate(
    {
        "connections": [
            {"name": "acme", "bucket": "acme-bucket", "region": "us-east-1"},
            {"name": "beta", "bucket": "beta-bucket", "region": "eu-west-1"},
        ],
        "destinations": [
            {"name": "acme-web", "connection": "acme", "match": {"write_key": "a"}},
            {"name": "beta-web", "connection": "beta", "match": {"write_key": "b"}},
            {"name": "off", "connection": "beta", "match": {"write_key": "c"}, "enabled": False},
        ],
    }
)
TEN = 1_795_168_800  # 2026-11-20T10:00:00Z
EVENTS = [
    (TEN, ("acme-web", b'{"n":1}')),
    (TEN + 1, ("acme-web", b'{"n":2}')),
    (TEN + 601, ("acme-web", b'{"n":3}')),
    (TEN, ("beta-web", b'{"n":4}')),
]


def events(pipeline: beam.Pipeline, *more: tuple[int, tuple[str, bytes]]) -> "beam.PCollection":
    return (
        pipeline
        | beam.Create([*EVENTS, *more])
        | beam.MapTuple(lambda time, event: TimestampedValue(event, time))
        | beam.WindowInto(FixedWindows(600))
    )


def sink() -> WriteToS3Destinations:
    return WriteToS3Destinations(CONFIGURATION, "abcd2345", open_recording)


def test_any_pipelines_events_reach_their_destinations_buckets() -> None:
    with recording() as recorded:
        with in_process() as pipeline:
            written = events(pipeline) | sink()
            delivered = written.receipts | beam.Map(lambda r: (r.destination, r.events))
            assert_that(delivered, equal_to([("acme-web", 2), ("acme-web", 1), ("beta-web", 1)]))
        objects = {
            (bucket, key.rpartition("/")[2]): sorted(gzip.decompress(body).splitlines())
            for (bucket, key), body in recorded.objects().items()
        }
    assert objects == {
        (
            "acme-bucket",
            "acme-web_20261120T100000Z_20261120T101000Z_abcd2345-pdvv_p0_00000-of-00001.ndjson.gz",
        ): [b'{"n":1}', b'{"n":2}'],
        (
            "acme-bucket",
            "acme-web_20261120T101000Z_20261120T102000Z_abcd2345-pdvv_p0_00000-of-00001.ndjson.gz",
        ): [b'{"n":3}'],
        (
            "beta-bucket",
            "beta-web_20261120T100000Z_20261120T101000Z_abcd2345-tqot_p0_00000-of-00001.ndjson.gz",
        ): [b'{"n":4}'],
    }


def test_what_no_object_can_take_is_handed_back_with_the_reason() -> None:
    strays = [
        (TEN, ("nobody", b"{}")),
        (TEN, ("off", b"{}")),
        (TEN, ("acme-web", b'{"a":\n1}')),
    ]
    with recording(), in_process() as pipeline:
        written = events(pipeline, *strays) | sink()
        assert_that(
            written.rejected,
            equal_to(
                [
                    ("nobody", b"{}", "no enabled destination has this name"),
                    ("off", b"{}", "no enabled destination has this name"),
                    ("acme-web", b'{"a":\n1}', "holds a line feed"),
                ]
            ),
        )


def test_a_bundle_is_packed_before_it_fills_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("transforms.sink.BATCH_BYTES", 10)
    packer = _PackBundle({"acme-web": Target("acme-web", "abcd2345", "b")})
    packer.start_bundle()
    assert len([*packer.process(("acme-web", b"0123456789"), IntervalWindow(0, 600))]) == 1
    assert [*packer.finish_bundle()] == []
    with recording() as recorded:
        with in_process() as pipeline:
            events(pipeline) | sink()
        bodies = [gzip.decompress(body) for body in recorded.objects().values()]
    assert sorted(line for body in bodies for line in body.splitlines()) == [
        b'{"n":1}',
        b'{"n":2}',
        b'{"n":3}',
        b'{"n":4}',
    ]


def test_bundles_that_are_run_again_leave_the_same_objects() -> None:
    with recording() as recorded:
        with in_process("--direct_runner_bundle_repeat=1") as pipeline:
            events(pipeline) | sink()
        assert len(recorded.objects()) == 3


def test_events_that_are_not_windowed_are_refused_before_the_run() -> None:
    pipeline = in_process()
    with pytest.raises(ValueError, match="window the events first"):
        pipeline | beam.Create([("acme-web", b"{}")]) | sink()


def test_windows_shorter_than_a_second_are_refused_since_they_would_share_a_key() -> None:
    pipeline = in_process()
    events(pipeline) | "shorter" >> beam.WindowInto(FixedWindows(0.25)) | sink()
    with (
        recording() as recorded,
        pytest.raises((ValueError, RuntimeError), match="begin and end with a second"),
    ):
        pipeline.run()
    assert recorded.calls == []


def test_a_run_without_a_proper_id_is_refused() -> None:
    with pytest.raises(ValueError, match="8 lower-case letters or digits"):
        WriteToS3Destinations(CONFIGURATION, "../../x")
