"""What customers write into their buckets' policies."""

from typing import Any, Final

# SeaweedFS knows one account; on AWS the principal is the origin page's, in account 213824691356.
WRITER_ARN: Final = "arn:aws:iam::000000000000:user/s3-copy"


def origin_policy(bucket: str) -> dict[str, Any]:
    """The one statement asked of a customer: `s3:PutObject` for the writer, nothing else."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": WRITER_ARN},
                "Action": "s3:PutObject",
                "Resource": f"arn:aws:s3:::{bucket}/*",
            }
        ],
    }


def encryption_policy(bucket: str) -> dict[str, Any]:
    """The same, and a put that does not ask for `AES256` is refused.

    Two denials, for another value and for no header at all, as in the Amazon S3 User Guide, "Using
    server-side encryption with Amazon S3 managed keys".
    """
    header = "s3:x-amz-server-side-encryption"
    deny = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:PutObject",
        "Resource": f"arn:aws:s3:::{bucket}/*",
    }
    policy = origin_policy(bucket)
    policy["Statement"] += [
        deny | {"Sid": "OtherValue", "Condition": {"StringNotEquals": {header: "AES256"}}},
        deny | {"Sid": "NoHeader", "Condition": {"Null": {header: "true"}}},
    ]
    return policy
