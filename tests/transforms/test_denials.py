"""Denials that name what refused: a policy, a key, a role; within an account or an organisation."""

import pytest

from tests.transforms.failure_fixtures import (
    AES256,
    FULL,
    OBJECT,
    PLAIN,
    ROLE,
    USER,
    put_refused,
    role_refused,
)
from transforms.connection import Connection
from transforms.failures import understand
from transforms.store import Failure


def denied(context: str, connection: Connection = AES256, action: str = "s3:PutObject") -> Failure:
    message = f'User: {USER} is not authorized to perform: {action} on resource: "{OBJECT}"'
    error = put_refused("AccessDenied", 403, f"{message} {context}")
    failure = understand(error, connection)
    assert failure.said == f"AccessDenied (403): {message} {context}"
    assert not failure.transient
    return failure


@pytest.mark.parametrize(
    ("context", "advice"),
    [
        (
            "because no identity-based policy allows the s3:PutObject action",
            "Nothing in the policies of our identity allows s3:PutObject: the operator grants",
        ),
        (
            "because no permissions boundary allows the s3:PutObject action",
            "Nothing in the permissions boundary of our identity allows s3:PutObject: the operator",
        ),
        (
            "because no session policy allows the s3:PutObject action",
            "Nothing in the session policy of our identity allows s3:PutObject: the operator",
        ),
        (
            "because no service control policy allows the s3:PutObject action",
            "Nothing in a service control policy of our organisation allows s3:PutObject: the oper",
        ),
        (
            "because no VPC endpoint policy allows the s3:PutObject action",
            "Nothing in the policy of our VPC endpoint allows s3:PutObject: the operator grants",
        ),
        (
            "with an explicit deny in an identity-based policy: arn:aws:iam::1:policy/p",
            "A Deny in the policies of our identity refuses s3:PutObject: the operator changes it.",
        ),
        (
            "with an explicit deny in a permissions boundary",
            "A Deny in the permissions boundary of our identity refuses s3:PutObject: the operator",
        ),
        (
            "with an explicit deny in a session policy",
            "A Deny in the session policy of our identity refuses s3:PutObject: the operator",
        ),
        (
            "with an explicit deny in a service control policy",
            "A Deny in a service control policy of our organisation refuses s3:PutObject: the oper",
        ),
        (
            "with an explicit deny in a resource control policy, with policy ARN: arn:aws:o::7:p",
            (
                "A Deny in a resource control policy of the customer's organisation refuses"
                " s3:PutObject: the customer changes it."
            ),
        ),
        (
            "with an explicit deny in a VPC endpoint policy",
            "A Deny in the policy of our VPC endpoint refuses s3:PutObject: the operator changes",
        ),
        ("with an explicit deny", "A Deny in a policy refuses s3:PutObject: the customer or the"),
    ],
)
def test_a_policy_that_is_named_is_what_the_advice_is_about(context: str, advice: str) -> None:
    failure = denied(context)
    assert failure.advice.startswith(advice)
    assert failure.causes == ()


def test_the_owner_of_our_role_answers_for_its_policies() -> None:
    assumed = AES256.model_copy(update={"role_arn": ROLE})
    failure = denied("because no identity-based policy allows the s3:PutObject action", assumed)
    assert f"the owner of {ROLE} grants it to us" in failure.advice


CONDITIONS = (
    ("a policy demands another encryption, such as aws:kms (sent: server_side_encryption AES256)"),
    "it demands an acl, such as bucket-owner-full-control",
    "it allows only some addresses, VPC endpoints, accounts or prefixes",
)


def test_a_grant_that_is_missing_may_be_one_whose_condition_is_not_met() -> None:
    failure = denied("because no resource-based policy allows the s3:PutObject action")
    assert failure.advice == (
        "Nothing in the bucket's policy allows s3:PutObject: the customer grants it to us."
    )
    assert failure.causes == ("no statement grants it to us there", *CONDITIONS)


def test_a_deny_in_the_buckets_policy_still_leaves_open_what_it_minds() -> None:
    failure = denied("with an explicit deny in a resource-based policy")
    assert failure.advice == (
        "A Deny in the bucket's policy refuses s3:PutObject: the customer changes it, or the"
        " operator what the connection sends, which is server_side_encryption AES256."
    )
    assert failure.causes == CONDITIONS


def test_a_deny_may_mind_anything_that_is_sent() -> None:
    causes = denied("with an explicit deny in a resource-based policy", FULL).causes
    assert "it refuses the acl public-read" in causes
    assert "it refuses the storage_class STANDARD_IA" in causes
    assert "it refuses the tags" in causes


