import hashlib
import time
from collections.abc import Iterable, Mapping
from threading import Barrier, Lock

import apache_beam as beam
import msgspec
import pytest
from apache_beam.testing.util import assert_that, equal_to

from tests.pipelines import in_process
from tests.recording import open_recording, recording
from transforms.connection import Connection
from transforms.errors import PutError
from transforms.put import MAX_BYTES_IN_FLIGHT, Place, Put, put_part
from transforms.records import Part, Receipt, Target, Window
from transforms.store import Folder, PutRequest

TEN = Window(1_795_168_800, 1_795_169_400)
ACME = Connection(name="acme", bucket="acme-bucket", region="us-east-1")
PLACES: dict[str, Place] = {"acme": ACME, "receipts": Folder("/ops")}


def part(
    number: int = 0, body: bytes = b'{"a":1}\n', changed: Mapping[str, str] | None = None
) -> Part:
    target = Target("acme", "abcd2345", "acme-bucket", compression="none", revision="wxyz")
    target = msgspec.structs.replace(target, **changed or {})
    return Part(target, TEN, 0, number, f"key-{number}", body, 1, len(body))


def put_all(parts: Iterable[Part]) -> None:
    with in_process() as pipeline:
        pipeline | beam.Create(list(parts)) | Put(PLACES, open_recording)


def test_a_part_is_one_put_and_one_receipt() -> None:
    body = b'{"a":1}\n'
    expected = Receipt(
        destination="acme",
        run="abcd2345",
        revision="wxyz",
        window_start=TEN.start,
        window_end=TEN.end,
        pane=0,
        shard=0,
        part=0,
        bucket="acme-bucket",
        key="key-0",
        events=1,
        raw_bytes=8,
        stored_bytes=8,
        sha256=hashlib.sha256(body).hexdigest(),
        status="delivered",
    )
    with recording() as recorded:
        with in_process() as pipeline:
            receipts = pipeline | beam.Create([part()]) | Put(PLACES, open_recording)
            assert_that(receipts, equal_to([expected]))
        sha256 = hashlib.sha256(body).digest()
        assert recorded.calls == [
            ("acme-bucket", PutRequest("acme", "key-0", body, "application/x-ndjson", sha256))
        ]


@pytest.mark.parametrize(
    ("compression", "content_type"),
    [("gzip", "application/gzip"), ("none", "application/x-ndjson"), ("zstd", "application/zstd")],
)
def test_the_content_type_says_what_is_stored(compression: str, content_type: str) -> None:
    with recording() as recorded:
        put_all([part(changed={"compression": compression})])
    assert [request.content_type for _, request in recorded.calls] == [content_type]


def test_a_refused_put_fails_the_bundle_and_says_whose_it_was() -> None:
    with (
        recording(refuse=("acme-bucket",)),
        pytest.raises(PutError, match="destination acme: acme-bucket refuses everything"),
    ):
        put_all(part(number) for number in range(100))


@pytest.mark.parametrize("change", [{"bucket": "former-bucket"}, {"owner": "123456789012"}])
def test_an_object_never_follows_a_reused_name_into_another_bucket(change: dict[str, str]) -> None:
    with recording() as recorded, pytest.raises(PutError, match="stays out of acme-bucket"):
        put_all([part(changed=change)])
    assert recorded.calls == []


def test_many_puts_are_in_flight_at_once() -> None:
    with in_process() as pipeline:
        pipeline | beam.Create([part(n) for n in range(8)]) | Put(PLACES, _open_waiting)
    assert not _all_of_eight.broken


_all_of_eight = Barrier(8, timeout=20)


class _WaitingStore:
    def put(self, request: PutRequest) -> None:  # noqa: ARG002 - the protocol's
        _all_of_eight.wait()


def _open_waiting(place: Place) -> _WaitingStore:  # noqa: ARG001 - the protocol's
    return _WaitingStore()


def test_bodies_in_flight_are_bounded() -> None:
    body = bytes(MAX_BYTES_IN_FLIGHT // 4)
    _held[:] = [0]
    with in_process() as pipeline:
        numbers = pipeline | beam.Create(list(range(8)))
        numbers | beam.Map(lambda n: part(n, body)) | Put(PLACES, _open_counting)
    assert 1 < max(_held) <= 4
    assert len(_held) == 1 + 2 * 8


_held: list[int] = []  # how many were held, after each change
_holding = Lock()


class _CountingStore:
    def put(self, request: PutRequest) -> None:  # noqa: ARG002 - the protocol's
        for step in (1, -1):
            with _holding:
                _held.append(_held[-1] + step)
            time.sleep(0.05)


def _open_counting(place: Place) -> _CountingStore:  # noqa: ARG001 - the protocol's
    return _CountingStore()


def test_put_part_counts_what_is_stored() -> None:
    with recording():
        receipt = put_part(part(3, b"12345"), open_recording(ACME))
    assert (receipt.part, receipt.stored_bytes, receipt.sha256) == (
        3,
        5,
        hashlib.sha256(b"12345").hexdigest(),
    )
