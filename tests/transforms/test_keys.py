import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.connection import Connection
from transforms.destination import Destination, Match
from transforms.keys import MAX_KEY_BYTES, longest_key_bytes, object_key, valid_run
from transforms.records import Target, Window
from transforms.targets import target_of, with_revision

TEN = Window(1_795_168_800, 1_795_169_400)  # 2026-11-20T10:00:00Z, ten minutes
ACME = Target("acme", "abcd2345", "acme-bucket", None, "logs", revision="wxyz")


def test_a_key_holds_all_that_sets_an_object_apart() -> None:
    target = msgspec.structs.replace(ACME, shards=4, shard=2)
    assert object_key(target, TEN, 0, 0) == (
        "logs/2026/11/20/10/"
        "acme_20261120T100000Z_20261120T101000Z_abcd2345-wxyz_p0_00002-of-00004.ndjson.gz"
    )
    assert object_key(target, TEN, 3, 7) == (
        "logs/2026/11/20/10/"
        "acme_20261120T100000Z_20261120T101000Z_abcd2345-wxyz_p3_00002-of-00004_part007.ndjson.gz"
    )


def test_layout_and_compression_show_in_the_key() -> None:
    hive = msgspec.structs.replace(ACME, layout="hive", compression="zstd", prefix="")
    assert object_key(hive, TEN, 0, 0) == (
        "date=2026-11-20/hour=10/"
        "acme_20261120T100000Z_20261120T101000Z_abcd2345-wxyz_p0_00000-of-00001.ndjson.zst"
    )
    plain = msgspec.structs.replace(ACME, compression="none")
    assert object_key(plain, TEN, 0, 0).endswith("_00000-of-00001.ndjson")


def test_years_have_four_digits() -> None:
    window = Window(-62_135_596_800 + 600, -62_135_596_800 + 1200)
    assert object_key(ACME, window, 0, 0).startswith("logs/0001/01/01/00/acme_00010101T001000Z_")


def test_the_revision_changes_with_whatever_decides_the_objects() -> None:
    changed = [
        msgspec.structs.replace(ACME, bucket="other-bucket"),
        msgspec.structs.replace(ACME, owner="123456789012"),
        msgspec.structs.replace(ACME, prefix="log"),
        msgspec.structs.replace(ACME, layout="hive"),
        msgspec.structs.replace(ACME, compression="none"),
        msgspec.structs.replace(ACME, max_object_bytes=2**20),
        msgspec.structs.replace(ACME, shards=2),
    ]
    assert len({with_revision(target).revision for target in [ACME, *changed]}) == 8
    other_run = msgspec.structs.replace(ACME, run="zzzzzzzz", destination="b", shard=0)
    assert with_revision(other_run).revision == with_revision(ACME).revision


# Few values, near one another, so that what could be confused is.
_names = st.text("a0-", min_size=1, max_size=4).filter(lambda name: name[0] != "-")
_prefixes = st.sampled_from(
    ["", "a", "a/2026/11/20/10", "date=2026-11-20/hour=10", "a_p0", "2026", "a/a", "p0_00000"]
)
_targets = st.builds(
    Target,
    destination=_names,
    run=st.sampled_from(["aaaaaaaa", "p0000000"]),
    bucket=st.just("b"),
    owner=st.none(),
    prefix=_prefixes,
    layout=st.sampled_from(["plain", "hive"]),
    compression=st.sampled_from(["gzip", "none", "zstd"]),
    max_object_bytes=st.sampled_from([2**20, 2**21]),
    shards=st.sampled_from([1, 2, 11]),
    shard=st.sampled_from([0, 1]),
).map(with_revision)
_windows = st.builds(
    lambda start, length: Window(start * length, (start + 1) * length),
    st.integers(0, 3),
    st.sampled_from([1, 60, 600, 86_400]),
)
_keyed = st.tuples(_targets, _windows, st.integers(0, 12), st.integers(0, 12))


@given(_keyed, _keyed)
def test_two_objects_never_share_a_key(
    one: tuple[Target, Window, int, int], other: tuple[Target, Window, int, int]
) -> None:
    assert (object_key(*one) == object_key(*other)) == (one == other)


@pytest.mark.parametrize("name", ["a", "a" * 63])
def test_no_key_is_longer_than_what_was_reckoned(name: str) -> None:
    destination = Destination(
        name=name,
        connection="c",
        prefix="é" * 400,
        layout="hive",
        compression="zstd",
        shards=99_999,
        match=Match(write_key=("k",)),
    )
    connection = Connection(name="c", bucket="acme-bucket", region="us-east-1")
    target = msgspec.structs.replace(target_of(destination, connection, "abcd2345"), shard=99_998)
    longest = object_key(target, TEN, 999_999, 999_999)
    assert len(longest.encode()) == longest_key_bytes(destination.prefix, name) <= MAX_KEY_BYTES


@pytest.mark.parametrize("text", ["short", "UPPERCAS", "nine-long", "a_b_c_d_", "abcdefg/", ""])
def test_a_runs_id_is_eight_letters_or_digits(text: str) -> None:
    assert valid_run("abcd2345") == "abcd2345"
    with pytest.raises(ValueError, match="8 lower-case letters or digits"):
        valid_run(text)
