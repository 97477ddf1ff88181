"""Connections, destinations and the operator's place, and the rules across them."""

import pickle

import pytest
from pydantic import ValidationError

from transforms.configuration import Configuration, Connection, Destination, Match, Ops, warnings
from transforms.refusals import Section, place_text

OWNER = "111122223333"
KEY = f"arn:aws:kms:us-east-1:{OWNER}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
CONNECTION = {"name": "acme", "bucket": "acme-events", "region": "us-east-1"}
DESTINATION = {"name": "web", "connection": "acme", "match": {"write_key": "wk"}}


def configuration(**fields: object) -> Configuration:
    return Configuration.model_validate(
        {"connections": [CONNECTION], "destinations": [DESTINATION], **fields}
    )


def refusals(model: type[Section], data: object) -> dict[str, str]:
    with pytest.raises(ValidationError) as caught:
        model.model_validate(data)
    return {place_text(error["loc"]): error["msg"] for error in caught.value.errors()}


def test_what_is_left_out_has_the_defaults_of_the_design() -> None:
    made = configuration()
    assert made.ops is None
    assert made.connections[0].model_dump(exclude=set(CONNECTION)) == {
        "server_side_encryption": None,
        "kms_key_id": None,
        "bucket_key_enabled": None,
        "expected_bucket_owner": None,
        "role_arn": None,
        "external_id": None,
        "acl": None,
        "storage_class": None,
        "tags": {},
        "endpoint_url": None,
    }
    assert made.destinations[0] == Destination(
        name="web",
        connection="acme",
        prefix="",
        match=Match(write_key=("wk",), type=None, event=None),
        enabled=True,
        shards=1,
        compression="gzip",
        max_object_bytes=67108864,
        layout="plain",
    )


def test_a_destination_finds_its_connection() -> None:
    other = {**CONNECTION, "name": "other"}
    made = configuration(connections=[CONNECTION, other], ops=None)
    assert made.connection_of(made.destinations[0]) is made.connections[0]
    assert made.connection_of(Ops(connection="other")) is made.connections[1]
    with pytest.raises(KeyError):
        made.connection_of(Ops(path="/ops"))


def test_a_configuration_cannot_be_changed_and_travels_to_workers() -> None:
    made = configuration()
    assert made.connection_of(made.destinations[0]).bucket == "acme-events"
    with pytest.raises(ValidationError):
        made.destinations[0].shards = 2  # type: ignore[misc] # that is the point
    assert pickle.loads(pickle.dumps(made)) == made  # noqa: S301 - our own
    assert Configuration.model_validate(made.model_dump()) == made


@pytest.mark.parametrize("field", ["aws_secret_access_key", "aws_access_key_id", "session_token"])
def test_credentials_are_refused_and_never_repeated(field: str) -> None:
    with pytest.raises(ValidationError) as caught:
        configuration(connections=[{**CONNECTION, field: "hunter2"}])
    assert "credentials never stand in this file" in str(caught.value)
    assert "hunter2" not in f"{caught.value} {caught.value.errors()} {caught.value.json()}"


def test_names_are_unique_among_connections_and_among_destinations() -> None:
    found = refusals(
        Configuration,
        {"connections": [CONNECTION] * 2, "destinations": [DESTINATION] * 3},
    )
    assert found == {
        "connections[1].name": "'acme' is taken by connections[0]; names are unique",
        "destinations[1].name": "'web' is taken by destinations[0]; names are unique",
        "destinations[2].name": "'web' is taken by destinations[0]; names are unique",
    }


def test_an_unknown_connection_is_refused_with_the_nearest_and_the_known() -> None:
    lost = {**DESTINATION, "connection": "acmee"}
    found = refusals(Configuration, {"connections": [CONNECTION], "destinations": [lost]})
    reason = "no connection is named 'acmee'; nearest: 'acme'; known: acme"
    assert found == {"destinations[0].connection": reason}


def test_one_mistake_hides_no_other() -> None:
    found = refusals(
        Configuration,
        {
            "connections": [
                {**CONNECTION, "bucket": "NO", "kms_key_id": KEY, "external_id": "abc"},
                {**CONNECTION, "region": "us-east-0"},
                "globex",
            ],
            "destinations": [{"name": "web"}, {**DESTINATION, "connection": "globex"}],
            "ops": {"connection": "acmee", "prefix": "/"},
        },
    )
    assert set(found) == {
        "connections[0].bucket",
        "connections[0].kms_key_id",
        "connections[0].external_id",
        "connections[1].name",
        "connections[1].region",
        "connections[2]",
        "destinations[0].connection",
        "destinations[0].match",
        "destinations[1].name",
        "destinations[1].connection",
        "ops.connection",
        "ops.prefix",
    }
    assert found["connections[2]"] == "must be a mapping of fields, not text"


