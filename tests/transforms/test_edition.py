"""An edition of the configuration: what is made of it, and how it travels."""

import pickle
from typing import Any

import pytest

from tests.small_job import CONFIGURATION
from transforms.changes import changes, ops_changed
from transforms.configuration import Configuration
from transforms.edition import Edition
from transforms.store import Folder

EDITION = Edition(CONFIGURATION, "abcd2345", {"receipts": Folder("/ops")})


def configuration(*names: str, **destination: Any) -> Configuration:  # noqa: ANN401 - fields of any type
    """Destinations of these names, the last of which has these fields."""
    connection = {"name": "c", "bucket": "bucket", "region": "us-east-1"}
    every = [{"name": name, "connection": "c", "match": {"write_key": name}} for name in names]
    every[-1] |= destination
    return Configuration.model_validate({"connections": [connection], "destinations": every})


def test_places_are_of_the_configuration_and_of_the_operator() -> None:
    [acme, beta] = CONFIGURATION.connections
    assert EDITION.places == {"acme-web": acme, "beta-all": beta, "receipts": Folder("/ops")}


def test_a_destination_that_the_run_is_not_for_keeps_its_place_and_gets_nothing() -> None:
    edition = Edition(CONFIGURATION, "abcd2345", {}, ("beta-all",))
    assert [each.enabled for each in edition.destinations] == [False, True]
    assert [*edition.enabled] == ["beta-all"]
    assert [*edition.places] == ["acme-web", "beta-all"]
    later = edition.after(configuration("x", "beta-all"))
    assert [*later.enabled] == ["beta-all"]


def test_a_destination_that_is_gone_gets_manifests_which_are_parked_with_its_objects() -> None:
    edition = Edition(configuration("a", "b", manifest="off"), "abcd2345")
    assert [edition.lists(name) for name in ("a", "b", "gone")] == [True, False, True]


def test_it_is_unpickled_once_for_all_stages_of_a_process() -> None:
    copies = [pickle.loads(pickle.dumps(EDITION)) for _ in range(3)]  # noqa: S301 - pickled just now
    assert copies[0] == EDITION
    assert copies[0] is copies[1] is copies[2]


def test_ten_thousand_destinations_travel_small() -> None:
    many = configuration(*(f"d{number}" for number in range(10_000)))
    assert len(pickle.dumps(Edition(many, "abcd2345"))) < 300_000


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (configuration("a"), configuration("a"), ""),
        (configuration("a"), configuration("a", "b", "c"), "added: b, c"),
        (configuration("a", "b"), configuration("a"), "removed: b"),
        (configuration("a"), configuration("a", enabled=False), "disabled: a"),
        (configuration("a", enabled=False), configuration("a", shards=2), "enabled: a; changed: a"),
        (
            configuration("a"),
            configuration(*"abcdefghi"),
            "added: b, c, d, e, f and 3 more",
        ),
    ],
)
def test_what_a_new_version_changes_is_said_in_words(
    before: Configuration, after: Configuration, said: str
) -> None:
    assert changes(before, after) == said


def test_a_changed_connection_is_said_and_the_ops_connection_noticed() -> None:
    fields = configuration("a").model_dump(mode="json")
    ops = {**fields["connections"][0], "name": "ops", "server_side_encryption": "AES256"}
    ops["bucket"] = "ops"
    before = {**fields, "connections": [*fields["connections"], ops], "ops": {"connection": "ops"}}
    after = before | {"connections": [*fields["connections"], ops | {"bucket": "other"}]}
    old, new = Configuration.model_validate(before), Configuration.model_validate(after)
    assert changes(old, new) == "changed connections: ops"
    assert ops_changed(old, new)
    assert not ops_changed(old, old)
