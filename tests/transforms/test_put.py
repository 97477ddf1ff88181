import hashlib
import threading
import time
from collections.abc import Iterable, Mapping
from threading import Barrier, Lock

import apache_beam as beam
import msgspec
import pytest
from apache_beam.testing.util import assert_that, equal_to

from tests.pipelines import in_process
from tests.recording import open_recording, recording
from transforms.configuration import Configuration, Connection, Destination, Match
from transforms.edition import Edition
from transforms.errors import PutError
from transforms.lanes import MAX_BYTES
from transforms.parked import decode_parked, parked_head
from transforms.places import OpsPath, Place
from transforms.put import Put
from transforms.records import Part, Receipt, Target, Window
from transforms.store import Folder, PutRequest, Store

TEN = Window(1_795_168_800, 1_795_169_400)
ACME = Connection(
    name="acme", bucket="acme-bucket", region="us-east-1", server_side_encryption="AES256"
)
NAMES = [f"acme-{number}" for number in range(8)]
CONFIGURATION = Configuration(
    connections=(ACME, ACME.model_copy(update={"name": "beta", "bucket": "beta-bucket"})),
    destinations=tuple(
        Destination(name=name, connection=name[:4], match=Match(write_key=("k",)))
        for name in ("acme", "beta", *NAMES)
    ),
)
EDITION = Edition(CONFIGURATION, "abcd2345", {"receipts": Folder("/ops")})
PARKING = OpsPath(Folder("/ops"), "logs")


def part(
    number: int = 0, body: bytes = b'{"a":1}\n', changed: Mapping[str, str] | None = None
) -> Part:
    target = Target("acme", "abcd2345", "acme-bucket", compression="none", revision="wxyz")
    target = msgspec.structs.replace(target, **changed or {})
    return Part(target, TEN, 0, number, f"key-{number}", body, 1, len(body))


def put_all(parts: Iterable[Part], parking: OpsPath | None = PARKING) -> list[Receipt]:
    _receipts.clear()
    with in_process() as pipeline:
        receipts = pipeline | beam.Create(list(parts)) | Put(EDITION, open_recording, parking)
        receipts | beam.Map(_keep)
    return _receipts.copy()


_receipts: list[Receipt] = []


def _keep(settled: tuple[Target, Receipt]) -> None:
    _receipts.append(settled[1])


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
        kind="events",
        reason="",
    )
    with recording() as recorded:
        with in_process() as pipeline:
            receipts = pipeline | beam.Create([part()]) | Put(EDITION, open_recording)
            assert_that(receipts, equal_to([(part().target, expected)]))
        sha256 = hashlib.sha256(body).digest()
        assert recorded.calls == [
            ("acme-bucket", PutRequest("acme", "key-0", body, "application/x-ndjson", sha256))
        ]


@pytest.mark.parametrize(
    ("changed", "content_type"),
    [
        ({"compression": "gzip"}, "application/gzip"),
        ({"compression": "none"}, "application/x-ndjson"),
        ({"compression": "zstd"}, "application/zstd"),
    ],
)
def test_the_content_type_says_what_is_stored(changed: dict[str, str], content_type: str) -> None:
    with recording() as recorded:
        put_all([part(changed=changed)])
    assert [request.content_type for _, request in recorded.calls] == [content_type]


def test_a_manifest_is_stored_as_json() -> None:
    with recording() as recorded:
        put_all([msgspec.structs.replace(part(), kind="manifest")])
    assert [request.content_type for _, request in recorded.calls] == ["application/json"]


def test_a_refused_object_is_parked_whole_with_what_was_sent_and_answered() -> None:
    body = b'{"a":1}\n'
    with recording(refuse=("acme-bucket",)) as recorded:
        [receipt] = put_all([part(3, body)])
    assert (receipt.status, receipt.key) == ("parked", "key-3")
    assert receipt.reason == "S3 answered: acme-bucket refuses everything"
    [(bucket, request)] = recorded.calls
    assert bucket == "/ops"
    assert request.key == "logs/parked/acme/key-3.hd7izmew3txjacz3.avro"
    record, kept = decode_parked(request.body)
    assert kept == body
    assert parked_head(request.body[: -len(body)]) == record
    assert (record.destination, record.bucket, record.key) == ("acme", "acme-bucket", "key-3")
    assert (record.events, record.raw_bytes, record.stored_bytes) == (1, 8, 8)
    assert (record.run, record.revision, record.window) == ("abcd2345", "wxyz", TEN)
    assert record.sha256 == hashlib.sha256(body).hexdigest()
    assert record.headers == {"ServerSideEncryption": "AES256"}
    assert (record.error, record.transient) == ("acme-bucket refuses everything", False)