def test_a_refused_field_is_not_held_against_the_others() -> None:
    assert list(refusals(Connection, {**CONNECTION, "region": "x", "kms_key_id": KEY})) == [
        "region",
        "kms_key_id",
    ]
    fields = {"kms_key_id": KEY, "server_side_encryption": "kms", "bucket_key_enabled": True}
    assert list(refusals(Connection, {**CONNECTION, **fields})) == ["server_side_encryption"]
    fields = {"role_arn": "writer", "external_id": "acme-7f3c"}
    assert list(refusals(Connection, {**CONNECTION, **fields})) == ["role_arn"]
    assert list(refusals(Ops, {"path": ["/ops"]})) == ["path"]


def test_a_configuration_without_connections_or_destinations_is_refused() -> None:
    found = refusals(Configuration, {"connections": [], "destinations": []})
    assert found == {"connections": "must not be empty", "destinations": "must not be empty"}
    found = refusals(Configuration, {"destinations": [DESTINATION]})
    assert found == {"connections": "is required"}


def test_the_ops_place_is_a_folder_or_a_connection() -> None:
    assert Ops(path="/var/ops").path == "/var/ops"
    assert Ops(path="gs://bucket/ops").connection is None
    assert Ops(connection="acme", prefix="ops/").prefix == "ops"
    either = {"": "needs a path or a connection: one of them, not both"}
    assert refusals(Ops, {}) == either
    assert refusals(Ops, {"path": "/ops", "connection": "acme"}) == either
    assert list(refusals(Ops, {"path": "/ops", "prefix": "x"})) == ["prefix"]


def test_the_ops_place_on_s3_is_encrypted() -> None:
    plain = {**CONNECTION, "name": "ops", "bucket": "our-operations"}
    encrypted = {**plain, "server_side_encryption": "AES256"}
    ops = {"connection": "ops"}
    made = configuration(connections=[CONNECTION, encrypted], ops=ops)
    assert made.ops == Ops(connection="ops")
    everything = {"connections": [CONNECTION, plain], "destinations": [DESTINATION], "ops": ops}
    found = refusals(Configuration, everything)
    assert list(found) == ["ops.connection"]
    assert "must be encrypted" in found["ops.connection"]
    assert "must be encrypted" in refusals(Ops, {"path": "s3://bucket/ops"})["path"]


def test_the_ops_place_is_no_customers_bucket() -> None:
    encrypted = {**CONNECTION, "server_side_encryption": "AES256"}
    same_bucket = {**encrypted, "name": "ops"}
    for connection in ("acme", "ops"):
        found = refusals(
            Configuration,
            {
                "connections": [encrypted, same_bucket],
                "destinations": [DESTINATION],
                "ops": {"connection": connection, "prefix": "ours"},
            },
        )
        assert list(found) == ["ops.connection"]
        assert "needs a bucket of its own" in found["ops.connection"]


@pytest.mark.parametrize("wrong", [{"a": 1}, ["b"], 7, None])
def test_names_that_are_no_text_are_refused_and_nothing_else_breaks(wrong: object) -> None:
    everything = {
        "connections": [{**CONNECTION, "name": wrong, "bucket": wrong}],
        "destinations": [{**DESTINATION, "connection": wrong}],
        "ops": {"connection": wrong, "prefix": "ours"},
    }
    found = refusals(Configuration, everything)
    assert {"connections[0].name", "destinations[0].connection"} <= set(found)


def test_nothing_is_said_of_a_configuration_that_leaves_no_doubt() -> None:
    assert (
        warnings(configuration(connections=[{**CONNECTION, "expected_bucket_owner": OWNER}])) == []
    )


def test_doubts_are_said_with_their_place_in_order() -> None:
    owned = {**CONNECTION, "expected_bucket_owner": OWNER}
    kms = {**owned, "server_side_encryption": "aws:kms"}
    made = configuration(connections=[kms, {**CONNECTION, "name": "spare"}])
    found = warnings(made)
    assert [caution.path for caution in found] == [
        "connections[0].kms_key_id",
        "connections[1].name",
        "connections[1].expected_bucket_owner",
    ]
    assert "nobody outside the writer's account will be able to read" in found[0].reason
    assert found[1].reason == "no destination uses the connection 'spare'"
    assert "'acme-events'" in found[2].reason


def test_a_connection_that_the_ops_place_uses_is_used() -> None:
    own = {"name": "ops", "bucket": "our-operations", "server_side_encryption": "AES256"}
    ops = {**CONNECTION, **own}
    made = configuration(connections=[CONNECTION, ops], ops={"connection": "ops"})
    assert not any("no destination uses" in caution.reason for caution in warnings(made))


def test_where_very_many_connections_are_lost_only_the_first_get_a_hint() -> None:
    lost = [{**DESTINATION, "name": f"web-{n}", "connection": "acmee"} for n in range(21)]
    found = refusals(Configuration, {"connections": [CONNECTION], "destinations": lost})
    hints = ["nearest: 'acme'" in reason for reason in found.values()]
    assert hints == [True] * 20 + [False]
