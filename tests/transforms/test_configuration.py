"""Connections, destinations and the operator's place, and the rules across them."""

import pickle
from typing import Any, get_args

import botocore.session
import pytest
from botocore.model import StringShape
from pydantic import ValidationError

from transforms.configuration import Configuration, Connection, Destination, Match, Ops, warnings
from transforms.keys import MAX_KEY_BYTES, longest_key_bytes
from transforms.refusals import place_text

OWNER = "111122223333"
KEY = f"arn:aws:kms:us-east-1:{OWNER}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
ROLE = f"arn:aws:iam::{OWNER}:role/event-writer"
CONNECTION = {"name": "acme", "bucket": "acme-events", "region": "us-east-1"}
DESTINATION = {"name": "web", "connection": "acme", "match": {"write_key": "wk"}}


def configuration(**fields: object) -> Configuration:
    return Configuration.model_validate(
        {"connections": [CONNECTION], "destinations": [DESTINATION], **fields}
    )


def connection(**fields: object) -> Connection:
    return Connection.model_validate({**CONNECTION, **fields})


def destination(**fields: object) -> Destination:
    return Destination.model_validate({**DESTINATION, **fields})


def refusals(model: Any, data: object) -> dict[str, str]:
    with pytest.raises(ValidationError) as caught:
        model.model_validate(data)
    return {place_text(error["loc"]): error["msg"] for error in caught.value.errors()}


def refusal_of(made: Any, **fields: object) -> str:
    """The only reason why these fields are refused, which is at the first of them."""
    base = CONNECTION if made is Connection else DESTINATION
    found = refusals(made, {**base, **fields})
    assert list(found) == [next(iter(fields))]
    return next(iter(found.values()))


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
        match=Match(write_key=("wk",), type=(), event=()),
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


def test_a_write_key_is_required_one_or_a_list_and_counts_once() -> None:
    assert Match(write_key="wk").write_key == ("wk",)  # type: ignore[arg-type] # as YAML gives it
    assert Match.model_validate({"write_key": ["a", "b", "a"]}).write_key == ("a", "b")
    assert refusals(Match, {}) == {"write_key": "is required"}
    assert refusals(Match, {"write_key": []}) == {"write_key": "must not be empty"}
    assert refusals(Match, {"write_key": ["a", " "]}) == {"write_key[1]": "must not be empty"}
    assert refusals(Match, {"write_key": "a", "type": []}) == {"type": "must not be empty"}


@pytest.mark.parametrize("name", ["", "Web", "web_1", "-web", "a" * 64, "web\n", "wéb", "a/b"])
def test_a_destination_name_that_could_confuse_a_key_is_refused(name: str) -> None:
    assert "is no destination's name" in refusal_of(Destination, name=name)


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
    assert reason in refusal_of(Destination, max_object_bytes=size)


def test_shards_are_a_whole_number_of_five_digits() -> None:
    assert destination(shards=99999).shards == 99999
    assert refusal_of(Destination, shards=0) == "0 is less than 1"
    assert refusal_of(Destination, shards=100000) == "100000 is more than 99999"
    assert refusal_of(Destination, shards="4") == "must be a whole number, not text"
    assert refusal_of(Destination, shards=True) == "must be a whole number, not true or false"