def test_after_a_refusal_the_others_of_its_destination_are_parked_unsent() -> None:
    with recording(refuse=("acme-bucket",)) as recorded:
        others = [part(n, changed={"destination": "beta", "bucket": "beta-bucket"}) for n in (8, 9)]
        receipts = put_all([*map(part, range(8)), *others])
    statuses = sorted((receipt.destination, receipt.status) for receipt in receipts)
    assert statuses == [("acme", "parked")] * 8 + [("beta", "delivered")] * 2
    parked = [decode_parked(r.body)[0] for bucket, r in recorded.calls if bucket == "/ops"]
    assert sorted(record.attempts for record in parked) == [0] * 7 + [1]


def test_without_a_place_to_park_a_refused_put_fails_the_bundle_and_says_whose_it_was() -> None:
    with (
        recording(refuse=("acme-bucket",)),
        pytest.raises(PutError, match=r"destination acme: cannot put key-.* refuses everything"),
    ):
        put_all((part(number) for number in range(100)), parking=None)


def test_an_object_that_cannot_be_parked_either_fails_the_bundle() -> None:
    with (
        recording(refuse=("acme-bucket", "/ops")),
        pytest.raises(PutError, match=r"and it cannot be parked in /ops: .*/ops refuses"),
    ):
        put_all([part()])


def test_the_operators_own_objects_are_never_parked() -> None:
    receipts = {"destination": "receipts", "bucket": "/ops"}
    with recording(refuse=("/ops",)), pytest.raises(PutError, match="destination receipts"):
        put_all([part(changed=receipts)])


@pytest.mark.parametrize("change", [{"bucket": "former-bucket"}, {"owner": "123456789012"}])
def test_an_object_never_follows_a_reused_name_into_another_bucket(change: dict[str, str]) -> None:
    with recording() as recorded:
        [receipt] = put_all([part(changed=change)])
    assert [bucket for bucket, _ in recorded.calls] == ["/ops"]
    assert receipt.status == "parked"
    assert "destination changed" in receipt.reason
    assert "stays out of bucket acme-bucket" in receipt.reason


def test_an_object_whose_destination_is_gone_is_parked() -> None:
    with recording() as recorded:
        [receipt] = put_all([part(changed={"destination": "former"})])
    assert [bucket for bucket, _ in recorded.calls] == ["/ops"]
    assert "destination removed" in receipt.reason


def test_many_puts_are_in_flight_at_once() -> None:
    parts = [part(n, changed={"destination": NAMES[n]}) for n in range(8)]
    with in_process() as pipeline:
        pipeline | beam.Create(parts) | Put(EDITION, _open_waiting)
    assert not _all_of_eight.broken


_all_of_eight = Barrier(8, timeout=20)


class _WaitingStore:
    def put(self, request: PutRequest, deadline: float | None = None) -> None:  # noqa: ARG002
        _all_of_eight.wait()


def _open_waiting(place: Place) -> _WaitingStore:  # noqa: ARG001 - the protocol's
    return _WaitingStore()


def test_bodies_in_flight_are_bounded() -> None:
    body = bytes(MAX_BYTES // 4 - 2**16)
    _held[:] = [0]
    with in_process() as pipeline:
        numbers = pipeline | beam.Create(list(range(8)))
        parts = numbers | beam.Map(lambda n: part(n, body, {"destination": NAMES[n]}))
        parts | Put(EDITION, _open_counting)
    assert 1 < max(_held) <= 4
    assert len(_held) == 1 + 2 * 8


_held: list[int] = []  # how many were held, after each change
_holding = Lock()


class _CountingStore:
    def put(self, request: PutRequest, deadline: float | None = None) -> None:  # noqa: ARG002
        for step in (1, -1):
            with _holding:
                _held.append(_held[-1] + step)
            time.sleep(0.05)


def _open_counting(place: Place) -> _CountingStore:  # noqa: ARG001 - the protocol's
    return _CountingStore()


def test_a_bundle_does_not_wait_longer_than_the_deadline_for_a_put_that_hangs() -> None:
    began = time.monotonic()
    with recording() as recorded, in_process() as pipeline:
        parts = pipeline | beam.Create([part(0), part(1)])
        parts | Put(EDITION, _open_hanging, PARKING, deadline_seconds=0.5)
    _released.set()
    assert time.monotonic() - began < 10
    parked = [decode_parked(request.body)[0] for _, request in recorded.calls]
    assert sorted(record.key for record in parked) == ["key-0", "key-1"]
    assert all("nothing within 0.5 s; it may still be stored" in each.error for each in parked)
    assert all(each.transient for each in parked)


_released = threading.Event()


class _HangingStore:
    def put(self, request: PutRequest, deadline: float | None = None) -> None:  # noqa: ARG002
        _released.wait()


def _open_hanging(place: Place) -> Store:
    return open_recording(place) if isinstance(place, Folder) else _HangingStore()
