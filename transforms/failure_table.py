"""What each code of an answer means: the table itself, and what it speaks of.

Codes are those of the Amazon S3 API Reference, "Error responses"; those of AWS KMS come with `KMS.`
before them, as S3 passes them on; those of AWS STS are of `AssumeRole` and
`AssumeRoleWithWebIdentity`, and of AWS's "Common errors". The last group is other stores' own.

An advice is a format of `connection` and of `sent`, which is what the connection sends.
"""

from typing import Final

import msgspec

from transforms.connection import Connection


class Meaning(msgspec.Struct, frozen=True):
    """What a code means.

    Attributes:
        advice: One sentence: what is to be done, and who does it; empty where nobody need act.
        transient: Whether the same request may succeed later by itself.
    """

    advice: str = ""
    transient: bool = False


def what_is_sent(connection: Connection) -> str:
    """What decides an answer and is the same in every put of a connection, in its own words."""
    encryption = connection.server_side_encryption
    parts = [f"server_side_encryption {encryption}" if encryption else "no server_side_encryption"]
    fields = ("kms_key_id", "acl", "storage_class", "expected_bucket_owner")
    parts += [f"{name} {value}" for name in fields if (value := getattr(connection, name))]
    if connection.bucket_key_enabled is not None:
        parts.append(f"bucket_key_enabled {str(connection.bucket_key_enabled).lower()}")
    if connection.tags:
        parts.append("tags " + " ".join(f"{key}={value}" for key, value in connection.tags.items()))
    return ", ".join(parts)


_PASSES: Final = Meaning(transient=True)
_RENEW: Final = Meaning(
    "If it stays, the operator renews our temporary credentials.",
    # They are renewed before they expire; a machine that slept may be too late once.
    transient=True,
)
CLOCK: Final = Meaning("The operator sets the clock of this machine, which is minutes off.")
_KEY_PAIR: Final = Meaning(
    "The operator checks our access key, which AWS does not know in {connection.region}: it is"
    " deleted or disabled, or its account has not enabled that region."
)
_SIGNATURE: Final = Meaning(
    "The operator checks our secret, which does not fit the access key, and that no proxy changes"
    " headers."
)
_TOKEN: Final = Meaning(
    "The operator renews our session token, which is not valid in {connection.region}."
)
_SENT: Final = Meaning(
    "The operator compares this with what the connection sends, which is {sent}."
)
_NO_ACL: Final = Meaning(
    "The operator removes the connection's acl, as the bucket takes none, or the customer turns"
    " ACLs on."
)
_DIGEST: Final = Meaning(
    "The operator looks for a proxy that changes what passes between here and S3."
)
_TAGS: Final = Meaning("The operator corrects the connection's tags.")
_THROTTLED_KEY: Final = Meaning(
    "If it stays, the operator sets bucket_key_enabled, or the key's owner asks AWS for a higher"
    " KMS quota.",
    transient=True,
)
_KEY_MAY_PASS: Final = Meaning(
    "If it stays, the key's owner looks up the state of the KMS key and of its key store.",
    transient=True,
)
_FULL: Final = Meaning("The customer makes room in the store, or raises the bucket's quota.")
UNKNOWN: Final = _SENT
UNKNOWN_OF_KMS: Final = Meaning(
    "The key's owner checks the KMS key: its state, its policy and that it is in"
    " {connection.region}."
)
NOT_OF_S3: Final = Meaning(
    "The answer is not S3's own: the operator looks for a proxy or firewall between here and S3."
)

WRONG_REGION: Final = frozenset(
    {
        "PermanentRedirect",
        "PermanentRedirectControlError",
        "AuthorizationHeaderMalformed",
        "IllegalLocationConstraintException",
        "IncorrectEndpoint",
        "TemporaryRedirect",
        "Redirect",
    }
)
DENIALS: Final = frozenset({"AccessDenied", "AccessDeniedException", "KMS.AccessDeniedException"})

