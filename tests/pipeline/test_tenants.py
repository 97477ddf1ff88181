"""Each object holds exactly its destination's events under its prefix, whatever anyone sends."""

import gzip
import json
import unicodedata
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tests.small_job import job_of, ops_lines, run
from tests.tenants import (
    PREFIXES,
    RUN,
    STRANGERS,
    TENANTS,
    WRITE_KEYS,
    assert_each_has_its_own,
    configuration,
    events,
    owned,
    spellings,
)
from transforms.assemble import assemble
from transforms.configuration import Configuration
from transforms.connection import Connection
from transforms.destination import Destination, Match
from transforms.envelope import EnvelopeDecoder
from transforms.fixed_windows import Windows
from transforms.pack import pack
from transforms.parse import parse
from transforms.records import Block
from transforms.refusals import place_text
from transforms.route import route
from transforms.routing_table import RoutingTable
from transforms.spool import SpoolReader
from transforms.targets import target_of
from transforms.window import Lateness, place

CONNECTION = Connection(name="shared", bucket="customers", region="us-east-1")
TEN = 1_795_168_800  # 2026-11-20T10:00:00Z


def test_three_hundred_tenants_of_one_bucket_get_their_own_and_the_ops_path_the_rest(
    tmp_path: Path,
) -> None:
    lines = events()
    shared = {"name": "shared", "bucket": "customers", "region": "us-east-1"}
    job = msgspec.structs.replace(
        job_of(tmp_path, b"\n".join(lines), block_bytes=2**15),
        configuration=Configuration.model_validate(configuration(shared)),
        run=RUN,
    )
    objects = run(job)
    theirs = {key: body for (bucket, key), body in objects.items() if bucket == "customers"}
    assert_each_has_its_own("customers", theirs, lines)
    others = {key for bucket, key in objects if bucket != "customers"}
    assert {key.partition("/")[0] for key in others} == {"tallies", "receipts"}
    assert all(key.isascii() and ".." not in key for key in others)
    tallies = ops_lines(objects, "tallies")
    assert len(tallies) > 10
    nobodys = owned(lines)[""]
    assert sum(int(str(tally["unmatched"])) for tally in tallies) == len(nobodys)


# What a configuration may hold as a write key, and near misses of it.
_keys = st.sampled_from(WRITE_KEYS) | st.text(
    st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")), min_size=1
).filter(str.strip)


@st.composite
def _near_misses(draw: st.DrawFn, keys: list[str]) -> str:
    key = draw(st.sampled_from(keys))
    return draw(
        st.sampled_from(
            [
                key,
                key.upper(),
                key.casefold(),
                key.strip(),
                f"{key} ",
                f"{key}\0",
                f"../{key}",
                key[:-1],
                json.dumps(key),
                *(unicodedata.normalize(form, key) for form in ("NFC", "NFD", "NFKC", "NFKD")),
            ]
        )
    )


@st.composite
def _blocks(draw: st.DrawFn) -> tuple[list[Destination], list[bytes]]:
    keys = draw(st.lists(_keys, min_size=1, max_size=12))
    destinations = [
        Destination(
            name="-".join(["a"] * (number + 1)),
            connection="shared",
            prefix=draw(st.sampled_from(PREFIXES)),
            match=Match(write_key=(key, *draw(st.lists(st.sampled_from(keys), max_size=2)))),
        )
        for number, key in enumerate(keys)
    ]
    said = draw(st.lists(_near_misses(keys) | st.sampled_from(STRANGERS), max_size=30))
    written = [draw(st.sampled_from([*spellings(key)])) for key in said]
    lines = [f'{{"n":{n},"writeKey":{key},"c":{key}}}'.encode() for n, key in enumerate(written)]
    return destinations, lines


@given(_blocks())
def test_an_object_holds_exactly_the_events_whose_write_key_is_its_destinations(
    drawn: tuple[list[Destination], list[bytes]],
) -> None:
    destinations, lines = drawn
    parsed = parse(Block("f", 0, lines, 0, TEN), EnvelopeDecoder(("receivedAt",)), 2**20)
    windows = Windows(600)
    targets = [target_of(each, CONNECTION, RUN) for each in destinations]
    placed = place(route(parsed, RoutingTable(destinations, targets)), windows, Lateness())
    found = {
        part.key: gzip.decompress(part.body).split(b"\n")[:-1]
        for target, window, piece in pack(placed, windows)
        for part in assemble(target, window, 0, [piece], SpoolReader())
    }
    wanted = {}
    for destination, target in zip(destinations, targets, strict=True):
        mine = [x for x in lines if json.loads(x)["writeKey"] in [*destination.match.write_key]]
        folder = f"{destination.prefix}/2026/11/20/10/".removeprefix("/")
        name = f"{destination.name}_20261120T100000Z_20261120T101000Z_tenants1-{target.revision}"
        if mine:
            wanted[f"{folder}{name}_p0_00000-of-00001.ndjson.gz"] = mine
    assert found == wanted


def refusals(**fields: object) -> list[str]:
    """Which fields of a destination among others are refused."""
    given = configuration({"name": "shared", "bucket": "customers", "region": "us-east-1"})
    given["destinations"][7] |= fields
    try:
        Configuration.model_validate(given)
    except ValidationError as error:
        return [place_text(each["loc"]) for each in error.errors()]
    return []


@pytest.mark.parametrize(
    "prefix",
    [
        "/", "/a", "//", "a//b", "a//", ".", "..", "../a", "a/..", "a/../b", "a/./b", "a\\b",
        "..\\a", "a\0", "a\n", "\ra", "a\tb", "a\x7f", "a\x85b", "a\u2028b", "a\u2029", "a\ud83d",
        " ", "\N{NO-BREAK SPACE}", "é" * 600,
    ],
)  # fmt: skip
def test_a_prefix_that_could_lead_out_of_its_folder_or_break_a_line_is_refused(
    prefix: str,
) -> None:
    assert refusals(prefix=prefix) == ["destinations[7].prefix"]


@pytest.mark.parametrize("prefix", PREFIXES)
def test_an_odd_prefix_that_is_a_folder_is_taken(prefix: str) -> None:
    assert refusals(prefix=prefix) == []


@pytest.mark.parametrize(
    "name",
    [
        "", "acme_1", "acme_20261120T100000Z", "Acme", "acme.1", "..", "a/b", "../acme", "-acme",
        "аcme", "ａcme", "acmé", "acme ", " acme", "acme\n", "acme\0", "acme\N{ZERO WIDTH SPACE}",  # noqa: RUF001 - they are meant to be
        "acme-\N{ARABIC-INDIC DIGIT ONE}", "dead_letters", "receipts_", "a" * 64,
    ],
)  # fmt: skip
def test_a_name_that_could_be_taken_for_another_ones_is_refused(name: str) -> None:
    assert refusals(name=name) == ["destinations[7].name"]


def test_a_name_is_given_once_and_to_nobody_else() -> None:
    assert refusals(name=TENANTS[3].name) == ["destinations[7].name"]


@pytest.mark.parametrize(
    "key", ["", " ", "wk\0", "wk\n", "wk\u2028", "wk\ud83d", 7, None, ["wk", 7]]
)
def test_a_write_key_that_no_line_could_show_is_refused(key: object) -> None:
    [place] = refusals(match={"write_key": key})
    assert place.startswith("destinations[7].match.write_key")
