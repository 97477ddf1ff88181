"""What the stages make of a block of Kafka records."""

import datetime as dt
from typing import Final

import pytest

from transforms.envelope import EnvelopeDecoder
from transforms.fixed_windows import Windows
from transforms.kafka.blocks import BlockCutter, Common, Records
from transforms.parse import parse
from transforms.records import Block
from transforms.route import Routed
from transforms.window import Lateness, place

TEN: Final = 1_795_168_800  # 2026-11-20T10:00:00Z


def block(values: list[bytes | None], times: list[int], watermark: int | None = TEN) -> Block:
    cutter = BlockCutter(Common("clicks/3", "run00000", watermark), 100, 10**6)
    return cutter.block(Records(range(len(values)), values, [time * 1000 for time in times]))


def windows_of(events: list[dt.datetime | None], given: Block) -> list[int]:
    routed = Routed(
        block=given,
        events=given.lines,
        indices=range(len(events)),
        times=events,
        matches=[(0,)] * len(events),
        blank=0,
        unmatched=0,
        opted_out=0,
        dead_letters=[],
    )
    return place(routed, Windows(600), Lateness(max_clock_skew=3600)).numbers


def test_what_has_no_value_is_a_dead_letter_with_its_position() -> None:
    parsed = parse(block([b"{}", None, b"", b" \n"], [TEN] * 4), EnvelopeDecoder(("t",)), 100)
    assert [(each.position, each.reason, each.record) for each in parsed.dead_letters] == [
        (1, "tombstone", b""),
        (2, "empty", b""),
        (3, "empty", b" \n"),
    ]
    assert (parsed.events, parsed.blank) == ([b"{}"], 0)


def test_a_dead_letter_has_the_time_of_its_own_record() -> None:
    parsed = parse(block([b"{}", b"x"], [TEN, TEN + 5]), EnvelopeDecoder(("t",)), 100)
    assert [each.record_time for each in parsed.dead_letters] == [TEN + 5]


@pytest.mark.parametrize("cut", [0, 1, 2, 3])
def test_the_window_of_an_event_does_not_depend_on_where_its_block_began(cut: int) -> None:
    ahead = dt.datetime.fromtimestamp(TEN + 9000, dt.timezone.utc)  # two and a half hours
    own = dt.datetime.fromtimestamp(TEN + 600, dt.timezone.utc)
    times = [TEN, TEN + 7000, TEN + 1200, -1]
    events: list[dt.datetime | None] = [ahead, ahead, None, own]
    first = TEN // 600
    expected = [first, first + 15, first + 2, first + 1]
    values: list[bytes | None] = [b"{}"] * 4
    found = []
    for part in (slice(0, cut), slice(cut, 4)):
        if times[part]:
            found += windows_of(events[part], block(values[part], times[part]))
    assert found == expected