MEANINGS: Final[dict[str, Meaning]] = {
    # Pass by themselves
    "InternalError": _PASSES,
    "ServiceUnavailable": _PASSES,
    "SlowDown": _PASSES,
    "503 SlowDown": _PASSES,
    "RequestTimeout": _PASSES,  # 400: the body came too slowly
    "RequestTimeoutException": _PASSES,
    "PriorRequestNotComplete": _PASSES,
    "IncompleteBody": _PASSES,  # the connection broke in the middle of it
    "OperationAborted": _PASSES,  # 409: something else is changing the bucket
    "ConditionalRequestConflict": _PASSES,
    "Throttling": _PASSES,
    "ThrottlingException": _PASSES,
    "ThrottledException": _PASSES,
    "RequestThrottled": _PASSES,
    "RequestThrottledException": _PASSES,
    "RequestLimitExceeded": _PASSES,
    "BandwidthLimitExceeded": _PASSES,
    "LimitExceededException": _PASSES,
    "TooManyRequests": _PASSES,
    "TooManyRequestsException": _PASSES,
    # Credentials
    "ExpiredToken": _RENEW,
    "ExpiredTokenException": _RENEW,
    "TokenRefreshRequired": _RENEW,
    "InvalidToken": _TOKEN,
    "InvalidSecurity": _KEY_PAIR,
    "InvalidAccessKeyId": _KEY_PAIR,
    "InvalidClientTokenId": _KEY_PAIR,
    "UnrecognizedClientException": _KEY_PAIR,
    "SignatureDoesNotMatch": _SIGNATURE,
    "InvalidSignature": _SIGNATURE,
    "InvalidSignatureException": _SIGNATURE,
    "IncompleteSignature": _SIGNATURE,
    "MissingAuthenticationToken": _SIGNATURE,
    "MissingSecurityHeader": _SIGNATURE,
    "RequestTimeTooSkewed": CLOCK,
    "RequestExpired": CLOCK,
    # Accounts and buckets
    "NoSuchBucket": Meaning(
        "The operator corrects the connection's bucket, which does not exist, or the customer makes"
        " it."
    ),
    "InvalidBucketName": Meaning("The operator corrects the connection's bucket."),
    "InvalidBucketOwnerAWSAccountID": Meaning(
        "The operator corrects the connection's expected_bucket_owner."
    ),
    "AllAccessDisabled": Meaning("The customer asks AWS why all access to the bucket is shut off."),
    "InvalidPayer": Meaning("The customer asks AWS why all access to the bucket is shut off."),
    "AccountProblem": Meaning(
        "The customer and the operator ask AWS which of their accounts is not in order."
    ),
    "NotSignedUp": Meaning("The operator signs our account up for S3."),
    "OptInRequired": Meaning("The operator signs our account up for S3 in {connection.region}."),
    # What is sent
    "InvalidArgument": _SENT,
    "InvalidRequest": _SENT,
    "NotImplemented": _SENT,  # 501, and yet nothing that passes
    "InvalidEncryptionAlgorithmError": Meaning(
        "The operator corrects the connection's encryption, which the store does not take: {sent}."
    ),
    "AccessControlListNotSupported": _NO_ACL,
    "InvalidBucketAclWithObjectOwnership": _NO_ACL,
    "MalformedACLError": _NO_ACL,
    "InvalidStorageClass": Meaning("The operator corrects the connection's storage_class."),
    "InvalidTag": _TAGS,
    "TagPolicyException": _TAGS,
    "EntityTooLarge": Meaning(
        "The operator lowers the destination's max_object_bytes: one put takes 5 GiB at most."
    ),
    "MaxMessageLengthExceeded": Meaning("The operator lowers the destination's max_object_bytes."),
    "KeyTooLongError": Meaning("The operator shortens the destination's prefix."),
    "BadDigest": _DIGEST,
    "InvalidDigest": _DIGEST,
    "XAmzContentSHA256Mismatch": _DIGEST,
    "XAmzContentChecksumMismatch": _DIGEST,
    "MethodNotAllowed": Meaning(
        "The operator corrects the connection's endpoint_url or bucket, which take no puts."
    ),
    # AWS KMS
    "KMS.DisabledException": Meaning("The key's owner enables the KMS key."),
    "KMS.NotFoundException": Meaning(
        "There is no such KMS key in {connection.region}: the operator corrects kms_key_id, or the"
        " customer the bucket's default encryption."
    ),
    "KMS.KMSInvalidStateException": Meaning(
        "The key's owner brings the KMS key back into use: it is pending deletion or import, or its"
        " key store is disconnected."
    ),
    "KMS.InvalidKeyUsageException": Meaning(
        "The operator names a symmetric key for encryption in kms_key_id, or the customer in the"
        " bucket's default encryption."
    ),
    "KMS.UnrecognizedClientException": _KEY_PAIR,
    "KMS.KeyUnavailableException": _KEY_MAY_PASS,
    "KMS.DependencyTimeoutException": _KEY_MAY_PASS,
    "KMS.KMSInternalException": _KEY_MAY_PASS,
    "KMS.InternalException": _KEY_MAY_PASS,
    "KMS.ThrottlingException": _THROTTLED_KEY,
    "KMS.LimitExceededException": _THROTTLED_KEY,
    "KMS.RequestLimitExceeded": _THROTTLED_KEY,
    # AWS STS
    "RegionDisabledException": Meaning(
        "The owner of the role's account activates STS in {connection.region}."
    ),
    "PackedPolicyTooLarge": Meaning("The operator shortens the tags and policies of our session."),
    "MalformedPolicyDocument": Meaning("The operator corrects the policies of our session."),
    "ValidationError": Meaning("The operator corrects the connection's role_arn and external_id."),
    "IDPCommunicationError": Meaning(
        "If it stays, the operator checks that AWS can reach our identity provider.",
        transient=True,
    ),
    "IDPRejectedClaim": Meaning("The operator has a new token given by our identity provider."),
    "InvalidIdentityToken": Meaning("The operator has a new token given by our identity provider."),
    # Other stores
    "QuotaExceeded": _FULL,  # Ceph
    "XMinioAdminBucketQuotaExceeded": _FULL,
    "XMinioStorageFull": _FULL,  # 507
}
