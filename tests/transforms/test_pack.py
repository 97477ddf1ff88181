import gzip
from itertools import pairwise
from random import Random

import msgspec
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from transforms.assemble import assemble
from transforms.deflate import inflate
from transforms.destination import Destination, Match
from transforms.envelope import EnvelopeDecoder
from transforms.fixed_windows import Windows
from transforms.pack import make_piece, pack, tally
from transforms.parse import parse
from transforms.records import Block, Piece, Target, Window
from transforms.route import Routed, route
from transforms.routing_table import RoutingTable
from transforms.spool import SpoolReader
from transforms.targets import shard_of
from transforms.window import Lateness, Placed, place

READER = SpoolReader()
TEN = Window(1_795_168_800, 1_795_169_400)  # 2026-11-20T10:00:00Z
ELEVEN = Window(1_795_172_400, 1_795_173_000)
TARGETS = [
    Target("acme", "abcd2345", "acme-bucket", revision="aaaa"),
    Target("beta", "abcd2345", "beta-bucket", shards=3, revision="bbbb"),
]
_TABLE = RoutingTable(
    [
        Destination(name="acme", connection="c", match=Match(write_key=("k",))),
        Destination(name="beta", connection="c", match=Match(write_key=("k", "b"))),
    ],
    TARGETS,
)


def routed(*lines: bytes, start: int = 0) -> Routed:
    block = Block("events.ndjson", start, list(lines), start, TEN.start)
    return route(parse(block, EnvelopeDecoder(("receivedAt",)), 2**20), _TABLE)


def placed(*lines: bytes, start: int = 0) -> Placed:
    return place(routed(*lines, start=start), Windows(600), Lateness())


def lines_of(piece: Piece) -> list[bytes]:
    assert isinstance(piece.body, bytes)
    return inflate(piece.body).split(b"\n")[:-1]


def test_a_block_becomes_a_piece_for_each_destination_and_window() -> None:
    early = b'{"writeKey":"k","receivedAt":"2026-11-20T10:00:00Z"}'
    late = b'{"writeKey":"b","receivedAt":"2026-11-20T11:00:00Z"}'
    undated = b'{"writeKey":"b"}'
    packed = {
        (target.destination, window): lines_of(piece)
        for target, window, piece in pack(placed(early, late, undated), Windows(600))
    }
    assert packed == {
        ("acme", TEN): [early],
        ("beta", TEN): [early, undated],  # a record's own time stands in for the event's
        ("beta", ELEVEN): [late],
    }


def test_all_of_a_block_goes_to_the_shard_that_its_position_names() -> None:
    shards = set()
    for start in range(0, 40 * 2**23, 2**23):
        block = placed(b'{"writeKey":"b"}', start=start)
        [(target, _, _)] = pack(block, Windows(600))
        assert target.shard == shard_of("events.ndjson", start, 3)
        assert msgspec.structs.replace(target, shard=0) == TARGETS[1]
        shards.add(target.shard)
    assert shards == {0, 1, 2}


def test_shards_are_the_same_everywhere_and_always() -> None:
    assert [shard_of("a.ndjson", start * 2**23, 5) for start in range(6)] == [1, 1, 1, 4, 0, 1]


def test_a_tally_accounts_for_every_record() -> None:
    counted = tally(
        routed(
            b'{"writeKey":"k"}',
            b'{"writeKey":"b"}',
            b"oops",
            b"",
            b"{}",
            b'{"writeKey":"k","integrations":{"S3 Event Logs":false}}',
            b"oops",
        )
    )
    assert msgspec.to_builtins(counted) == {
        "source": "events.ndjson",
        "first": 0,
        "read": 6,
        "blank": 1,
        "matched": 2,
        "unmatched": 1,
        "opted_out": 1,
        "dead_letters": {"malformed": 2},
        "pairs": {"acme": 1, "beta": 2},
        "outside": 0,
        "run": None,
    }


_lines = st.lists(st.binary(max_size=60).map(lambda line: line.replace(b"\n", b"")), max_size=30)


_cuts = st.lists(st.integers(0, 30), max_size=6)


@given(_lines, _cuts, st.sampled_from(["gzip", "none", "zstd"]), st.randoms())
def test_packing_and_joining_gives_back_the_same_lines_for_any_split_into_blocks(
    lines: list[bytes], cuts: list[int], compression: str, shuffler: Random
) -> None:
    borders = [0, *sorted(cuts), len(lines)]
    blocks = [(start, lines[start:end]) for start, end in pairwise(borders)]
    pieces = [make_piece("f", number, block) for number, (_, block) in enumerate(blocks) if block]
    shuffler.shuffle(pieces)
    target = Target("d", "abcd2345", "b", compression=compression)
    body = b"".join(
        _read(part.body, compression) for part in assemble(target, TEN, 0, pieces, READER)
    )
    assert body == b"".join(line + b"\n" for line in lines)


def _read(body: bytes, compression: str) -> bytes:
    if compression == "zstd":
        return zstandard.ZstdDecompressor().decompress(body)
    return gzip.decompress(body) if compression == "gzip" else body
