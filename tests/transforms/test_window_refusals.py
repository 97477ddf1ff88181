"""What no window can take, and what a stream's clocks may do."""

import datetime as dt
from collections.abc import Iterator

import apache_beam as beam
import msgspec
import pytest
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.testing.util import assert_that, equal_to
from hypothesis import given
from hypothesis import strategies as st

from transforms.dead_letters import DeadLetters
from transforms.destination import Destination, Match
from transforms.envelope import EnvelopeDecoder
from transforms.fixed_windows import NO_WINDOW, Windows
from transforms.kafka.watermark import LOWEST_SECONDS
from transforms.pack import DEAD_LETTERS, TALLIES, Pack, pack, tally
from transforms.parse import parse
from transforms.records import Block, Tally, Target
from transforms.route import Routed, route
from transforms.routing_table import RoutingTable
from transforms.window import Lateness, Placed, ops_time, place

TEN = 1_795_168_800  # 2026-11-20T10:00:00Z
DAY = 86_400
WINDOWS = Windows(600)
DESTINATIONS = [
    Destination(name="acme", connection="c", match=Match(write_key=("k",))),
    Destination(name="beta", connection="c", match=Match(write_key=("k",))),
]
TARGETS = [Target("acme", "abcd2345", "a"), Target("beta", "abcd2345", "b")]


def event(time: int | None) -> bytes:
    if time is None:
        return b'{"writeKey":"k"}'
    said = dt.datetime.fromtimestamp(time, dt.timezone.utc).isoformat()
    return b'{"writeKey":"k","receivedAt":"%s"}' % said.encode()


def routed(*lines: bytes, record_time: int | None = TEN, watermark: int | None = None) -> Routed:
    block = Block("topic-3", 0, list(lines), 40, record_time, range(40, 99), watermark)
    parsed = parse(block, EnvelopeDecoder(("receivedAt",)), 2**20)
    return route(parsed, RoutingTable(DESTINATIONS, TARGETS))


def placed(
    *lines: bytes, record_time: int | None = TEN, watermark: int | None = None, lateness: int = DAY
) -> Placed:
    block = routed(*lines, record_time=record_time, watermark=watermark)
    return place(block, WINDOWS, Lateness(lateness))


def starts(placed: Placed) -> list[int]:
    return [WINDOWS.window(number).start for number in placed.numbers]


def test_an_event_whose_window_has_expired_is_one_dead_letter_with_its_bytes_and_position() -> None:
    late, in_time, stranger = event(TEN - 1), event(TEN), b'{"writeKey":"x"}\r'
    late = late[:-1] + b' ,"n":"\\ud83d"} \r'
    found = placed(stranger, in_time, late, in_time, watermark=TEN + DAY, record_time=TEN + DAY)
    assert [
        (x.source, x.position, x.stage, x.reason, x.record, x.record_time)
        for x in found.routed.dead_letters
    ] == [("topic-3", 42, "window", "too_late", late, TEN + DAY)]
    detail = found.routed.dead_letters[0].detail
    for said in ("2026-11-20T09:50:00Z to 2026-11-20T10:00:00Z", "86400 s", "2026-11-21T10:00:00Z"):
        assert said in detail
    assert found.routed.events == [in_time, in_time]
    assert starts(found) == [TEN, TEN]
    assert list(found.routed.indices) == [1, 3]
    assert [time and time.timestamp() for time in found.routed.times] == [TEN, TEN]


@pytest.mark.parametrize(("watermark", "is_late"), [(TEN + 659, False), (TEN + 660, True)])
def test_a_window_takes_events_until_the_watermark_reaches_its_end_and_the_lateness(
    watermark: int,
    is_late: bool,  # noqa: FBT001 - a table of cases
) -> None:
    found = placed(event(TEN), watermark=watermark, lateness=60)
    assert [x.reason for x in found.routed.dead_letters] == ["too_late"] * is_late


def test_bounded_input_is_never_too_late() -> None:
    found = placed(event(0), event(TEN), lateness=1)
    assert found.routed.dead_letters == []
    assert starts(found) == [0, TEN]


def test_sums_hold_where_events_of_several_destinations_are_refused() -> None:
    found = placed(event(0), event(TEN), b'{"writeKey":"x"}', b"oops", b"", event(1), watermark=TEN)
    counted = tally(found.routed)
    assert (counted.read, counted.matched, counted.unmatched) == (5, 1, 1)
    assert counted.dead_letters == {"malformed": 1, "too_late": 2}
    assert counted.pairs == {"acme": 1, "beta": 1}
    assert [piece.events for _, _, piece in pack(found, WINDOWS)] == [1, 1]


@pytest.mark.parametrize("record_time", [None, -(10**14), 10**14])
@pytest.mark.parametrize("watermark", [None, TEN])
def test_an_event_without_any_usable_time_is_a_dead_letter(
    record_time: int | None, watermark: int | None
) -> None:
    far = b'{"writeKey":"k","receivedAt":"9999-12-31T23:59:59Z"}'
    found = placed(event(None), event(TEN), far, record_time=record_time, watermark=watermark)
    assert [(x.position, x.stage, x.reason, x.record) for x in found.routed.dead_letters] == [
        (40, "window", "no_time", event(None)),
        (42, "window", "no_time", far),
    ]
    assert found.routed.events == [event(TEN)]
    assert starts(found) == [TEN]


