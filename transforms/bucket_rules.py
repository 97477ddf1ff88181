"""What AWS accepts as a bucket, a region, a key prefix, a key ARN, tags; checked without a network.

Each function returns the value, perhaps tidied, or raises `ValueError` with a reason that says what
is allowed. Names of pages are those of the Amazon S3 User Guide unless another guide is named.
"""

import re
import unicodedata
from functools import cache
from ipaddress import ip_address
from typing import Annotated, Final
from urllib.parse import SplitResult, urlsplit

from botocore.loaders import Loader
from botocore.utils import is_valid_endpoint_url, is_valid_ipv6_endpoint_url
from pydantic import AfterValidator, WithJsonSchema

from transforms.refusals import nearest, quote

BUCKET: Final = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_RESERVED_STARTS: Final = ("xn--", "sthree-", "amzn-s3-demo-")
_RESERVED_ENDS: Final = {
    "-s3alias": "an access point alias",
    "--ol-s3": "an Object Lambda access point",
    ".mrap": "a Multi-Region Access Point",
    "--x-s3": "a directory bucket",
    "--table-s3": "a table bucket",
}
KMS_KEY: Final = re.compile(r"arn:(aws[a-z-]*):kms:([a-z0-9-]+):[0-9]{12}:key/[A-Za-z0-9-]{1,256}")
ROLE: Final = re.compile(r"arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9+=,.@_/-]{1,512}")
EXTERNAL_ID: Final = re.compile(r"[A-Za-z0-9_+=,.@:/-]{2,1224}")
ACCOUNT: Final = re.compile(r"[0-9]{12}")
_MOST_TAGS: Final = 10
_TAG_KEY: Final = 128  # UTF-16 code units
_TAG_VALUE: Final = 256


@cache
def _partitions() -> dict[str, str]:
    # The list that comes with botocore, by which its clients find their endpoints.
    partitions = Loader().load_data("partitions")["partitions"]
    return {
        region: partition["id"]
        for partition in partitions
        for region in partition["regions"]
        if not region.endswith("-global")  # a name for services without regions
    }


def known_regions() -> list[str]:
    """The regions of all partitions that the installed botocore knows, sorted."""
    return sorted(_partitions())


def valid_region(region: str) -> str:
    """A region as AWS shows it, of any partition: `us-east-1`, `cn-north-1`, `us-gov-west-1`."""
    if region not in _partitions():
        raise ValueError(
            f"{quote(region)} is no AWS region{nearest(region, known_regions())}; write it as AWS "
            "shows it, like us-east-1 (a region opened since needs a newer boto3)"
        )
    return region


def valid_bucket(bucket: str) -> str:
    """A name by "General purpose bucket naming rules"; dots are allowed, `-an` names are too."""
    allowed = "a bucket name has 3 to 63 lower-case letters, digits, hyphens and dots"
    if not BUCKET.fullmatch(bucket):
        raise ValueError(
            f"{quote(bucket)} is no bucket name: {allowed}, and starts and ends with a letter or "
            "a digit"
        )
    if ".." in bucket:
        raise ValueError(f"{quote(bucket)} is no bucket name: two dots must not stand together")
    if re.fullmatch(r"\d+\.\d+\.\d+\.\d+", bucket):
        raise ValueError(f"{quote(bucket)} is no bucket name: it must not look like an IP address")
    for start in _RESERVED_STARTS:
        if bucket.startswith(start):
            raise ValueError(f"{quote(bucket)} is no bucket name: S3 reserves the start {start!r}")
    for end, what in _RESERVED_ENDS.items():
        if bucket.endswith(end):
            raise ValueError(
                f"{quote(bucket)} is the name of {what} ({end!r}), not of a general purpose bucket"
            )
    return bucket


def plain_text(text: str) -> str:
    """Text without what cannot stand in a key, a log line or a header, and not blank."""
    if not text.strip():
        raise ValueError("must not be empty")
    for character in text:
        if unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"}:
            raise ValueError(
                f"has the character {character!a}: control characters, line breaks and halves of "
                "surrogate pairs are not allowed"
            )
    return text


def text_like(pattern: str) -> WithJsonSchema:
    """What the JSON Schema says of a text that must match a pattern from end to end."""
    return WithJsonSchema({"type": "string", "pattern": f"^({pattern})$"})


Text = Annotated[str, AfterValidator(plain_text), text_like(r".*\S.*")]


