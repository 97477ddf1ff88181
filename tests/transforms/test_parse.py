import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.envelope import EnvelopeDecoder
from transforms.first_look import MAX_DEPTH
from transforms.parse import Parsed, parse
from transforms.records import Block

DECODER = EnvelopeDecoder(("receivedAt", "timestamp"))


def block(*lines: bytes, first: int = 0) -> Block:
    return Block("events.ndjson", 0, list(lines), first, 1_795_168_800)


def parsed(*lines: bytes, max_event_bytes: int = 2**20) -> Parsed:
    return parse(block(*lines), DECODER, max_event_bytes)


def only_fault(line: bytes, max_event_bytes: int = 2**20) -> tuple[str, str]:
    [letter] = parsed(line, max_event_bytes=max_event_bytes).dead_letters
    assert letter.record == line
    return letter.reason, letter.detail


def nested(depth: int) -> bytes:
    return b'{"a":' * (depth - 1) + b"{}" + b"}" * (depth - 1)


def test_the_envelope_is_read_and_the_bytes_are_left_alone() -> None:
    line = (
        b'{ "writeKey":"k", "type":"track","event":"Signed Up" ,'
        b'"receivedAt":"2026-11-20T10:00:00.5+01:00"}'
    )
    result = parsed(line)
    [envelope] = result.envelopes
    assert result.events == [line]
    assert (envelope.write_key, envelope.type, envelope.event) == ("k", "track", "Signed Up")
    assert envelope.time is not None
    assert envelope.time.isoformat() == "2026-11-20T10:00:00.500000+01:00"


@pytest.mark.parametrize(
    ("line", "time"),
    [
        (b'{"receivedAt":"2026-11-20T10:00:00Z","timestamp":"2026-11-20T09:00:00Z"}', 10),
        (b'{"timestamp":"2026-11-20T09:00:00Z"}', 9),
        (b'{"receivedAt":null,"timestamp":"2026-11-20T09:00:00Z"}', 9),
        (b'{"receivedAt":1795168800,"timestamp":"2026-11-20T09:00:00Z"}', 9),
        (b'{"receivedAt":"yesterday","timestamp":"2026-11-20T09:00:00Z"}', 9),
        (b'{"receivedAt":"2026-11-20T10:00:00","timestamp":"2026-11-20T09:00:00Z"}', 9),
        (b'{"receivedAt":"2026-02-30T10:00:00Z"}', None),
        (b'{"receivedAt":"\\ud83d","timestamp":"2026-11-20T09:00:00Z"}', 9),
        (b"{}", None),
    ],
)
def test_event_time_is_the_first_field_that_is_a_time_with_an_offset(
    line: bytes, time: int | None
) -> None:
    [envelope] = parsed(line).envelopes
    assert (envelope.time.hour if envelope.time else None) == time


@pytest.mark.parametrize(
    ("line", "opts_out"),
    [
        (b'{"integrations":{"S3 Event Logs":false}}', True),
        (b'{"integrations":{"S3 Event Logs":false},"type":7}', True),
        (b'{"integrations":{"S3 Event Logs":0}}', False),
        (b'{"integrations":{"S3 Event Logs":null}}', False),
        (b'{"integrations":{"S3 Event Logs":"false"}}', False),
        (b'{"integrations":{"All":false}}', False),
        (b'{"integrations":["S3 Event Logs"]}', False),
        (b'{"integrations":false}', False),
    ],
)
def test_only_false_opts_out(line: bytes, opts_out: bool) -> None:  # noqa: FBT001 - a table of cases
    [envelope] = parsed(line).envelopes
    integrations = envelope.integrations
    assert (integrations is not None and integrations.s3_event_logs is False) == opts_out


@pytest.mark.parametrize(
    "line",
    [
        b'{"name":"\\ud83d"}',  # half an emoji
        b'{"receivedAt":7,"type":1e999,"name":"\\ud83d"}',
        b'{"writeKey":"k","n":123456789012345678901234567890}',
        b'{"n":-' + b"9" * 5000 + b"}",  # more digits than Python turns into an int
        b'{"n":1e999,"receivedAt":1e999}',
        b'{"a":1,"a":2}',
        b'{"writeKey":{"not":"a string"},"type":[],"event":1.5}',
        b'{"name":"\xf0\x9f\x98\x80 \xc3\xa9"}',
        b'\t {"a":1} \t',
        b'{"a":"' + b"[" * 3000 + b'"}',  # brackets in a string are no depth
        nested(MAX_DEPTH),
    ],
)
def test_what_the_grammar_allows_is_an_event_with_the_same_bytes(line: bytes) -> None:
    result = parsed(line)
    assert result.events == [line]
    assert result.dead_letters == []


