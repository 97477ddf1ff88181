import gzip
import hashlib
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from examples.demo.customers import DESTINATIONS
from examples.demo.events import generate
from examples.demo.expected import Delivery, Expected


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> Expected:
    return generate(tmp_path_factory.mktemp("events"), events=5_000, seed=7)


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path, expected: Expected) -> None:
    again = generate(tmp_path, events=5_000, seed=7)

    assert list(map(_digest, again.files)) == list(map(_digest, expected.files))
    assert again.deliveries == expected.deliveries


def test_another_seed_gives_other_bytes(tmp_path: Path, expected: Expected) -> None:
    other = generate(tmp_path, events=5_000, seed=8)

    assert not set(map(_digest, other.files)) & set(map(_digest, expected.files))


def test_the_counts_are_those_of_the_lines(expected: Expected) -> None:
    lines = _lines(expected)
    events = [event for event in map(_parse, lines) if event is not None]
    known = [event for event in events if not _opted_out(event)]

    assert expected.read == 5_000 == sum(line != b"" for line in lines)
    assert expected.blank == lines.count(b"") > 0
    assert expected.raw_bytes == sum(len(line) + 1 for line in lines)
    assert expected.malformed == expected.read - len(events) > 0
    assert expected.opted_out == len(events) - len(known) > 0
    assert expected.matched == sum(bool(_destinations(event)) for event in known)
    assert expected.unmatched == sum(not _destinations(event) for event in known) > 0


def test_each_destination_is_to_get_what_its_filter_says(expected: Expected) -> None:
    deliveries = {destination.name: Delivery() for destination in DESTINATIONS}
    for line in _lines(expected):
        event = _parse(line)
        if event is not None and not _opted_out(event):
            for name in _destinations(event):
                deliveries[name].add(line)

    assert deliveries == expected.deliveries
    assert all(delivery.events for delivery in deliveries.values())
    assert expected.pairs > expected.matched  # some match two


def test_a_digest_tells_of_a_line_that_is_changed_lost_or_doubled() -> None:
    sums = []
    for lines in ([b"a", b"b"], [b"b", b"a"], [b"a", b"c"], [b"a"], [b"a", b"b", b"b"]):
        delivery = Delivery()
        for line in lines:
            delivery.add(line)
        sums.append(delivery.digest)

    assert sums[0] == sums[1]
    assert len(set(sums)) == 4


def test_the_events_are_of_all_types_and_of_more_than_an_hour(expected: Expected) -> None:
    events = [event for event in map(_parse, _lines(expected)) if event is not None]
    types = Counter(event["type"] for event in events)
    received = sorted(event["receivedAt"] for event in events if "receivedAt" in event)

    assert set(types) == {"track", "page", "screen", "identify", "group", "alias"}
    assert received[0] < "2026-11-20T09:59:00.000Z"
    assert received[-1] > "2026-11-20T11:03:00.000Z"
    assert 750 < expected.raw_bytes / expected.read < 950


def test_text_beyond_ascii_comes_both_as_it_is_and_escaped(expected: Expected) -> None:
    content = b"\n".join(_lines(expected))

    assert "東京".encode() in content
    assert b"\\u6771\\u4eac" in content
    assert "👩‍👩‍👧".encode() in content


def _lines(expected: Expected) -> list[bytes]:
    contents = [
        gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        for path in expected.files
    ]
    assert all(content.endswith(b"\n") for content in contents)
    return [line for content in contents for line in content[:-1].split(b"\n")]


def _parse(line: bytes) -> dict[str, Any] | None:
    try:
        event = json.loads(line.decode(), parse_constant=_no_number)
    except ValueError:
        return None
    return event if isinstance(event, dict) else None


def _no_number(name: str) -> None:
    raise ValueError(name)


def _opted_out(event: dict[str, Any]) -> bool:
    return event["integrations"].get("S3 Event Logs") is False


def _destinations(event: dict[str, Any]) -> list[str]:
    return [
        destination.name
        for destination in DESTINATIONS
        if destination.takes(event["writeKey"], event["type"], event.get("event"))
    ]


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
