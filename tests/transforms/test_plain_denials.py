"""Denials across accounts, of which S3 says no more than that they are."""

import pytest

from tests.transforms.failure_fixtures import AES256, FULL, KEY, PLAIN, put_refused
from transforms.connection import Connection
from transforms.failures import understand
from transforms.store import Failure

NOT_GRANTED = "the bucket's policy does not grant us s3:PutObject there, or our own policy does not"
FORBIDDEN = "a policy of an organisation or of a VPC endpoint forbids it"


def plainly_denied(connection: Connection) -> Failure:
    return understand(put_refused("AccessDenied", 403, "Access Denied"), connection)


def test_a_plain_denial_says_what_is_sent_and_lists_what_may_be_the_cause() -> None:
    failure = plainly_denied(AES256)
    assert not failure.transient
    assert str(failure) == (
        "S3 answered: AccessDenied (403): Access Denied\n"
        "S3 names no cause: the customer compares the policies of the bucket and its key with what"
        " the connection sends, which is server_side_encryption AES256.\n"
        f"Possible causes: {NOT_GRANTED}; a policy demands another encryption, such as aws:kms"
        f" (sent: server_side_encryption AES256); {FORBIDDEN}."
    )


def test_the_causes_are_in_order_and_are_those_of_what_is_sent() -> None:
    assert plainly_denied(FULL).causes == (
        NOT_GRANTED,
        (
            "a policy demands another encryption, such as AES256 or another key (sent:"
            f" server_side_encryption aws:kms with {KEY})"
        ),
        f"the policy of {KEY} does not grant us kms:GenerateDataKey",
        "the bucket is not account 123456789012's",
        "we may not set an acl (public-read), which needs s3:PutObjectAcl",
        "we may not set tags, which needs s3:PutObjectTagging",
        "Block Public Access refuses the acl public-read",
        FORBIDDEN,
    )
    assert plainly_denied(FULL).advice.endswith(
        f"which is server_side_encryption aws:kms, kms_key_id {KEY}, acl public-read, storage_class"
        " STANDARD_IA, expected_bucket_owner 123456789012, bucket_key_enabled true, tags team=data."
    )


def test_without_a_header_the_buckets_own_encryption_may_be_the_cause() -> None:
    assert plainly_denied(PLAIN).causes == (
        NOT_GRANTED,
        (
            "a policy demands another encryption, such as AES256 or aws:kms (sent: no"
            " server_side_encryption)"
        ),
        (
            "the bucket encrypts by default with a KMS key whose policy does not grant us"
            " kms:GenerateDataKey"
        ),
        FORBIDDEN,
    )
    assert "which is no server_side_encryption." in plainly_denied(PLAIN).advice


def test_without_a_key_aws_kms_means_our_own_accounts() -> None:
    without = PLAIN.model_copy(update={"server_side_encryption": "aws:kms"})
    assert any("our own account's aws/s3 key" in cause for cause in plainly_denied(without).causes)


@pytest.mark.parametrize("acl", ["bucket-owner-full-control", "private"])
def test_block_public_access_minds_public_acls_alone(acl: str) -> None:
    causes = plainly_denied(PLAIN.model_copy(update={"acl": acl})).causes
    assert any(acl in cause for cause in causes)
    assert not any("Block Public Access" in cause for cause in causes)
