from pathlib import Path

import pytest

from transforms.kafka.errors import KafkaSettingsError
from transforms.kafka.settings import KafkaSettings, parse_properties, read_settings

FILE = """\
# of the production cluster
security.protocol=SASL_SSL
  sasl.mechanism = PLAIN

sasl.username=${KAFKA_USER}@example
sasl.password=${KAFKA_PASSWORD}
"""


def test_secrets_come_from_the_environment_and_travel_as_names() -> None:
    settings = KafkaSettings("broker:9092", parse_properties(FILE, "kafka.properties"))
    assert "hunter2" not in repr(settings)
    resolved = settings.resolve({"KAFKA_USER": "ann", "KAFKA_PASSWORD": "hunter2"})
    assert resolved == {
        "group.id": "s3-event-logs",
        "isolation.level": "read_committed",
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "PLAIN",
        "sasl.username": "ann@example",
        "sasl.password": "hunter2",
    }


def test_group_and_isolation_can_be_set() -> None:
    text = "group.id=mine\nisolation.level=read_uncommitted"
    settings = KafkaSettings("broker:9092", parse_properties(text, "f"))
    assert settings.resolve({}) == {"group.id": "mine", "isolation.level": "read_uncommitted"}


def test_a_variable_that_is_not_set_is_named() -> None:
    settings = KafkaSettings("b:1", (("sasl.password", "${KAFKA_PASSWORD}"),), "kafka.properties")
    with pytest.raises(KafkaSettingsError) as raised:
        settings.resolve({})
    assert str(raised.value) == (
        "kafka.properties: sasl.password: the environment variable KAFKA_PASSWORD is not set"
    )


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (
            "sasl.password=hunter2",
            "f:1: sasl.password is a secret: put it into the environment, and write ${NAME} here",
        ),
        (
            "ssl.key.pem=x${NAME}hunter2",
            "f:1: ssl.key.pem is a secret: put it into the environment, and write ${NAME} here",
        ),
        ("hunter2", "f:1: is no setting; write name=value"),
        (
            "enable.auto.commit=true",
            "f:1: enable.auto.commit cannot be set: offsets are committed for monitoring only",
        ),
        (
            "bootstrap.servers=b:1",
            "f:1: bootstrap.servers cannot be set: --input names the brokers",
        ),
        ("plugin.library.paths=x", "f:1: plugin.library.paths cannot be set: it would load code"),
        ("stats_cb=x", "f:1: stats_cb cannot be set in a file"),
        (
            "ssl.truststore.location=x",
            "f:1: ssl.truststore.location is of the Java client; this one has ssl.ca.location",
        ),
        ("client.id=a\nclient.id=b", "f:2: client.id is given twice"),
    ],
)
def test_a_mistake_is_shown_with_its_line_and_without_its_value(line: str, said: str) -> None:
    with pytest.raises(KafkaSettingsError) as raised:
        parse_properties(line, "f")
    assert str(raised.value) == said


def test_every_mistake_is_shown_at_once() -> None:
    with pytest.raises(KafkaSettingsError) as raised:
        parse_properties("sasl.password=a\nx\nenable.auto.commit=true", "f")
    assert len(str(raised.value).splitlines()) == 3


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(KafkaSettingsError, match=r"nothing: cannot be read: No such file"):
        read_settings("b:1", str(tmp_path / "nothing"))
    (tmp_path / "latin").write_bytes(b"client.id=\xe9")
    with pytest.raises(KafkaSettingsError, match="latin: cannot be read: it is not UTF-8"):
        read_settings("b:1", str(tmp_path / "latin"))


def test_no_file_means_the_defaults(tmp_path: Path) -> None:
    assert read_settings("b:1", None).properties == ()
    (tmp_path / "f").write_text("client.id=a\n")
    assert read_settings("b:1", str(tmp_path / "f")).properties == (("client.id", "a"),)


def test_words_that_repeat_a_secret_are_cleaned() -> None:
    settings = KafkaSettings("b:1", (("sasl.password", "${P}"),))
    assert settings.redact("wrong: hunter2", {"P": "hunter2"}) == "wrong: ***"
