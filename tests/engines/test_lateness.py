"""Records and events out of order, late, too late, and ahead of time, on an engine that runs."""

import time
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import pytest

from examples.demo.s3_server import S3Server
from examples.engines.kafka_broker import KafkaBroker
from tests.engines.left import Left, numbers
from tests.engines.live_stream import BEGIN_SECONDS, PARTITIONS, WINDOW_SECONDS, LiveStream
from tests.engines.sender import Sender, Sent

BUCKET: Final = "lateness-beta"  # of `all`, with one shard
OUT_OF_ORDERNESS: Final = 8
LATENESS: Final = 120
SKEW: Final = 60
IN_2099: Final = 4_080_000_000

_OPTIONS: Final = (
    f"--max_out_of_orderness={OUT_OF_ORDERNESS}s",
    f"--allowed_lateness={LATENESS}s",
    f"--max_clock_skew={SKEW}s",
)


class Told(NamedTuple):
    """What was sent, by what was odd about it, and what became of all.

    Attributes:
        closed: A time whose window had closed when the odd ones were sent.
        in_order: Those whose record times jump about within what is allowed.
        late_record: Of `closed` by its record time.
        late_event: Of `closed` by its own time.
        too_late: Its own time is out of the allowed lateness.
        ahead: Its own time is ahead of the record's by less than the skew.
        far_ahead: And by more.
        record_of_2099: An event that tells no time, in a record of 2099.
        event_in_2099: An event of now in such a record.
        after: What came after all these, in order.
    """

    sent: dict[int, Sent]
    left: Left
    closed: float
    in_order: list[int]
    late_record: int
    late_event: int
    too_late: int
    ahead: int
    far_ahead: int
    record_of_2099: int
    event_in_2099: int
    after: list[int]

    def objects(self) -> dict[str, list[int]]:
        """By key, the numbers in the objects of `all`."""
        return {
            key: numbers((bucket, key), body)
            for (bucket, key), body in self.left.stored.items()
            if bucket == BUCKET and not key.endswith(".json")
        }

    def key_of(self, number: int) -> str:
        """The one object of `all` that has a number."""
        [key] = [key for key, found in self.objects().items() if number in found]
        return key


@pytest.fixture(scope="module")
def told(
    s3_server: S3Server, broker: KafkaBroker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Told]:
    """One stream, into which all is sent."""
    folder = tmp_path_factory.mktemp("lateness")
    with LiveStream(s3_server, broker, folder, "lateness", *_OPTIONS) as stream:
        sender = Sender(broker, stream.topic)
        sender.send_now()
        stream.await_puts(BUCKET, BEGIN_SECONDS)
        closed = time.time()
        in_order = _send_jumbled(sender, closed, 2 * WINDOW_SECONDS)
        stream.wait(lambda: _listed(stream, closed), 60, "the window's manifest")
        odd = {
            "late_record": sender.send(closed),
            "late_event": sender.send(time.time(), closed),
            "too_late": sender.send(time.time(), time.time() - LATENESS - 60),
            "ahead": sender.send(time.time(), time.time() + SKEW / 2),
            "far_ahead": sender.send(time.time(), time.time() + 10 * SKEW),
            "record_of_2099": sender.send(IN_2099),
            "event_in_2099": sender.send(IN_2099, time.time()),
        }
        after = _send_jumbled(sender, time.time(), WINDOW_SECONDS)
        wanted = sender.sent.keys() - {odd["too_late"], odd["record_of_2099"]}
        stream.wait(lambda: _delivered(stream.job.look()) >= wanted, 120, "all that can be")
        stream.wait(lambda: _tallied(stream.job.look()) == len(sender.sent), 60, "all tallies")
        yield Told(sender.sent, stream.job.look(), closed, in_order, after=after, **odd)


def _send_jumbled(sender: Sender, begun: float, seconds: float) -> list[int]:
    """For so long, records that are up to three seconds older than one before them."""
    sent: list[int] = []
    while (now := time.time()) < begun + seconds:
        older = 3 * (len(sent) % 3) / 2
        sent.append(sender.send(max(begun, now - older), partition=len(sent) % PARTITIONS))
        time.sleep(0.1)
    return sent


