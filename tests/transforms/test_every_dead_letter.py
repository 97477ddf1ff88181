"""Each reason for a dead letter: where it was, which stage found it, and its bytes again."""

import json

import pytest

from transforms.dead_letters import dead_letter_line
from transforms.destination import Destination, Match
from transforms.envelope import EnvelopeDecoder
from transforms.first_look import MAX_DEPTH
from transforms.fixed_windows import Windows
from transforms.parse import parse
from transforms.read_dead_letters import unwrap
from transforms.records import Block, DeadLetter
from transforms.route import route
from transforms.routing_table import RoutingTable
from transforms.window import Lateness, place

TEN = 1_795_168_800  # 2026-11-20T10:00:00Z
DAY = 86_400
GOOD = b'{"writeKey":"k","receivedAt":"2026-11-20T10:00:00Z","a":"\xc3\xa9"}\r'
UNDATED = b' {"writeKey":"k","a":"\\ud83d\\u0000\xf0\x9f\x98\x80"}\r'
DEEP = b'{"a":' * MAX_DEPTH + b"{}" + b"}" * MAX_DEPTH
MAX_EVENT_BYTES = 5_000
TABLE = RoutingTable([Destination(name="d", connection="c", match=Match(write_key=("k",)))])


def dead_letters_of(
    *lines: bytes, record_time: int | None = TEN, watermark: int | None = None
) -> list[DeadLetter]:
    block = Block("/in/a.ndjson", 0, list(lines), 1_000, record_time, None, watermark)
    parsed = parse(block, EnvelopeDecoder(("receivedAt",)), MAX_EVENT_BYTES)
    routed = route(parsed, TABLE, "dead_letter")
    return place(routed, Windows(600), Lateness()).routed.dead_letters


@pytest.mark.parametrize(
    ("record", "stage", "reason", "record_time", "watermark"),
    [
        (b"oops\r", "parse", "malformed", TEN, None),
        (b'{"writeKey":"k","a":"\xff\xfe"}', "parse", "malformed", TEN, None),
        (b"\xef\xbb\xbf\x00\x1f", "parse", "malformed", TEN, TEN),
        (b'{"a":"' + b"x" * MAX_EVENT_BYTES + b'"}', "parse", "oversized", TEN, None),
        (b"\xff" * (MAX_EVENT_BYTES + 1), "parse", "oversized", TEN, None),
        (DEEP, "parse", "too_deep", TEN, None),
        (b'{"writeKey":"K","a":"\\ud83d"} \r', "route", "unmatched", TEN, None),
        (GOOD, "window", "too_late", TEN + 2 * DAY, TEN + 2 * DAY),
        (UNDATED, "window", "too_late", TEN, TEN + 2 * DAY),
        (UNDATED, "window", "no_time", None, None),
        (UNDATED, "window", "no_time", None, TEN),
    ],
)
def test_a_refused_record_says_where_it_was_and_why_and_is_recovered_exactly(
    record: bytes, stage: str, reason: str, record_time: int | None, watermark: int | None
) -> None:
    lines = [b"", b"\r", record, b""]
    [letter] = dead_letters_of(*lines, record_time=record_time, watermark=watermark)
    line = dead_letter_line(letter, "abcd2345")
    document = json.loads(line)
    assert (document["source"], document["position"]) == ("/in/a.ndjson", 1_003)
    assert (document["stage"], document["reason"]) == (stage, reason)
    assert document["record_time"] == record_time
    assert document["detail"]
    [again] = unwrap(Block("f", 0, [line], 0, 99))
    assert (again.lines, again.record_time) == ([record], record_time)


def test_where_nothing_is_wrong_there_is_none() -> None:
    assert dead_letters_of(GOOD, UNDATED, record_time=TEN, watermark=TEN) == []
