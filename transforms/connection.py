"""A connection: a bucket with its region and encryption, as the configuration names it."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, Field, StrictBool

from transforms import bucket_rules as rules
from transforms.bucket_rules import Text, text_like
from transforms.refusals import Refusal, Section, quote

KMS: Final = ("aws:kms", "aws:kms:dsse")

Bucket = Annotated[str, AfterValidator(rules.valid_bucket), text_like(rules.BUCKET.pattern)]
Region = Annotated[str, AfterValidator(rules.valid_region)]
KmsKey = Annotated[str, AfterValidator(rules.valid_kms_key), text_like(rules.KMS_KEY.pattern)]
Account = Annotated[str, AfterValidator(rules.valid_account), text_like(rules.ACCOUNT.pattern)]
Role = Annotated[str, AfterValidator(rules.valid_role), text_like(rules.ROLE.pattern)]
ExternalId = Annotated[
    str, AfterValidator(rules.valid_external_id), text_like(rules.EXTERNAL_ID.pattern)
]
Endpoint = Annotated[str, AfterValidator(rules.valid_endpoint), text_like("https?://.+")]
Tags = Annotated[dict[str, str], AfterValidator(rules.valid_tags)]


class Connection(Section):
    """A bucket with its region and encryption, named so that many destinations can use it."""

    name: Text = Field(
        description="What destinations call this connection. Unique among the connections.",
        examples=["acme-events"],
    )
    bucket: Bucket = Field(
        description="The bucket's name, by S3's rules for general purpose buckets. Dots are "
        "allowed. The writer needs `s3:PutObject` in it and nothing else.",
        examples=["acme-events"],
    )
    region: Region = Field(
        description="The bucket's region, exactly as AWS shows it, of any partition.",
        examples=["us-east-1"],
    )
    server_side_encryption: Literal["AES256", "aws:kms", "aws:kms:dsse"] | None = Field(
        None,
        description="The encryption that every put asks for; a bucket policy may require it. "
        "Without it no header is sent and the bucket's own default holds.",
        examples=["AES256"],
    )
    kms_key_id: KmsKey | None = Field(
        None,
        description="The ARN of the KMS key, of the bucket's region; only with `aws:kms` or "
        "`aws:kms:dsse`. Its key policy must grant the writer `kms:GenerateDataKey`. An alias or a "
        "bare id is refused: it is looked up in the writer's account, not the bucket owner's.",
        examples=["arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"],
    )
    bucket_key_enabled: StrictBool | None = Field(
        None,
        description="Whether S3 uses a bucket key, which saves calls to KMS; only with `aws:kms`. "
        "Without it the bucket's own setting holds.",
        examples=[True],
    )
    expected_bucket_owner: Account | None = Field(
        None,
        description="The account that must own the bucket, 12 digits in quotes. S3 refuses the put "
        "where another account does: nobody else gets the events if the bucket is deleted and its "
        "name taken.",
        examples=["111122223333"],
    )
    role_arn: Role | None = Field(
        None,
        description="A role to assume for this bucket, instead of the credentials that the AWS "
        "default chain finds.",
        examples=["arn:aws:iam::111122223333:role/event-writer"],
    )
    external_id: ExternalId | None = Field(
        None,
        description="The external id that the role's trust policy asks for; only with `role_arn`.",
        examples=["acme-7f3c"],
    )
    acl: (
        Literal[
            "private",
            "public-read",
            "public-read-write",
            "authenticated-read",
            "aws-exec-read",
            "bucket-owner-read",
            "bucket-owner-full-control",
        ]
        | None
    ) = Field(
        None,
        description="A canned ACL. It needs `s3:PutObjectAcl`, and buckets made since April 2023 "
        "take none but `bucket-owner-full-control` unless their owner turned ACLs on.",
        examples=["bucket-owner-full-control"],
    )
    storage_class: (
        Literal[
            "STANDARD",
            "REDUCED_REDUNDANCY",
            "STANDARD_IA",
            "ONEZONE_IA",
            "INTELLIGENT_TIERING",
            "GLACIER_IR",
            "GLACIER",
            "DEEP_ARCHIVE",
        ]
        | None
    ) = Field(
        None,
        description="The storage class of the objects. Without it: `STANDARD`.",
        examples=["STANDARD_IA"],
    )
    tags: Tags = Field(
        default_factory=dict,
        description="Tags for every object, at most 10. They need `s3:PutObjectTagging`.",
        examples=[{"team": "analytics"}],
    )
    endpoint_url: Endpoint | None = Field(
        None,
        description="Another address for S3: a VPC endpoint, or a store that speaks S3. It must be "
        "`https`; `http` is allowed on this machine alone.",
        examples=["https://s3.example.com"],
    )

    @classmethod
    def across(cls, fields: Mapping[str, Any]) -> Iterator[Refusal]:
        """A KMS key, a bucket key and an external id only where they mean something."""
        # A refused field is taken for right here: it has an error of its own already.
        encryption = fields.get("server_side_encryption", "aws:kms")
        key, region = fields.get("kms_key_id"), fields.get("region")
        if key and encryption not in KMS:
            yield Refusal(("kms_key_id",), f"needs server_side_encryption: {KMS[0]} or {KMS[1]}")
        if key and region and not rules.kms_key_fits(key, region):
            yield Refusal(
                ("kms_key_id",), f"{quote(key)} is not of the bucket's region {region}, as S3 asks"
            )
        if fields.get("bucket_key_enabled") is not None and encryption != "aws:kms":
            why = (
                "S3 has no bucket keys for aws:kms:dsse"
                if encryption == "aws:kms:dsse"
                else "needs server_side_encryption: aws:kms"
            )
            yield Refusal(("bucket_key_enabled",), why)
        if fields.get("external_id") and fields.get("role_arn", "refused") is None:
            yield Refusal(("external_id",), "needs role_arn: it is sent when a role is assumed")
