import re

import pytest
from botocore.exceptions import ClientError

from tests.transforms.failure_fixtures import (
    KEY,
    PLAIN,
    ROLE,
    put_answered,
    put_refused,
    role_refused,
)
from transforms.connection import Connection
from transforms.failure_table import MEANINGS, NOT_OF_S3, UNKNOWN, UNKNOWN_OF_KMS
from transforms.failures import understand

FULL = Connection(
    name="acme",
    bucket="acme-bucket",
    region="us-east-1",
    server_side_encryption="aws:kms",
    kms_key_id=KEY,
    bucket_key_enabled=True,
    expected_bucket_owner="123456789012",
    acl="bucket-owner-full-control",
    storage_class="STANDARD_IA",
    tags={"team": "data"},
    role_arn=ROLE,
    external_id="ext-1",
)

# code, status, transient, words of the advice
TABLE = [
    ("InternalError", 500, True, ""),
    ("ServiceUnavailable", 503, True, ""),
    ("SlowDown", 503, True, ""),
    ("RequestTimeout", 400, True, ""),
    ("IncompleteBody", 400, True, ""),
    ("OperationAborted", 409, True, ""),
    ("ConditionalRequestConflict", 409, True, ""),
    ("ThrottlingException", 400, True, ""),
    ("ExpiredToken", 400, True, "operator renews our temporary credentials"),
    ("ExpiredTokenException", 400, True, "operator renews our temporary credentials"),
    ("TokenRefreshRequired", 400, True, "operator renews our temporary credentials"),
    ("InvalidToken", 400, False, "operator renews our session token"),
    ("InvalidAccessKeyId", 403, False, "access key, which AWS does not know in us-east-1"),
    ("SignatureDoesNotMatch", 403, False, "operator checks our secret"),
    ("RequestTimeTooSkewed", 403, False, "operator sets the clock"),
    ("RequestExpired", 400, False, "operator sets the clock"),
    ("NoSuchBucket", 404, False, "bucket, which does not exist, or the customer makes it"),
    ("AllAccessDisabled", 403, False, "customer asks AWS"),
    ("AccountProblem", 403, False, "ask AWS which of their accounts"),
    ("NotSignedUp", 403, False, "operator signs our account up"),
    ("InvalidArgument", 400, False, f"which is server_side_encryption aws:kms, kms_key_id {KEY}"),
    ("InvalidRequest", 400, False, "acl bucket-owner-full-control, storage_class STANDARD_IA"),
    ("NotImplemented", 501, False, "what the connection sends"),
    ("InvalidEncryptionAlgorithmError", 400, False, "the connection's encryption"),
    ("AccessControlListNotSupported", 400, False, "operator removes the connection's acl"),
    ("InvalidStorageClass", 400, False, "storage_class"),
    ("InvalidTag", 400, False, "tags"),
    ("EntityTooLarge", 400, False, "max_object_bytes"),
    ("KeyTooLongError", 400, False, "prefix"),
    ("BadDigest", 400, False, "proxy"),
    ("MethodNotAllowed", 405, False, "endpoint_url"),
    ("KMS.DisabledException", 400, False, "key's owner enables"),
    ("KMS.NotFoundException", 400, False, "no such KMS key in us-east-1"),
    ("KMS.KMSInvalidStateException", 400, False, "pending deletion or import"),
    ("KMS.InvalidKeyUsageException", 400, False, "symmetric key"),
    ("KMS.UnrecognizedClientException", 400, False, "its account has not enabled that region"),
    ("KMS.KeyUnavailableException", 400, True, "key's owner"),
    ("KMS.DependencyTimeoutException", 400, True, "key's owner"),
    ("KMS.KMSInternalException", 400, True, "key's owner"),
    ("KMS.ThrottlingException", 400, True, "bucket_key_enabled"),
    ("KMS.LimitExceededException", 400, True, "KMS quota"),
    ("QuotaExceeded", 403, False, "customer makes room"),
    ("XMinioStorageFull", 507, False, "customer makes room"),
    # What no table knows
    ("SomethingNew", 500, True, ""),
    ("SomethingNew", 599, True, ""),
    ("SomethingNew", 408, True, ""),
    ("SomethingNew", 429, True, ""),
    ("SomethingNew", 400, False, "what the connection sends"),
    ("SomethingNew", 418, False, "what the connection sends"),
    ("SomethingNew", 302, False, "not at this address of us-east-1"),
    ("KMS.SomethingNew", 400, False, "key's owner checks the KMS key"),
]
ROLE_TABLE = [
    ("RegionDisabledException", 403, False, "activates STS in us-east-1"),
    ("PackedPolicyTooLarge", 400, False, "tags and policies of our session"),
    ("ExpiredTokenException", 400, True, "renews our temporary credentials"),
    ("ExpiredToken", 403, True, "renews our temporary credentials"),
    ("InvalidClientTokenId", 403, False, "operator checks our access key"),
    ("IDPCommunicationError", 400, True, "identity provider"),
    ("IDPRejectedClaim", 403, False, "identity provider"),
    ("InvalidIdentityToken", 400, False, "identity provider"),
    ("ValidationError", 400, False, "role_arn"),
    ("Throttling", 400, True, ""),
    ("ServiceUnavailable", 503, True, ""),
]


