import pickle

import apache_beam as beam
from apache_beam.coders import registry
from hypothesis import given
from hypothesis import strategies as st

from transforms.coders import BundleCoder, StructCoder
from transforms.envelope import Envelope, EnvelopeDecoder
from transforms.parse import Parsed, parse
from transforms.records import Block, Part, Piece, Spooled, Target, Window
from transforms.route import Routed

_bodies = st.binary() | st.builds(Spooled, st.text(), st.integers(0, 2**62), st.integers(0, 2**62))
_sizes = st.integers(0, 2**62)


@given(st.builds(Piece, st.text(), _sizes, _sizes, _sizes, st.integers(0, 2**32 - 1), _bodies))
def test_a_piece_survives_the_shuffle(piece: Piece) -> None:
    coder = registry.get_coder(Piece)
    assert isinstance(coder, StructCoder)
    assert coder.decode(coder.encode(piece)) == piece


_text = st.text()
_targets = st.builds(Target, destination=_text, run=_text, bucket=_text, owner=st.none() | _text)


@given(_targets, _targets)
def test_targets_have_the_same_bytes_just_when_they_are_equal(one: Target, other: Target) -> None:
    coder = registry.get_coder(Target)
    assert coder.is_deterministic()
    assert (coder.encode(one) == coder.encode(other)) == (one == other)
    assert coder.decode(coder.encode(one)) == one


def test_coders_travel_to_workers_and_compare() -> None:
    coder = pickle.loads(pickle.dumps(StructCoder(Piece)))  # noqa: S301 - our own
    assert coder == StructCoder(Piece)
    assert coder != StructCoder(Target)
    assert hash(coder) == hash(StructCoder(Piece))
    assert coder.to_type_hint() is Piece


def test_what_stays_in_a_bundle_is_sized_without_being_encoded() -> None:
    for record in (Block, Parsed, Routed):
        assert isinstance(registry.get_coder(record), BundleCoder)
    block = Block("f", 0, [b"12345", b"678"], 0, 0)
    assert BundleCoder().estimate_size(block) == 10


def test_a_part_is_sized_without_being_encoded_and_comes_back_whole() -> None:
    coder = registry.get_coder(Part)
    part = Part(Target("a", "r", "b"), Window(0, 600), 0, 0, "k", b"body", 1, 2)
    assert coder.estimate_size(part) == 4
    assert coder.decode(coder.encode(part)) == part


def test_a_runner_may_part_the_stages_all_the_same() -> None:
    line = b'{"writeKey":"k","receivedAt":"2026-11-20T10:00:00Z","integrations":{"All":true}}'
    parsed = parse(Block("f", 0, [line], 0, 0), EnvelopeDecoder(("receivedAt",)), 2**20)
    again = BundleCoder().decode(BundleCoder().encode(parsed))
    [envelope] = again.envelopes
    assert isinstance(envelope, Envelope)
    assert (envelope.write_key, envelope.time) == ("k", parsed.envelopes[0].time)
    assert (again.block, again.events) == (parsed.block, parsed.events)


def test_the_shuffle_uses_these_coders() -> None:
    coder = registry.get_coder(beam.typehints.Tuple[Target, Piece])
    assert coder.coders() == (StructCoder(Target), StructCoder(Piece))