def test_the_longest_key_of_a_prefix_may_have_1024_bytes_and_no_more() -> None:
    room = MAX_KEY_BYTES - longest_key_bytes("", "web")
    assert destination(prefix="é" * (room // 2) + "a" * (room % 2)).shards == 1
    assert destination(prefix="a" * room + "/").prefix == "a" * room
    reason = refusal_of(Destination, prefix="é" * (room // 2) + "a" * (room % 2 + 1))
    assert reason == "makes keys of up to 1025 bytes; S3 takes at most 1024"


def test_a_kms_key_needs_a_kms_encryption() -> None:
    for encryption in ("aws:kms", "aws:kms:dsse"):
        assert connection(kms_key_id=KEY, server_side_encryption=encryption).kms_key_id == KEY
    needs = "needs server_side_encryption: aws:kms or aws:kms:dsse"
    assert refusal_of(Connection, kms_key_id=KEY, server_side_encryption="AES256") == needs
    assert refusal_of(Connection, kms_key_id=KEY) == needs


def test_a_kms_key_is_of_the_buckets_region() -> None:
    reason = refusal_of(
        Connection, kms_key_id=KEY, server_side_encryption="aws:kms", region="us-east-2"
    )
    assert "is not of the bucket's region us-east-2" in reason


def test_a_bucket_key_means_something_with_aws_kms_alone() -> None:
    made = connection(bucket_key_enabled=False, server_side_encryption="aws:kms")
    assert made.bucket_key_enabled is False
    for encryption, reason in (
        ("aws:kms:dsse", "S3 has no bucket keys for aws:kms:dsse"),
        ("AES256", "needs server_side_encryption: aws:kms"),
        (None, "needs server_side_encryption: aws:kms"),
    ):
        fields = {"bucket_key_enabled": True, "server_side_encryption": encryption}
        assert refusal_of(Connection, **fields) == reason


def test_an_external_id_needs_a_role() -> None:
    assert connection(external_id="x-1", role_arn=ROLE).role_arn == ROLE
    assert refusal_of(Connection, external_id="x-1").startswith("needs role_arn")


@pytest.mark.parametrize(
    ("field", "shape", "not_for_a_put"),
    [
        ("server_side_encryption", "ServerSideEncryption", {"aws:fsx", "aws:backup"}),
        ("acl", "ObjectCannedACL", set()),
        (
            "storage_class",
            "StorageClass",
            {
                "OUTPOSTS",
                "SNOW",
                "EXPRESS_ONEZONE",
                "FSX_OPENZFS",
                "FSX_ONTAP",
                "AWS_BACKUP_WARM",
                "AWS_BACKUP_LOW_COST_WARM",
            },
        ),
    ],
)
def test_choices_are_those_of_s3_for_general_purpose_buckets(
    field: str, shape: str, not_for_a_put: set[str]
) -> None:
    known = botocore.session.get_session().get_service_model("s3").shape_for(shape)
    assert isinstance(known, StringShape)
    choices, _ = get_args(Connection.model_fields[field].annotation)
    # A botocore of another age knows more or fewer, but all of ours and nothing unexplained.
    assert set(get_args(choices)) == set(known.enum) - not_for_a_put


def test_a_choice_that_s3_does_not_know_is_refused_with_those_it_does() -> None:
    reason = refusal_of(Connection, server_side_encryption="aes256")
    assert reason == "'aes256' is none of 'AES256', 'aws:kms' or 'aws:kms:dsse'"


def test_an_unknown_field_is_refused_with_the_nearest_and_without_its_value() -> None:
    with pytest.raises(ValidationError) as caught:
        connection(bukcet="hunter2")
    assert "unknown field; nearest: 'bucket'; allowed: name, bucket," in str(caught.value)
    assert "hunter2" not in repr(caught.value.errors())


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
    encrypted = {**CONNECTION, "server_side_encryption": "AES256"}
    ops = {"connection": "acme"}
    assert configuration(connections=[encrypted], ops=ops).ops == Ops(connection="acme")
    everything = {"connections": [CONNECTION], "destinations": [DESTINATION], "ops": ops}
    found = refusals(Configuration, everything)
    assert list(found) == ["ops.connection"]
    assert "must be encrypted" in found["ops.connection"]
    assert "must be encrypted" in refusals(Ops, {"path": "s3://bucket/ops"})["path"]


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
    ops = {**CONNECTION, "name": "ops", "server_side_encryption": "AES256"}
    made = configuration(connections=[CONNECTION, ops], ops={"connection": "ops"})
    assert not any("no destination uses" in caution.reason for caution in warnings(made))