def _window(moment: float) -> str:
    start = int(moment) // WINDOW_SECONDS * WINDOW_SECONDS
    stamps = (time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(at)) for at in (start, start + 10))
    return "_".join(stamps)


def _listed(stream: LiveStream, moment: float) -> bool:
    stored = stream.job.look().stored
    return any(f"_all_{_window(moment)}" in key for _, key in stored)


def _delivered(left: Left) -> set[int]:
    return set(left.by_manifests()["all"])


def _tallied(left: Left) -> int:
    tallies = {(each["source"], each["first"]): each["read"] for each in left.ops_lines("tallies")}
    return sum(tallies.values())


def _letter(told: Told, number: int) -> dict[str, Any]:
    sent = told.sent[number]
    [letter] = [
        each
        for each in told.left.ops_lines("dead_letters")
        if (each["source"], each["position"]) == (f"lateness/{sent.partition}", sent.offset)
    ]
    return letter


def test_all_but_two_are_delivered_once(told: Told) -> None:
    wanted = Counter(told.sent.keys() - {told.too_late, told.record_of_2099})
    assert told.left.by_listing()["all"] == wanted
    assert told.left.by_manifests()["all"] == wanted
    assert told.left.by_manifests()["app"] == wanted
    assert len(told.left.ops_lines("dead_letters")) == 2


def test_records_out_of_order_within_what_is_allowed_are_not_late(told: Told) -> None:
    for key, found in told.objects().items():
        if set(found) & {*told.in_order, *told.after}:
            assert "_p0_" in key, (key, found)


def test_a_record_of_a_window_that_has_closed_comes_alone_in_a_later_pane(told: Told) -> None:
    keys = {told.key_of(told.late_record), told.key_of(told.late_event)}
    held = [number for key in keys for number in told.objects()[key]]
    assert sorted(held) == [told.late_record, told.late_event]
    for key in keys:
        assert f"_{_window(told.closed)}_" in key
        assert "_p0_" not in key


def test_a_later_pane_has_a_manifest_of_its_own(told: Told) -> None:
    late = {told.key_of(told.late_record), told.key_of(told.late_event)}
    panes = [
        {each["url"] for each in manifest["objects"]}
        for manifest in told.left.manifests(f"_all_{_window(told.closed)}")
    ]
    urls = {f"s3://{BUCKET}/{key}" for key in late}
    assert len(panes) >= 2
    assert all(pane <= urls or not pane & urls for pane in panes)


def test_an_event_older_than_the_allowed_lateness_is_a_dead_letter_with_its_bytes(
    told: Told,
) -> None:
    letter = _letter(told, told.too_late)
    assert (letter["stage"], letter["reason"]) == ("window", "too_late")
    assert letter["record"].encode() == told.sent[told.too_late].value


def test_an_event_ahead_of_its_record_is_believed_within_the_clock_skew(told: Told) -> None:
    assert f"_{_window(told.sent[told.ahead].own_time or 0)}_" in told.key_of(told.ahead)


def test_an_event_further_ahead_goes_by_its_record(told: Told) -> None:
    assert f"_{_window(told.sent[told.far_ahead].record_time)}_" in told.key_of(told.far_ahead)


def test_an_event_of_now_in_a_record_of_2099_goes_by_its_own_time(told: Told) -> None:
    own_time = told.sent[told.event_in_2099].own_time or 0
    assert f"_{_window(own_time)}_" in told.key_of(told.event_in_2099)


def test_a_record_of_2099_that_tells_no_time_is_a_dead_letter(told: Told) -> None:
    letter = _letter(told, told.record_of_2099)
    assert (letter["stage"], letter["reason"]) == ("window", "no_time")
    assert letter["record"].encode() == told.sent[told.record_of_2099].value


def test_nothing_of_ours_waits_for_2099(told: Told) -> None:
    files = [path.name for path in told.left.ops.rglob("*") if path.is_file()]
    assert files
    assert not [name for name in files if "2099" in name]