@pytest.mark.parametrize(("code", "status", "transient", "advice"), TABLE)
def test_a_code_says_whether_it_passes_and_what_to_do(
    code: str, status: int, advice: str, *, transient: bool
) -> None:
    failure = understand(put_refused(code, status, "In its own words."), FULL)
    assert failure.said == f"{code} ({status}): In its own words."
    assert failure.transient is transient
    assert failure.answered
    assert advice in failure.advice
    assert bool(failure.advice) is bool(advice)


@pytest.mark.parametrize(("code", "status", "transient", "advice"), ROLE_TABLE)
def test_a_role_that_cannot_be_had_says_so_too(
    code: str, status: int, advice: str, *, transient: bool
) -> None:
    failure = understand(role_refused(code, status), FULL)
    assert (failure.transient, failure.answered) == (transient, True)
    assert advice in failure.advice
    assert bool(failure.advice) is bool(advice)


def test_every_advice_is_one_sentence_with_someone_who_acts() -> None:
    for meaning in (*MEANINGS.values(), UNKNOWN, UNKNOWN_OF_KMS, NOT_OF_S3):
        advice = meaning.advice.format(connection=FULL, sent="x", host="S3")
        assert advice or meaning.transient
        if advice:
            assert re.fullmatch(r"[A-Z][^.]*\.", advice)
            assert re.search(r"\b(operator|customer|owner)\b", advice)


def test_the_requests_that_were_sent_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)
    assert understand(put_answered(503, attempts=3), PLAIN).attempts == 3
    assert understand(put_refused("NoSuchBucket", 404), PLAIN).attempts == 1


# --- wrong regions ---

ELSEWHERE = "The bucket is in eu-west-1, not in us-east-1: the operator corrects the connection's "


@pytest.mark.parametrize(
    "error",
    [
        put_answered(301, headers={"x-amz-bucket-region": "eu-west-1"}),
        put_answered(307, headers={"x-amz-bucket-region": "eu-west-1"}),
        put_refused("AuthorizationHeaderMalformed", 400, "…", Region="eu-west-1"),
        put_refused(
            "AuthorizationHeaderMalformed",
            400,
            "The authorization header is malformed; the region 'us-east-1' is wrong; expecting"
            " 'eu-west-1'",
        ),
    ],
    ids=["header", "temporary", "field", "message"],
)
def test_a_wrong_region_names_the_right_one(error: ClientError) -> None:
    failure = understand(error, PLAIN)
    assert failure.advice == f"{ELSEWHERE}region."
    assert not failure.transient
    elsewhere = PLAIN.model_copy(update={"endpoint_url": "https://s3.example.com"})
    assert understand(error, elsewhere).advice == f"{ELSEWHERE}region and endpoint_url."


@pytest.mark.parametrize(
    "error",
    [
        put_answered(301),
        put_refused("PermanentRedirect", 301),
        put_refused("IllegalLocationConstraintException", 400),
        put_answered(301, headers={"x-amz-bucket-region": "{connection.__class__}"}),
    ],
    ids=["bare", "PermanentRedirect", "IllegalLocationConstraint", "no region's name"],
)
def test_a_wrong_region_without_the_right_one_has_the_customer_asked(error: ClientError) -> None:
    failure = understand(error, PLAIN)
    assert "not at this address of us-east-1: the operator asks the customer" in failure.advice
    assert not failure.transient


def test_a_new_bucket_whose_name_is_not_known_yet_passes() -> None:
    same = {"x-amz-bucket-region": "us-east-1"}
    failure = understand(put_answered(307, headers=same), PLAIN)
    assert failure.transient
    assert "new bucket" in failure.advice


def test_a_malformed_header_without_a_region_may_be_the_access_key() -> None:
    failure = understand(put_refused("AuthorizationHeaderMalformed"), PLAIN)
    assert "region, and our access key for stray characters" in failure.advice


# --- answers that are none of S3's ---


@pytest.mark.parametrize("body", ["", "<html><body>Blocked</body></html>", "Blocked by proxy"])
def test_an_answer_without_a_code_is_somebody_elses(body: str) -> None:
    failure = understand(put_answered(403, body), PLAIN)
    assert failure.said == "403: Forbidden"
    assert "proxy or firewall" in failure.advice
    assert not failure.transient
    assert understand(put_answered(502, body), PLAIN).transient


def test_aws_sts_says_in_other_words_that_the_clock_is_wrong() -> None:
    message = "Signature expired: 20261120T100000Z is now earlier than 20261120T101500Z"
    failure = understand(role_refused("SignatureDoesNotMatch", 403, message), FULL)
    assert "operator sets the clock" in failure.advice
    assert message in failure.said
