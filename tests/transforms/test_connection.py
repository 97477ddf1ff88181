"""Connections: what belongs together, and what S3 knows."""

from typing import get_args

import botocore.session
import pytest
from botocore.model import StringShape
from pydantic import ValidationError

from transforms.connection import Connection
from transforms.refusals import place_text

OWNER = "111122223333"
KEY = f"arn:aws:kms:us-east-1:{OWNER}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
ROLE = f"arn:aws:iam::{OWNER}:role/event-writer"


def connection(**fields: object) -> Connection:
    given = {"name": "acme", "bucket": "acme-events", "region": "us-east-1", **fields}
    return Connection.model_validate(given)


def refusal_of(**fields: object) -> str:
    """The only reason why these fields are refused, which is at the first of them."""
    with pytest.raises(ValidationError) as caught:
        connection(**fields)
    (error,) = caught.value.errors()
    assert place_text(error["loc"]) == next(iter(fields))
    return error["msg"]


def test_a_kms_key_needs_a_kms_encryption() -> None:
    for encryption in ("aws:kms", "aws:kms:dsse"):
        assert connection(kms_key_id=KEY, server_side_encryption=encryption).kms_key_id == KEY
    needs = "needs server_side_encryption: aws:kms or aws:kms:dsse"
    assert refusal_of(kms_key_id=KEY, server_side_encryption="AES256") == needs
    assert refusal_of(kms_key_id=KEY) == needs


def test_a_kms_key_is_of_the_buckets_region() -> None:
    reason = refusal_of(kms_key_id=KEY, server_side_encryption="aws:kms", region="us-east-2")
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
        assert refusal_of(**fields) == reason


def test_an_external_id_needs_a_role() -> None:
    assert connection(external_id="x-1", role_arn=ROLE).role_arn == ROLE
    assert refusal_of(external_id="x-1").startswith("needs role_arn")


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
    # A choice that a newer botocore brings asks for a decision here.
    assert set(get_args(choices)) == set(known.enum) - not_for_a_put


def test_a_choice_that_s3_does_not_know_is_refused_with_those_it_does() -> None:
    reason = refusal_of(server_side_encryption="aes256")
    assert reason == "'aes256' is none of 'AES256', 'aws:kms' or 'aws:kms:dsse'"


def test_an_unknown_field_is_refused_with_the_nearest_and_without_its_value() -> None:
    with pytest.raises(ValidationError) as caught:
        connection(bukcet="hunter2")
    assert "unknown field; nearest: 'bucket'; allowed: name, bucket," in str(caught.value)
    assert "hunter2" not in repr(caught.value.errors())
