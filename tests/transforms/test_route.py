from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from transforms.destination import Destination, Match
from transforms.envelope import Envelope, EnvelopeDecoder
from transforms.parse import Parsed, parse
from transforms.records import Block
from transforms.route import route
from transforms.routing_table import RoutingTable


def destination(name: str, match: Match, *, enabled: bool = True) -> Destination:
    return Destination(name=name, connection="c", match=match, enabled=enabled)


def parsed(*lines: bytes) -> Parsed:
    return parse(Block("f", 0, list(lines), 0, 0), EnvelopeDecoder(("receivedAt",)), 2**20)


def test_an_event_goes_to_every_destination_that_matches_it() -> None:
    table = RoutingTable(
        [
            destination("all", Match(write_key=("k", "l"))),
            destination("pages", Match(write_key=("k",), type=("page",))),
            destination("orders", Match(write_key=("k",), event=("Order Completed",))),
        ]
    )
    routed = route(
        parsed(
            b'{"writeKey":"k","type":"page"}',
            b'{"writeKey":"k","type":"track","event":"Order Completed"}',
            b'{"writeKey":"l","type":"page"}',
        ),
        table,
    )
    assert routed.matches == [(0, 1), (0, 2), (0,)]


def test_a_matched_event_is_known_by_its_records_index() -> None:
    table = RoutingTable([destination("d", Match(write_key=("k",)))])
    mine, stranger = b'{"writeKey":"k"}', b'{"writeKey":"stranger"}'
    assert list(route(parsed(mine, mine), table).indices) == [0, 1]
    assert list(route(parsed(b"oops", mine, b"", mine), table).indices) == [1, 3]
    assert list(route(parsed(stranger, b"", mine, stranger, mine), table).indices) == [2, 4]


def test_who_opts_out_and_what_matches_nothing_is_counted_and_goes_nowhere() -> None:
    table = RoutingTable([destination("d", Match(write_key=("k",)))])
    routed = route(
        parsed(
            b'{"writeKey":"k","integrations":{"S3 Event Logs":false}}',
            b'{"writeKey":"stranger"}',
            b'{"writeKey":7}',
            b"{}",
            b'{"writeKey":"k"}',
        ),
        table,
    )
    assert routed.events == [b'{"writeKey":"k"}']
    assert (routed.opted_out, routed.unmatched) == (1, 3)
    assert routed.dead_letters == []


def test_what_matches_nothing_can_be_kept_as_a_dead_letter() -> None:
    table = RoutingTable([destination("d", Match(write_key=("k",)))])
    routed = route(parsed(b"oops", b'{"writeKey":"stranger"}'), table, "dead_letter")
    assert routed.unmatched == 0
    assert [(x.stage, x.reason, x.position) for x in routed.dead_letters] == [
        ("parse", "malformed", 0),
        ("route", "unmatched", 5),
    ]


def test_a_destination_that_is_not_enabled_gets_nothing() -> None:
    table = RoutingTable([destination("d", Match(write_key=("k",)), enabled=False)])
    routed = route(parsed(b'{"writeKey":"k"}'), table)
    assert (routed.events, routed.unmatched) == ([], 1)


_some = st.sampled_from(["a", "b", "c"])
_matches = st.builds(
    Match,
    write_key=st.lists(_some, min_size=1).map(tuple),
    **{name: st.lists(_some, min_size=1, max_size=2).map(tuple) for name in ("type", "event")},
) | st.builds(Match, write_key=st.just(("a",)))
_destinations = st.lists(st.tuples(_matches, st.booleans()), min_size=1, max_size=5)
_envelopes = st.builds(
    Envelope, write_key=_some | st.none(), type=_some | st.none(), event=_some | st.none()
)


def naive(envelope: Envelope, destinations: Sequence[Destination]) -> tuple[int, ...]:
    return tuple(
        index
        for index, d in enumerate(destinations)
        if d.enabled
        and envelope.write_key in d.match.write_key
        and (not d.match.type or envelope.type in d.match.type)
        and (not d.match.event or envelope.event in d.match.event)
    )


@given(_destinations, _envelopes)
def test_the_table_agrees_with_a_look_at_every_destination(
    chosen: list[tuple[Match, bool]], envelope: Envelope
) -> None:
    destinations = [
        destination(f"d{index}", match, enabled=enabled)
        for index, (match, enabled) in enumerate(chosen)
    ]
    [found] = RoutingTable(destinations).matches([envelope])
    assert found == naive(envelope, destinations)
