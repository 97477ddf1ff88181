import pytest

from tests.transforms.failure_fixtures import KEY, OBJECT, ROLE, USER, put_refused, role_refused
from transforms.connection import Connection
from transforms.failures import understand
from transforms.store import Failure

PLAIN = Connection(name="acme", bucket="acme-bucket", region="us-east-1")
AES256 = PLAIN.model_copy(update={"server_side_encryption": "AES256"})
FULL = PLAIN.model_copy(
    update={
        "server_side_encryption": "aws:kms",
        "kms_key_id": KEY,
        "bucket_key_enabled": True,
        "expected_bucket_owner": "123456789012",
        "acl": "public-read",
        "storage_class": "STANDARD_IA",
        "tags": {"team": "data"},
    }
)
NOT_GRANTED = "the bucket's policy does not grant us s3:PutObject there, or our own policy does not"
FORBIDDEN = "a policy of an organisation or of a VPC endpoint forbids it"


def denied(context: str, connection: Connection = AES256, action: str = "s3:PutObject") -> Failure:
    message = f'User: {USER} is not authorized to perform: {action} on resource: "{OBJECT}"'
    error = put_refused("AccessDenied", 403, f"{message} {context}")
    failure = understand(error, connection)
    assert failure.said == f"AccessDenied (403): {message} {context}"
    assert not failure.transient
    return failure


# --- across accounts S3 says no more than this ---


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


# --- within an account, or an organisation, it says why ---


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
