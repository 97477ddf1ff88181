"""What an AccessDenied tells, and what it leaves open.

Within an account or an organisation the answer names the action and the kind of policy that refused
it (Amazon S3 User Guide, "Troubleshoot access denied errors"; AWS IAM User Guide, "Troubleshoot
access denied error messages"). Across accounts it says "Access Denied" and no more: then no cause
is asserted, and the possible ones are listed.
"""

import re
from collections.abc import Iterator
from typing import Final

import msgspec

from transforms.connection import KMS, Connection
from transforms.failure_table import what_is_sent


class Denial(msgspec.Struct, frozen=True):
    """A refusal, read.

    Attributes:
        advice: What to do, and who does it.
        causes: What may be the cause, the likeliest first, where the answer leaves it open.
    """

    advice: str
    causes: tuple[str, ...] = ()


_ACTION: Final = re.compile(r"is not authorized to perform: (?P<action>[\w-]+:\w+)", re.IGNORECASE)
_POLICY: Final = re.compile(
    r"because no (?P<missing>[\w -]+?) allows\b"
    r"|with an explicit deny\b(?: in (?:an? |the )?(?P<denying>[\w -]+?(?:policy|boundary))\b)?",
    re.IGNORECASE,
)
# AWS KMS does not tell a key that is not there from one that is another's.
_KEY_OR_POLICY: Final = "resource does not exist in this region"
_PUBLIC_ACL: Final = "blockpublicacls"  # two wordings of it are about; both name the setting

_PUBLIC_ACLS: Final = ("public-read", "public-read-write", "authenticated-read")


def read_denial(message: str, connection: Connection) -> Denial:
    """Reads S3's answer to a put.

    Args:
        message: The message of the answer.
        connection: What the put was made with.
    """
    if _PUBLIC_ACL in message.lower():
        return Denial(
            f"The operator removes the connection's acl {connection.acl}, which the bucket's Block"
            " Public Access refuses, or the customer allows public ACLs."
        )
    named = _named(message, connection, connection.role_arn)
    return named or Denial(
        "S3 names no cause: the customer compares the policies of the bucket and its key with what"
        f" the connection sends, which is {what_is_sent(connection)}.",
        tuple(_possible_causes(connection)),
    )


def read_role_denial(message: str, connection: Connection) -> Denial:
    """Reads AWS STS's answer to `AssumeRole`, which is asked for with our own credentials."""
    role = f"the role {connection.role_arn}" if connection.role_arn else "the role of our profile"
    external_id = (
        "it asks for another external_id than the connection's"
        if connection.external_id
        else "it asks for an external_id, and the connection has none"
    )
    return _named(message, connection, None) or Denial(
        f"AWS names no cause: the owner of {role} and the operator compare its trust policy with"
        " our identity.",
        (
            "its trust policy does not name us",
            external_id,
            "there is no such role",
            "our own policy does not grant us sts:AssumeRole on it",
        ),
    )


def _named(message: str, connection: Connection, role: str | None) -> Denial | None:
    action_match, policy = _ACTION.search(message), _POLICY.search(message)
    if action_match is None:
        return None
    action = action_match["action"]
    if _KEY_OR_POLICY in message.lower():
        return _key_or_its_policy(action, connection)
    if policy is None:
        return None
    kind = (policy["missing"] or policy["denying"] or "policy").lower()
    where, who = _whose(kind, action, role)
    dropped = {
        "s3:putobjectacl": ", or the operator removes the connection's acl",
        "s3:putobjecttagging": ", or the operator removes the connection's tags",
    }.get(action.lower(), "")
    about_puts = where == "the bucket's policy" and action.lower() == "s3:putobject"
    if policy["missing"]:
        return Denial(
            f"Nothing in {where} allows {action}: {who} grants it to us{dropped}.",
            # A grant whose condition is not met counts for nothing.
            ("no statement grants it to us there", *_conditions(connection)) if about_puts else (),
        )
    if about_puts:
        return Denial(
            f"A Deny in {where} refuses {action}: {who} changes it, or the operator what the"
            f" connection sends, which is {what_is_sent(connection)}.",
            tuple(_conditions(connection)),
        )
    return Denial(f"A Deny in {where} refuses {action}: {who} changes it{dropped}.")