def valid_prefix(prefix: str) -> str:
    """A key prefix that works as a folder everywhere; one `/` at its end is taken off.

    "Naming Amazon S3 objects" warns of control characters, backslashes and the segments `.` and
    `..`, which many clients resolve; an empty segment becomes a folder without a name.
    """
    if not prefix:
        return prefix
    plain_text(prefix)
    if prefix.startswith("/"):
        raise ValueError(f"{quote(prefix)} must not start with '/': a prefix is relative")
    if "\\" in prefix:
        raise ValueError(f"{quote(prefix)} must not hold a backslash; folders are parted by '/'")
    stripped = prefix.removesuffix("/")
    for segment in stripped.split("/"):
        if segment in {"", ".", ".."}:
            raise ValueError(f"{quote(prefix)} must not hold the segment {segment!r}")
    return stripped


def valid_kms_key(key: str) -> str:
    """The ARN of a key, not of an alias ("Specifying server-side encryption with AWS KMS")."""
    if KMS_KEY.fullmatch(key):
        return key
    wanted = "give the key's own ARN, arn:aws:kms:REGION:ACCOUNT:key/ID"
    if key.startswith("alias/") or ":alias/" in key:
        raise ValueError(
            f"{quote(key)} is an alias, which resolves in the account of the writer and not in the "
            f"bucket owner's; {wanted}"
        )
    if re.fullmatch(r"(mrk-)?[0-9a-fA-F-]{32,36}", key):
        raise ValueError(
            f"{quote(key)} is a key's id alone, which is looked up in the account of the writer "
            f"and not in the bucket owner's; {wanted}"
        )
    raise ValueError(f"{quote(key)} is no KMS key; {wanted}")


def kms_key_fits(key: str, region: str) -> bool:
    """Whether a key's ARN is of this region and of its partition: S3 takes no other key."""
    match = KMS_KEY.fullmatch(key)
    return match is not None and match.groups() == (_partitions().get(region), region)


def valid_role(role: str) -> str:
    """The ARN of a role (IAM User Guide, "IAM identifiers")."""
    if not ROLE.fullmatch(role):
        raise ValueError(
            f"{quote(role)} is no role; write it like arn:aws:iam::111122223333:role/NAME"
        )
    return role


def valid_external_id(external_id: str) -> str:
    """An external id by the AssumeRole page of the AWS STS API Reference."""
    if not EXTERNAL_ID.fullmatch(external_id):
        raise ValueError(
            "an external id has 2 to 1224 letters, digits and characters of _+=,.@:/- and no spaces"
        )
    return external_id


def valid_account(account: str) -> str:
    """An account's number (AWS Account Management Reference, "AWS account identifiers")."""
    if not ACCOUNT.fullmatch(account):
        raise ValueError(f"{quote(account)} is no AWS account; it has 12 digits, in quotes")
    return account


def valid_endpoint(url: str) -> str:
    """An `https` address, or an `http` one on this machine, where nobody listens in between."""
    parts = _split(plain_text(url))
    if parts is None or parts.hostname is None or parts.scheme not in {"http", "https"}:
        raise ValueError("is no address; write it like https://s3.example.com")
    if not (
        is_valid_endpoint_url(url) or is_valid_ipv6_endpoint_url(url)
    ):  # else the client would refuse it when all was read
        raise ValueError("has a host name that cannot be one")
    if parts.username is not None or parts.query or parts.fragment:
        # Not quoted: what stands before the @ would be a password.
        raise ValueError("must hold no user, password, query or fragment")
    if parts.scheme == "http" and not _is_loopback(parts.hostname):
        raise ValueError(
            f"{quote(url)} is not encrypted on its way: use https (http is for this machine alone: "
            "localhost, 127.0.0.1, [::1])"
        )
    return url


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises where it is no number
    except ValueError:
        return None
    return parts


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def valid_tags(tags: dict[str, str]) -> dict[str, str]:
    """Tags by "Categorizing your objects using tags": at most 10, of a few characters."""
    if len(tags) > _MOST_TAGS:
        raise ValueError(f"an object has at most {_MOST_TAGS} tags, not {len(tags)}")
    for key, value in tags.items():
        if not key or key.lower().startswith("aws:"):
            raise ValueError(f"{quote(key)} is no key of a tag: it is empty or starts with 'aws:'")
        for text, most in ((key, _TAG_KEY), (value, _TAG_VALUE)):
            if len(text.encode("utf-16-le", "surrogatepass")) > 2 * most:
                raise ValueError(f"{quote(text)} is longer than a tag's {most} characters")
            if not all(c in "_.:/=+-@ " or unicodedata.category(c)[0] in "LN" for c in text):
                raise ValueError(
                    f"{quote(text)} holds what a tag cannot: letters, digits, spaces and _.:/=+-@"
                )
    return tags
