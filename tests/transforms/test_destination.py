"""Destinations: names, sizes and shards that make good keys, and what they match."""

import pytest
from pydantic import ValidationError

from transforms.destination import Destination, Match
from transforms.keys import MAX_KEY_BYTES, longest_key_bytes
from transforms.refusals import place_text


def destination(**fields: object) -> Destination:
    given = {"name": "web", "connection": "acme", "match": {"write_key": "wk"}, **fields}
    return Destination.model_validate(given)


def refusal_of(**fields: object) -> str:
    """The only reason why these fields are refused, which is at the first of them."""
    with pytest.raises(ValidationError) as caught:
        destination(**fields)
    (error,) = caught.value.errors()
    assert place_text(error["loc"]) == next(iter(fields))
    return error["msg"]


def test_a_write_key_is_required_one_or_a_list_and_counts_once() -> None:
    assert Match.model_validate({"write_key": "wk"}).write_key == ("wk",)
    assert Match.model_validate({"write_key": ["a", "b", "a"]}).write_key == ("a", "b")


@pytest.mark.parametrize(
    ("match", "place", "reason"),
    [
        ({}, "match.write_key", "is required"),
        ({"write_key": []}, "match.write_key", "must not be empty"),
        ({"write_key": ["a", " "]}, "match.write_key[1]", "must not be empty"),
        ({"write_key": None}, "match.write_key", "must be a list, not nothing"),
        ({"write_key": "a", "type": []}, "match.type", "must not be empty"),
        ("wk", "match", "must be a mapping of fields, not text"),
    ],
)
def test_a_match_of_everything_or_nothing_is_refused(
    match: object, place: str, reason: str
) -> None:
    with pytest.raises(ValidationError) as caught:
        destination(match=match)
    assert [(place_text(e["loc"]), e["msg"]) for e in caught.value.errors()] == [(place, reason)]


@pytest.mark.parametrize("name", ["", "Web", "web_1", "-web", "a" * 64, "web\n", "wéb", "a/b"])
def test_a_destination_name_that_could_confuse_a_key_is_refused(name: str) -> None:
    assert "is no destination's name" in refusal_of(name=name)


@pytest.mark.parametrize("name", ["w", "0", "web-1", "a" * 63])
def test_a_destination_name_is_lower_case_letters_digits_and_hyphens(name: str) -> None:
    assert destination(name=name).name == name


@pytest.mark.parametrize(
    ("size", "parsed"),
    [(1048576, 1048576), ("1MiB", 1048576), ("5GiB", 5368709120), ("128 MiB", 134217728)],
)
def test_an_object_size_is_a_number_or_a_text(size: object, parsed: int) -> None:
    assert destination(max_object_bytes=size).max_object_bytes == parsed


@pytest.mark.parametrize(
    ("size", "reason"),
    [
        (1048575, "from 1MiB to 5GiB"),
        (5368709121, "from 1MiB to 5GiB"),
        ("6GiB", "from 1MiB to 5GiB"),
        ("much", "is not a size"),
        (True, "must be a whole number, not true or false"),
        (2e6, "must be a whole number, not a number"),
    ],
)
def test_an_object_size_that_no_single_put_could_have_is_refused(size: object, reason: str) -> None:
    assert reason in refusal_of(max_object_bytes=size)


def test_shards_are_a_whole_number_of_five_digits() -> None:
    assert destination(shards=99999).shards == 99999
    assert refusal_of(shards=0) == "0 is less than 1"
    assert refusal_of(shards=100000) == "100000 is more than 99999"
    assert refusal_of(shards="4") == "must be a whole number, not text"
    assert refusal_of(shards=True) == "must be a whole number, not true or false"


def test_the_longest_key_of_a_prefix_may_have_1024_bytes_and_no_more() -> None:
    room = MAX_KEY_BYTES - longest_key_bytes("", "web")
    assert destination(prefix="é" * (room // 2) + "a" * (room % 2)).shards == 1
    assert destination(prefix="a" * room + "/").prefix == "a" * room
    reason = refusal_of(prefix="é" * (room // 2) + "a" * (room % 2 + 1))
    assert reason == "makes keys of up to 1025 bytes; S3 takes at most 1024"