def _whose(kind: str, action: str, role: str | None) -> tuple[str, str]:
    """Where a policy of this kind is, and who may change it."""
    ours = f"the owner of {role}" if role else "the operator"
    if kind == "resource-based policy":
        return {
            "kms": ("the KMS key's policy", "the key's owner"),
            "sts": ("the role's trust policy", "the role's owner"),
        }.get(action.partition(":")[0].lower(), ("the bucket's policy", "the customer"))
    return {
        "role trust policy": ("the role's trust policy", "the role's owner"),
        "resource control policy": (
            "a resource control policy of the customer's organisation",
            "the customer",
        ),
        "service control policy": ("a service control policy of our organisation", ours),
        "vpc endpoint policy": ("the policy of our VPC endpoint", "the operator"),
        "identity-based policy": ("the policies of our identity", ours),
        "permissions boundary": ("the permissions boundary of our identity", ours),
        "session policy": ("the session policy of our identity", ours),
    }.get(kind, (f"a {kind}", "the customer or the operator"))


def _key_or_its_policy(action: str, connection: Connection) -> Denial:
    return Denial(
        f"The key's owner grants us {action} in the KMS key's policy, or the operator corrects"
        " kms_key_id.",
        (
            f"the key's policy does not grant us {action}",
            f"there is no such key in {connection.region}",
            f"the key's policy denies us {action}",
        ),
    )


def _possible_causes(connection: Connection) -> Iterator[str]:
    yield "the bucket's policy does not grant us s3:PutObject there, or our own policy does not"
    yield _other_encryption(connection)
    yield from _key_causes(connection)
    if connection.expected_bucket_owner:
        yield f"the bucket is not account {connection.expected_bucket_owner}'s"
    if connection.acl:
        yield f"we may not set an acl ({connection.acl}), which needs s3:PutObjectAcl"
    if connection.tags:
        yield "we may not set tags, which needs s3:PutObjectTagging"
    if connection.acl in _PUBLIC_ACLS:
        yield f"Block Public Access refuses the acl {connection.acl}"
    yield "a policy of an organisation or of a VPC endpoint forbids it"


def _other_encryption(connection: Connection) -> str:
    sent = connection.server_side_encryption
    other = "AES256" if sent in KMS else "aws:kms" if sent else "AES256 or aws:kms"
    what = f"server_side_encryption {sent}" if sent else "no server_side_encryption"
    if connection.kms_key_id:
        what, other = f"{what} with {connection.kms_key_id}", f"{other} or another key"
    return f"a policy demands another encryption, such as {other} (sent: {what})"


def _key_causes(connection: Connection) -> Iterator[str]:
    if connection.kms_key_id:
        yield f"the policy of {connection.kms_key_id} does not grant us kms:GenerateDataKey"
    elif connection.server_side_encryption in KMS:
        yield "without kms_key_id it is our own account's aws/s3 key, which we may not use"
    elif connection.server_side_encryption is None:
        yield (
            "the bucket encrypts by default with a KMS key whose policy does not grant us"
            " kms:GenerateDataKey"
        )


def _conditions(connection: Connection) -> Iterator[str]:
    """What statements of a bucket's policy are usually conditional on."""
    yield _other_encryption(connection)
    if connection.acl:
        yield f"it refuses the acl {connection.acl}"
    else:
        yield "it demands an acl, such as bucket-owner-full-control"
    if connection.storage_class:
        yield f"it refuses the storage_class {connection.storage_class}"
    if connection.tags:
        yield "it refuses the tags"
    yield "it allows only some addresses, VPC endpoints, accounts or prefixes"
