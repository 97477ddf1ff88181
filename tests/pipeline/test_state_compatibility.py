"""What lies in savepoints: whoever changes one of these breaks the upgrade of running jobs."""

import apache_beam as beam
import msgspec
import pytest
from apache_beam.portability import common_urns
from apache_beam.portability.api import beam_runner_api_pb2

from pipeline.build import build
from pipeline.job import Job, KafkaInput, Reading
from tests.small_job import CONFIGURATION
from transforms.coders import StructCoder
from transforms.kafka.discovery import Given
from transforms.kafka.offsets import OffsetRange
from transforms.kafka.partitions import Partition
from transforms.kafka.settings import KafkaSettings
from transforms.kafka.watermark import WatermarkState
from transforms.places import OpsPath
from transforms.quiet_stream import QuietFrom
from transforms.records import Part, Piece, Receipt, Target, Window
from transforms.store import Folder

TARGET = Target("acme-web", "abcd2345", "acme-bucket", revision="2idy")
RECORDS: list[tuple[msgspec.Struct, bytes]] = [
    (
        TARGET,
        (
            b"\x9b\xa8acme-web\xa8abcd2345\xabacme-bucket\xc0\xa0\xa5plain\xa4gzip\xce\x04\x00\x00\x00"
            b"\x01\x00\xa42idy"
        ),
    ),
    (Piece("clicks/0", 7, 2, 100, 5, b"x"), b"\x96\xa8clicks/0\x07\x02d\x05\xc4\x01x"),
    (
        Part(TARGET, Window(0, 600), 0, 0, "k", b"x", 1, 2),
        (
            b"\x89\xa6target\x9b\xa8acme-web\xa8abcd2345\xabacme-bucket\xc0\xa0\xa5plain\xa4gzip\xce\x04"
            b"\x00\x00\x00\x01\x00\xa42idy\xa6window\x92\x00\xcd\x02X\xa4pane\x00\xa4part\x00\xa3key\xa1k"
            b"\xa4body\xc4\x01x\xa6events\x01\xa9raw_bytes\x02\xa4kind\xa6events"
        ),
    ),
    (OffsetRange(5), b"\x92\x05\xc0"),
    (WatermarkState(5), b"\x91\x05"),
    (Given((("clicks", 4),)), b"\x91\x91\x92\xa6clicks\x04"),
    (QuietFrom("abcd2345", 7), b"\x92\xa8abcd2345\x07"),
    (
        Partition("clicks", 0, 0, None, "", "abcd2345"),
        b"\x97\xa6clicks\x00\x00\xc0\xa0\xa8abcd2345\xc0",
    ),
]


RECEIPT = {
    "destination": str,
    "run": str,
    "revision": str,
    "window_start": int,
    "window_end": int,
    "pane": int,
    "shard": int,
    "part": int,
    "bucket": str,
    "key": str,
    "events": int,
    "raw_bytes": int,
    "stored_bytes": int,
    "sha256": str,
}
"""What a receipt had from the first; what was added since has a default."""


def stream() -> beam_runner_api_pb2.Pipeline:
    partition = Partition("clicks", 0, 0, None, "", "abcd2345")
    job = Job(
        configuration=CONFIGURATION,
        files=(),
        reading=Reading(),
        run="abcd2345",
        ops=OpsPath(Folder("/ops")),
        kafka=KafkaInput(KafkaSettings("localhost:9092"), (partition,)),
        stable_input="checkpoint",
    )
    pipeline = beam.Pipeline()
    build(pipeline, job)
    return pipeline.to_runner_api()


def keeps_state(step: beam_runner_api_pb2.PTransform) -> bool:
    if step.spec.urn == common_urns.primitives.GROUP_BY_KEY.urn:
        return True
    if step.spec.urn != common_urns.primitives.PAR_DO.urn:
        return False
    payload = beam_runner_api_pb2.ParDoPayload.FromString(step.spec.payload)
    return bool(payload.requires_stable_input or payload.restriction_coder_id)


def test_steps_that_keep_state_have_the_names_that_savepoints_know() -> None:
    steps = stream().components.transforms.values()
    assert {step.unique_name for step in steps if keeps_state(step)} == {
        "read/Partitions",
        "read/Blocks",
        "quiet/Windows",
        "group",
        "put/stable",
        "manifest/by window",
        "put manifests/stable",
        "group receipts",
        "put receipts/stable",
    }


@pytest.mark.parametrize(("record", "encoded"), RECORDS)
def test_records_are_written_as_savepoints_have_them(
    record: msgspec.Struct, encoded: bytes
) -> None:
    assert StructCoder(type(record)).encode(record) == encoded
    assert StructCoder(type(record)).decode(encoded) == record


def test_coders_are_found_where_savepoints_look_for_them() -> None:
    found = {type(record).__module__ + "." + type(record).__name__ for record, _ in RECORDS}
    assert found == {
        "transforms.kafka.discovery.Given",
        "transforms.kafka.offsets.OffsetRange",
        "transforms.kafka.partitions.Partition",
        "transforms.kafka.watermark.WatermarkState",
        "transforms.quiet_stream.QuietFrom",
        "transforms.records.Part",
        "transforms.records.Piece",
        "transforms.records.Target",
    }


def test_a_partition_of_an_older_version_can_be_read() -> None:
    found = StructCoder(Partition).decode(b"\x96\xa6clicks\x00\x00\xc0\xa0\xa8abcd2345")
    assert found == Partition("clicks", 0, 0, None, "", "abcd2345")


def test_a_receipt_of_an_older_version_can_be_read() -> None:
    receipt = msgspec.convert(
        {name: "" if kind is str else 0 for name, kind in RECEIPT.items()} | {"status": "parked"},
        Receipt,
    )
    assert receipt.kind == "events"