@pytest.mark.parametrize(
    ("line", "reason", "detail"),
    [
        (b"not json", "malformed", "invalid character (byte 4)"),
        (b'{"a":1', "malformed", "truncated"),
        (b'{"a":1}{"b":2}', "malformed", "trailing characters (byte 8)"),
        (b"[1,2]", "malformed", "not a JSON object"),
        (b'"text"', "malformed", "not a JSON object"),
        (b'{"a":NaN}', "malformed", "invalid character (byte 5)"),
        (b'{"a":-Infinity}', "malformed", "invalid character (byte 6)"),
        (b'{"a":"\x00"}', "malformed", "invalid character (byte 6)"),
        (b'{"a":"\\ud83d","b":NaN}', "malformed", "NaN is not JSON"),
        (b'{"a":"\\ud83d","b":1', "malformed", "delimiter"),
        (b"\x00", "malformed", ""),
        (b'{"a":01}', "malformed", ""),
        (b'{"a":"\xff"}', "malformed", "invalid UTF-8 at byte 6"),
        (b'{"writeKey":"\x80"}', "malformed", "invalid UTF-8 at byte 13"),
        (b'{"a":"\xed\xa0\x80"}', "malformed", "invalid UTF-8 at byte 6"),  # a surrogate, encoded
        (nested(MAX_DEPTH + 1), "too_deep", "512"),
        (b"[" * 200_000, "too_deep", "512"),
        (nested(100_000), "too_deep", "512"),
    ],
)
def test_what_is_no_event_is_a_dead_letter_with_its_reason(
    line: bytes, reason: str, detail: str
) -> None:
    found, said = only_fault(line)
    assert found == reason
    assert detail in said


def test_an_event_may_be_as_long_as_allowed_and_no_longer() -> None:
    line = b'{"receivedAt":"2026-11-20T10:00:00Z","a":"' + b"x" * 100 + b'"}'
    assert parsed(line, max_event_bytes=len(line)).events == [line]
    assert only_fault(line, max_event_bytes=len(line) - 1)[0] == "oversized"


def test_a_carriage_return_a_byte_order_mark_and_blank_lines_are_tolerated() -> None:
    marked = b'\xef\xbb\xbf{"a":1}\r'
    blanks = (b"", b" \t\r", b"\r", b"\xef\xbb\xbf")
    result = parsed(marked, *blanks, b'{"a":2}\r', marked.replace(b"1", b"3"))
    assert result.events == [b'{"a":1}', b'{"a":2}', b'{"a":3}']
    assert result.blank == 4
    assert result.dead_letters == []


def test_a_dead_letter_says_where_its_record_began() -> None:
    lines = [b'{"a":1}\r', b"oops", b"", b'{"e":"\xc3\xa9"}', b"oops again"]
    result = parse(block(*lines, first=1000), DECODER, 2**20)
    assert [letter.position for letter in result.dead_letters] == [1009, 1026]
    assert [letter.stage for letter in result.dead_letters] == ["parse", "parse"]
    assert result.events == [b'{"a":1}', b'{"e":"\xc3\xa9"}']
    assert list(result.indices) == [0, 3]


def test_a_value_without_line_breaks_keeps_all_of_its_bytes() -> None:
    event = b' {"a":\r1}\t'
    assert parse(Block("t", 0, [event], 7, 0, positions=[7]), DECODER, 2**20).events == [event]


def test_line_breaks_in_a_value_become_spaces_and_a_dead_letter_keeps_them() -> None:
    lines = [b'{\r\n "a": 1\n}\n', b"no\njson", b'{"a":"in\na string"}']
    values = Block("t", 0, lines, 7, 0, positions=[7, 9, 12])
    result = parse(values, DECODER, 2**20)
    assert result.events == [b'{   "a": 1 }']
    assert [(letter.position, letter.record) for letter in result.dead_letters] == [
        (9, b"no\njson"),
        (12, b'{"a":"in\na string"}'),
    ]


_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)
_names = st.sampled_from(["writeKey", "type", "event", "receivedAt", "integrations", "other"])


_objects = st.dictionaries(_names, _json).map(json.dumps).map(str.encode)


@given(st.lists(_objects | st.binary(max_size=40)))
def test_every_line_is_an_event_blank_or_a_dead_letter_as_the_standard_library_sees_it(
    lines: list[bytes],
) -> None:
    lines = [line.replace(b"\n", b" ") for line in lines]
    result = parsed(*lines)
    for line in lines:
        body = line.removesuffix(b"\r").strip(b" \t\r").removeprefix(b"\xef\xbb\xbf")
        if not body:
            continue
        try:
            document = json.loads(body.decode(), parse_constant=_no_constants)
            is_event = isinstance(document, dict)
        except ValueError:
            is_event = False
        assert is_event == any(event.strip(b" \t\r") == body for event in result.events)
    assert len(result.events) + result.blank + len(result.dead_letters) == len(lines)


def _no_constants(name: str) -> None:
    raise ValueError(name)