@pytest.mark.parametrize(
    ("action", "field"), [("s3:PutObjectAcl", "acl"), ("s3:PutObjectTagging", "tags")]
)
def test_a_right_that_a_field_needs_may_be_done_without(action: str, field: str) -> None:
    for context in (
        f"because no resource-based policy allows the {action} action",
        "with an explicit deny in a resource-based policy",
    ):
        advice = denied(context, FULL, action).advice
        assert f"{action}: the customer" in advice
        assert advice.endswith(f", or the operator removes the connection's {field}.")


@pytest.mark.parametrize(
    "context",
    [
        (
            "because public access control lists (ACLs) are blocked by the BlockPublicAcls block"
            " public access setting."
        ),
        (
            "because public ACLs are prevented by the BlockPublicAcls setting in S3 Block Public"
            " Access."
        ),
    ],
)
def test_block_public_access_is_named(context: str) -> None:
    failure = denied(context, FULL, "s3:PutObjectAcl")
    assert "operator removes the connection's acl public-read" in failure.advice
    assert failure.causes == ()


# --- keys ---


@pytest.mark.parametrize(
    ("context", "advice"),
    [
        (
            "because no resource-based policy allows the kms:GenerateDataKey action",
            "Nothing in the KMS key's policy allows kms:GenerateDataKey: the key's owner grants it",
        ),
        (
            "because no identity-based policy allows the kms:GenerateDataKey action",
            "Nothing in the policies of our identity allows kms:GenerateDataKey: the operator",
        ),
        (
            "with an explicit deny in a resource-based policy",
            "A Deny in the KMS key's policy refuses kms:GenerateDataKey: the key's owner",
        ),
    ],
)
def test_a_key_that_is_refused_is_its_owners(context: str, advice: str) -> None:
    failure = denied(context, FULL, "kms:GenerateDataKey")
    assert failure.advice.startswith(advice)
    assert failure.causes == ()


def test_a_key_of_another_account_may_not_be_there_at_all() -> None:
    error = put_refused(
        "AccessDenied",
        403,
        f"User: {USER} is not authorized to perform: kms:GenerateDataKey on this resource because"
        " the resource does not exist in this Region, no resource-based policies allow access, or"
        " a resource-based policy explicitly denies access",
    )
    failure = understand(error, FULL)
    assert failure.advice == (
        "The key's owner grants us kms:GenerateDataKey in the KMS key's policy, or the operator"
        " corrects kms_key_id."
    )
    assert failure.causes == (
        "the key's policy does not grant us kms:GenerateDataKey",
        "there is no such key in us-east-1",
        "the key's policy denies us kms:GenerateDataKey",
    )


# --- roles ---

ASSUME = f"User: {USER} is not authorized to perform: sts:AssumeRole"


def test_a_role_that_is_not_given_leaves_open_why() -> None:
    connection = PLAIN.model_copy(update={"role_arn": ROLE, "external_id": "ext-1"})
    message = f"{ASSUME} on resource: {ROLE}"
    failure = understand(role_refused("AccessDenied", 403, message), connection)
    assert not failure.transient
    assert failure.said == f"AccessDenied (403): {message}"
    assert f"the owner of the role {ROLE} and the operator" in failure.advice
    assert failure.causes == (
        "its trust policy does not name us",
        "it asks for another external_id than the connection's",
        "there is no such role",
        "our own policy does not grant us sts:AssumeRole on it",
    )


def test_an_external_id_may_be_what_is_missing() -> None:
    connection = PLAIN.model_copy(update={"role_arn": ROLE})
    failure = understand(role_refused("AccessDenied", 403, "Access denied"), connection)
    assert "it asks for an external_id, and the connection has none" in failure.causes


@pytest.mark.parametrize(
    ("context", "advice"),
    [
        (
            "because no role trust policy allows the sts:AssumeRole action",
            "Nothing in the role's trust policy allows sts:AssumeRole: the role's owner grants",
        ),
        (
            "with an explicit deny in the role trust policy",
            "A Deny in the role's trust policy refuses sts:AssumeRole: the role's owner changes",
        ),
        # It is our own identity that asks for the role, not the role.
        (
            "because no identity-based policy allows the sts:AssumeRole action",
            "Nothing in the policies of our identity allows sts:AssumeRole: the operator grants",
        ),
    ],
)
def test_a_role_that_is_refused_by_a_policy_is_its_owners(context: str, advice: str) -> None:
    connection = PLAIN.model_copy(update={"role_arn": ROLE})
    failure = understand(role_refused("AccessDenied", 403, f"{ASSUME} {context}"), connection)
    assert failure.advice.startswith(advice)
    assert failure.causes == ()
