import pytest

from transforms.coders import StructCoder
from transforms.kafka.errors import KafkaReadError, KafkaSettingsError
from transforms.kafka.partitions import (
    Partition,
    list_partitions,
    mint_stream_run,
    parse_input,
    parse_start,
    parse_stop,
)
from transforms.kafka.settings import KafkaSettings
from transforms.keys import valid_run


def test_an_address_has_brokers_and_topics() -> None:
    assert parse_input("kafka://a:9092,[::1]:9093/clicks,pages,clicks") == (
        "a:9092,[::1]:9093",
        ("clicks", "pages"),
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("kafka://a:1", "is not like kafka://host:port"),
        ("a:1/clicks", "is not like kafka://host:port"),
        ("kafka://a/clicks", "'a' is no host:port"),
        ("kafka://a:1,/clicks", "'' is no host:port"),
        ("kafka://a:99999/clicks", "'a:99999' is no host:port"),
        ("kafka://a:0/clicks", "'a:0' is no host:port"),
        ("KAFKA://a:1/clicks", "is not like kafka://host:port"),
        ("kafka://me:pass@a:1/clicks", "^a user and a password are no part of it"),
        ("kafka://a:1/", "'' is no name of a topic"),
        ("kafka://a:1/clicks/3", "'clicks/3' is no name of a topic"),
    ],
)
def test_an_address_that_is_none(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said.replace("[", r"\[")):
        parse_input(text)


def test_bounds() -> None:
    assert parse_start("earliest") == "earliest"
    assert parse_start("latest") == parse_stop("latest") == "latest"
    assert parse_stop("2025-11-20T10:00:00.5+01:00") == 1_763_629_200_500


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("earliest", "'earliest' is neither latest nor a time with its offset, such as 2026"),
        ("2025-11-20T10:00:00", "is neither latest nor a time with its offset"),
        ("yesterday", "is neither latest nor a time with its offset"),
        ("1969-12-31T23:59:59Z", "is before 1970"),
        ("2999-01-01T00:00:00Z", "has not come yet"),
    ],
)
def test_a_bound_that_is_none(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        parse_stop(text)


def test_the_run_of_a_stream_is_like_no_other() -> None:
    runs = {mint_stream_run() for _ in range(100)}
    assert len(runs) == 100
    assert all(valid_run(run) == run for run in runs)


def test_a_partition_lies_in_savepoints_as_it_always_did() -> None:
    partition = Partition("t", 3, 7, None, "c", "run00000")
    coder = StructCoder(Partition)
    assert coder.encode(partition) == b"\x97\xa1t\x03\x07\xc0\xa1c\xa8run00000\xc0"
    assert coder.decode(coder.encode(partition)) == partition


def test_brokers_that_do_not_answer() -> None:
    with pytest.raises(KafkaReadError) as raised:
        list_partitions(KafkaSettings("127.0.0.1:9"), ["clicks"], ask_seconds=1)
    first, second = str(raised.value).splitlines()
    assert first.startswith("kafka://127.0.0.1:9: ")
    assert first.endswith("Connect to ipv4#127.0.0.1:9 failed: Connection refused")
    assert second == "Check the address, the network, and security.protocol."


def test_a_setting_that_the_client_does_not_know() -> None:
    settings = KafkaSettings("127.0.0.1:9", (("client.idd", "x"),), "kafka.properties")
    with pytest.raises(KafkaSettingsError) as raised:
        list_partitions(settings, ["clicks"])
    assert str(raised.value) == ('kafka.properties: No such configuration property: "client.idd"')


def test_topics_of_a_mock_cluster() -> None:
    settings = KafkaSettings("ignored:1", (("test.mock.num.brokers", "1"),))
    with pytest.raises(KafkaReadError) as raised:
        list_partitions(settings, ["clicks"], ask_seconds=5)
    assert str(raised.value) == "there is no topic clicks"
