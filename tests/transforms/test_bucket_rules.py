"""What AWS accepts, checked without a network."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms import bucket_rules as rules

KEY = "key/1234abcd-12ab-34cd-56ef-1234567890ab"


@pytest.mark.parametrize(
    "region",
    [
        "us-east-1",
        "cn-north-1",
        "us-gov-west-1",
        "us-iso-east-1",
        "us-isob-east-1",
        "eusc-de-east-1",
    ],
)
def test_a_region_of_any_partition_is_taken(region: str) -> None:
    assert rules.valid_region(region) == region


@pytest.mark.parametrize(
    "region",
    ["us-est-1", "US-EAST-1", "us-east-1a", "aws-global", "fips-us-east-1", "", "N. Virginia"],
)
def test_what_is_no_region_is_refused(region: str) -> None:
    with pytest.raises(ValueError, match="is no AWS region"):
        rules.valid_region(region)


def test_a_misspelt_region_gets_the_nearest_ones() -> None:
    with pytest.raises(ValueError, match="nearest: 'eu-central-1'"):
        rules.valid_region("eu-centrel-1")


@pytest.mark.parametrize(
    "bucket",
    [
        "abc",
        "acme-events",
        "logs.acme.example",  # dots: the client then uses path style, so that TLS works
        "1.2.3",
        "a" * 63,
        "acme-111122223333-us-east-1-an",  # a bucket of an account's regional namespace
    ],
)
def test_a_bucket_name_by_the_rules_is_taken(bucket: str) -> None:
    assert rules.valid_bucket(bucket) == bucket


@pytest.mark.parametrize(
    ("bucket", "reason"),
    [
        ("ab", "3 to 63"),
        ("a" * 64, "3 to 63"),
        ("Acme", "lower-case"),
        ("acme_events", "lower-case"),
        ("-acme", "starts and ends"),
        ("acme.", "starts and ends"),
        ("acme\n", "3 to 63"),
        ("münchen", "lower-case"),
        ("a..b", "two dots"),
        ("192.168.5.4", "IP address"),
        ("xn--acme", "'xn--'"),
        ("sthree-acme", "'sthree-'"),
        ("amzn-s3-demo-bucket", "'amzn-s3-demo-'"),
        ("acme-s3alias", "access point alias"),
        ("acme--ol-s3", "Object Lambda"),
        ("acme.mrap", "Multi-Region"),
        ("acme--use1-az4--x-s3", "directory bucket"),
        ("acme--table-s3", "table bucket"),
    ],
)
def test_a_bucket_name_against_the_rules_is_refused_with_the_rule(bucket: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        rules.valid_bucket(bucket)


@pytest.mark.parametrize(
    ("prefix", "kept"),
    [
        ("", ""),
        ("a/b", "a/b"),
        ("a/b/", "a/b"),
        ("Astronomer-logs", "Astronomer-logs"),
        ("日誌", "日誌"),
    ],
)
def test_a_prefix_loses_one_slash_at_its_end(prefix: str, kept: str) -> None:
    assert rules.valid_prefix(prefix) == kept


@pytest.mark.parametrize(
    "prefix",
    [
        "/",
        "/a",
        "a//",
        "a//b",
        ".",
        "..",
        "a/../b",
        "a/./b",
        "a\\b",
        "a\nb",
        "a\x00",
        "a\u2028b",
        " ",
    ],
)
def test_a_prefix_that_no_folder_could_have_is_refused(prefix: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        rules.valid_prefix(prefix)


def test_half_a_surrogate_pair_is_refused_in_words() -> None:
    with pytest.raises(ValueError, match=r"'\\ud83d'.*surrogate"):
        rules.valid_prefix("a\ud83d")


@given(st.text(st.characters() | st.sampled_from("/.\\ \n"), max_size=20))
def test_what_is_left_of_a_prefix_is_a_clean_relative_path(prefix: str) -> None:
    try:
        kept = rules.valid_prefix(prefix)
    except ValueError:
        return
    assert rules.valid_prefix(kept) == kept
    assert not kept or all(segment not in {"", ".", ".."} for segment in kept.split("/"))
    assert kept.encode().decode() == prefix.removesuffix("/")
    assert kept.splitlines() in ([], [kept])


@pytest.mark.parametrize(
    "key",
    [
        f"arn:aws:kms:us-east-1:111122223333:{KEY}",
        f"arn:aws-cn:kms:cn-north-1:111122223333:{KEY}",
        "arn:aws:kms:us-east-1:111122223333:key/mrk-1234abcd12ab34cd56ef1234567890ab",
    ],
)
def test_the_arn_of_a_key_is_taken(key: str) -> None:
    assert rules.valid_kms_key(key) == key


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("alias/acme", "an alias, which resolves in the account of the writer"),
        ("arn:aws:kms:us-east-1:111122223333:alias/acme", "an alias, which resolves"),
        ("1234abcd-12ab-34cd-56ef-1234567890ab", "a key's id alone, which is looked up"),
        ("mrk-1234abcd12ab34cd56ef1234567890ab", "a key's id alone"),
        ("arn:aws:kms:us-east-1:1111:key/x", "no KMS key"),
        ("arn:aws:s3:::acme", "no KMS key"),
    ],
)
def test_what_is_no_key_arn_is_refused_with_the_reason(key: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        rules.valid_kms_key(key)


@pytest.mark.parametrize(
    ("partition", "region", "bucket_region", "fits"),
    [
        ("aws", "us-east-1", "us-east-1", True),
        ("aws-cn", "cn-north-1", "cn-north-1", True),
        ("aws", "us-east-1", "us-east-2", False),
        ("aws", "cn-north-1", "cn-north-1", False),
    ],
)
def test_a_key_fits_the_region_and_partition_of_its_bucket(
    partition: str, region: str, bucket_region: str, *, fits: bool
) -> None:
    key = f"arn:{partition}:kms:{region}:111122223333:{KEY}"
    assert rules.kms_key_fits(key, bucket_region) is fits


@pytest.mark.parametrize(
    "url",
    [
        "https://s3.example.com",
        "https://s3.example.com:9000/",
        "http://localhost:8333",
        "http://127.0.0.1:8333",
        "http://127.8.8.8",
        "http://[::1]:8333",
    ],
)
def test_an_endpoint_is_https_or_on_this_machine(url: str) -> None:
    assert rules.valid_endpoint(url) == url


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://s3.example.com", "not encrypted"),
        ("http://10.0.0.1:8333", "not encrypted"),
        ("http://localhost.example.com", "not encrypted"),
        ("ftp://s3.example.com", "no address"),
        ("s3.example.com", "no address"),
        ("https://", "no address"),
        ("https://[::1", "no address"),
        ("https://s3.example.com:port", "no address"),
        ("https://s3.example.com?a=b", "must hold no"),
        ("https://s3.example.com\n", "control characters"),
    ],
)
def test_any_other_endpoint_is_refused(url: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        rules.valid_endpoint(url)


def test_a_password_in_an_endpoint_is_refused_and_not_repeated() -> None:
    with pytest.raises(ValueError, match="user, password") as caught:
        rules.valid_endpoint("https://user:hunter2@s3.example.com")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "tags", [{}, {"team": ""}, {"k" * 128: "v" * 256}, {"größe + _.:/=-@ 1": "日本"}]
)
def test_tags_by_the_rules_are_taken(tags: dict[str, str]) -> None:
    assert rules.valid_tags(tags) == tags


@pytest.mark.parametrize(
    ("tags", "reason"),
    [
        ({str(n): "" for n in range(11)}, "at most 10 tags, not 11"),
        ({"": "x"}, "empty"),
        ({"AWS:team": "x"}, "starts with 'aws:'"),
        ({"k" * 129: ""}, "longer than a tag's 128"),
        ({"k": "v" * 257}, "longer than a tag's 256"),
        ({"k": "a&b"}, "holds what a tag cannot"),
        ({"k": "a\nb"}, "holds what a tag cannot"),
        ({"k": "😀" * 129}, "longer than a tag's 256"),
    ],
)
def test_tags_against_the_rules_are_refused(tags: dict[str, str], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        rules.valid_tags(tags)


@pytest.mark.parametrize(
    "account", ["11112222333", "1111222233334", "1111-2222-3333", "\N{ARABIC-INDIC DIGIT ONE}" * 12]
)
def test_an_account_has_twelve_digits(account: str) -> None:
    assert rules.valid_account("011122223333") == "011122223333"
    with pytest.raises(ValueError, match="12 digits"):
        rules.valid_account(account)


def test_a_role_is_an_arn_and_an_external_id_has_no_spaces() -> None:
    role = "arn:aws-us-gov:iam::111122223333:role/teams/data/event-writer"
    assert rules.valid_role(role) == role
    assert rules.valid_external_id("acme-7f3c") == "acme-7f3c"
    with pytest.raises(ValueError, match="is no role"):
        rules.valid_role("arn:aws:iam::111122223333:user/s3-copy")
    with pytest.raises(ValueError, match="no spaces"):
        rules.valid_external_id("acme 7f3c")