def test_in_a_stream_a_clock_that_is_ahead_too_far_is_not_believed() -> None:
    lines = [event(TEN + ahead) for ahead in (3_600, 3_601, 10**8, 0, 3_600, 3_601)]
    found = placed(*lines, watermark=TEN - 60)
    assert starts(found) == [TEN + 3_600, TEN, TEN, TEN, TEN + 3_600, TEN]
    assert starts(placed(*lines))[1:3] == [TEN + 3_600, TEN + 10**8 - 400]  # not in a stream


@pytest.mark.parametrize(
    ("watermark", "partition_found"),
    [(TEN, None), (LOWEST_SECONDS, TEN), (TEN - 900 * DAY, TEN), (TEN, TEN - DAY)],
)
def test_a_record_of_2099_is_a_dead_letter_unless_its_event_knows_better(
    watermark: int, partition_found: int | None
) -> None:
    in_2099 = TEN + 73 * 365 * DAY
    lines = [event(None), event(TEN), event(in_2099)]
    stream = routed(*lines, record_time=in_2099, watermark=watermark)
    block = msgspec.structs.replace(stream.block, found=partition_found)
    found = place(msgspec.structs.replace(stream, block=block), WINDOWS, Lateness(9**9))
    letter = found.routed.dead_letters[0]
    assert "ahead of 2026-11-20T10:00:00Z, to which the stream has come" in letter.detail
    assert ops_time(block, WINDOWS, Lateness(9**9)) == TEN
    assert [(x.position, x.stage, x.reason) for x in found.routed.dead_letters] == [
        (40, "window", "no_time"),
        (42, "window", "no_time"),
    ]
    assert "2099-11-02T10:00:00Z is more than a year ahead" in found.routed.dead_letters[0].detail
    assert starts(found) == [TEN]


@pytest.mark.parametrize("watermark", [None, LOWEST_SECONDS, TEN - 364 * DAY])
def test_nothing_is_too_far_ahead_of_what_is_not_known_or_within_a_year(
    watermark: int | None,
) -> None:
    found = placed(event(None), watermark=watermark)
    assert found.routed.dead_letters == []
    assert starts(found) == [TEN]


@given(
    st.lists(st.integers(TEN - 2_000, TEN + 2_000) | st.none()), st.integers(TEN - 999, TEN + 999)
)
def test_the_bound_holds_to_the_second_wherever_it_lies_in_a_window(
    times: list[int | None], latest: int
) -> None:
    own = [t if t is None else dt.datetime.fromtimestamp(t, dt.timezone.utc) for t in times]
    believed = [TEN if t is None or t > latest else t for t in times]
    assert WINDOWS.numbers(own, TEN, latest) == [t // 600 for t in believed]
    assert WINDOWS.numbers(own, None, latest) == [
        NO_WINDOW if t is None or t > latest else t // 600 for t in times
    ]


@pytest.mark.parametrize(
    ("record_time", "watermark", "time"),
    [
        (TEN, None, TEN),
        (TEN, TEN + 60, TEN),
        (None, None, 0),
        (10**14, None, 0),
        (None, TEN, TEN),  # at 0 a runner would drop it
        (TEN - 2 * DAY, TEN, TEN),
        (TEN + 370 * DAY, TEN, TEN),  # there it would wait until then
    ],
)
def test_what_is_told_of_a_block_is_never_dropped_as_late_either(
    record_time: int | None, watermark: int | None, time: int
) -> None:
    block = Block("t", 0, [], 0, record_time, None, watermark)
    assert ops_time(block, WINDOWS, Lateness()) == time


def test_the_stage_gives_dead_letters_and_tallies_at_1970_where_there_is_no_time() -> None:
    block = routed(event(None), event(TEN), record_time=None)
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        packed = pipeline | beam.Create([block]) | Pack(600)
        letters = packed[DEAD_LETTERS] | "letters" >> beam.FlatMap(_stamped)
        tallies = packed[TALLIES] | "tallies" >> beam.Map(_counted)
        assert_that(letters, equal_to([("no_time", 0)]), "the letters")
        assert_that(tallies, equal_to([(2, 1, 0)]), "the tallies")
    assert packed[DEAD_LETTERS].element_type is DeadLetters


def test_the_stage_takes_lateness_and_skew() -> None:
    block = routed(event(TEN), event(TEN + 61), watermark=TEN + 601)
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        packed = pipeline | beam.Create([block]) | Pack(60, lateness=Lateness(542, 60))
        windows = packed.pieces | "pieces" >> beam.Map(_start)
        assert_that(windows, equal_to([TEN, TEN]), "both at the record time")
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        packed = pipeline | beam.Create([block]) | Pack(60, lateness=Lateness(541))
        windows = packed.pieces | "pieces" >> beam.Map(_start)
        assert_that(windows, equal_to([TEN + 60, TEN + 60]), "the second alone")


def _stamped(
    letters: DeadLetters, timestamp: float = beam.DoFn.TimestampParam
) -> Iterator[tuple[str, float]]:
    for letter in letters:
        yield letter.reason, timestamp


def _counted(counted: Tally, timestamp: float = beam.DoFn.TimestampParam) -> tuple[int, int, float]:
    return counted.read, counted.matched, timestamp


def _start(_piece: object, timestamp: float = beam.DoFn.TimestampParam) -> float:
    return timestamp
