"""Brokers that ask who comes: passwords, TLS, keys of both sides, and tokens, all of them real."""

import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from examples.demo.s3_server import S3Server
from examples.engines.kafka_broker import KafkaBroker
from tests.engines.live_job import LiveJob
from tests.engines.resumed_source import Source, lines, numbered, only, produce
from tests.engines.secure_listeners import PASSWORD, USER, Keys, add_scram_user
from tests.engines.started import or_skip, running
from tests.engines.token_server import CLIENT, SECRET, TokenServer
from transforms.kafka.errors import KafkaReadError
from transforms.kafka.partitions import Partition, list_partitions
from transforms.kafka.pool import readers
from transforms.kafka.settings import KafkaSettings, parse_properties

SECONDS = 180
WRONG = "wrong-and-secret"
LOGIN = f"sasl.username={USER}\nsasl.password=${{KAFKA_PASSWORD}}\n"
ENCRYPTED = f"security.protocol=SASL_SSL\nsasl.mechanism=SCRAM-SHA-512\n{LOGIN}"


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    return or_skip(lambda: Keys(tmp_path_factory.mktemp("keys")))


@pytest.fixture(scope="module")
def secure_broker(keys: Keys) -> Iterator[KafkaBroker]:
    for broker in running(lambda: KafkaBroker(keys.listeners())):
        add_scram_user(broker.admin)
        yield broker
    readers.close()


@pytest.fixture
def topic(secure_broker: KafkaBroker) -> str:
    return secure_broker.create_topic(f"clicks-{uuid.uuid4().hex[:8]}")


@pytest.fixture(autouse=True)
def password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAFKA_PASSWORD", PASSWORD)


def settings(broker: KafkaBroker, listener: str, text: str) -> KafkaSettings:
    return KafkaSettings(broker.addresses[listener], parse_properties(text, "kafka.properties"))


def why_not(settings: KafkaSettings, topic: str) -> tuple[str, str]:
    """What is wrong, and what to do."""
    with pytest.raises(KafkaReadError) as raised:
        list_partitions(settings, [topic], ask_seconds=2)
    first, second = str(raised.value).splitlines()
    assert first.startswith(f"kafka://{settings.servers}: ")
    return first, second


def test_a_user_logs_in(
    secure_broker: KafkaBroker,
    topic: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    text = f"security.protocol=SASL_PLAINTEXT\nsasl.mechanism=PLAIN\n{LOGIN}"
    plain = settings(secure_broker, "PASSWORD", text)
    produce(secure_broker, topic, *numbered(0, 5))
    assert lines(Source(plain, only(plain, topic)).until(5)) == numbered(0, 5)
    readers.close()

    monkeypatch.setenv("KAFKA_PASSWORD", WRONG)
    first, second = why_not(plain, topic)
    assert "Authentication failed: Invalid username or password" in first
    assert second == "Check sasl.mechanism, user and password in --kafka_config."
    with pytest.raises(
        KafkaReadError, match=r"clicks-.*/0 cannot be read: .*Authentication failed"
    ):
        Source(plain, Partition(topic, 0, 0)).until(1)
    assert WRONG not in caplog.text + first + second


def run(job: LiveJob, folder: Path, text: str) -> int:
    file = folder / "kafka.properties"
    file.write_text(text)
    program = job.begin(f"--kafka_config={file}", "--stop_offset=latest")
    try:
        return program.wait(SECONDS)
    finally:
        program.kill()


def test_a_job_reads_through_tls_with_a_password_of_the_environment(
    s3_server: S3Server, secure_broker: KafkaBroker, keys: Keys, topic: str, tmp_path: Path
) -> None:
    produce(secure_broker, topic, *(b'{"writeKey":"wk_web","n":%d}' % n for n in range(10)))
    job = LiveJob(s3_server, tmp_path, secure_broker.addresses["ENCRYPTED"], topic)
    code = run(job, tmp_path, f"{ENCRYPTED}ssl.ca.location={keys.broker_certificate}\n")
    assert code == 0, job.log()
    assert sorted(job.look().by_manifests()["web"]) == [*range(10)]
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert not [path for path in written if PASSWORD.encode() in path.read_bytes()]


def test_a_job_that_does_not_trust_the_broker_says_so_and_ends(
    s3_server: S3Server, secure_broker: KafkaBroker, topic: str, tmp_path: Path
) -> None:
    address = secure_broker.addresses["ENCRYPTED"]
    job = LiveJob(s3_server, tmp_path, address, topic)
    begun = time.monotonic()
    assert run(job, tmp_path, ENCRYPTED) == 2
    assert time.monotonic() - begun < 60
    first, second = job.log().splitlines()
    assert first.startswith(f"error: --input: kafka://{address}: ")
    assert "certificate verify failed" in first
    assert second.strip() == "Check security.protocol and ssl.ca.location in --kafka_config."


def test_both_sides_show_a_certificate(
    secure_broker: KafkaBroker, keys: Keys, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    trusting = f"security.protocol=SSL\nssl.ca.location={keys.broker_certificate}\n"
    ours = f"ssl.keystore.location={keys.client_keystore}\nssl.keystore.password=${{KEY_PASSWORD}}"
    monkeypatch.setenv("KEY_PASSWORD", PASSWORD)
    mutual = settings(secure_broker, "MUTUAL", trusting + ours)
    produce(secure_broker, topic, *numbered(0, 5))
    assert lines(Source(mutual, only(mutual, topic)).until(5)) == numbered(0, 5)

    _, second = why_not(settings(secure_broker, "MUTUAL", trusting), topic)
    assert second == ("The broker wants another certificate of ours: check ssl.keystore.location.")


def test_tokens_are_fetched_and_renewed(
    secure_broker: KafkaBroker, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKEN_SECRET", SECRET)
    with TokenServer(life_seconds=5) as tokens:
        text = (
            "security.protocol=SASL_PLAINTEXT\nsasl.mechanism=OAUTHBEARER\n"
            f"sasl.oauthbearer.method=oidc\nsasl.oauthbearer.token.endpoint.url={tokens.url}\n"
            f"sasl.oauthbearer.client.id={CLIENT}\n"
            "sasl.oauthbearer.client.secret=${TOKEN_SECRET}\n"
        )
        bearer = settings(secure_broker, "TOKEN", text)
        source = Source(bearer, only(bearer, topic))
        deadline = time.monotonic() + 30
        while tokens.given < 4:  # one to ask for the partitions, and three to read
            assert time.monotonic() < deadline
            source.resume()
        produce(secure_broker, topic, *numbered(0, 5))
        assert lines(source.until(5)) == numbered(0, 5)

        monkeypatch.setenv("TOKEN_SECRET", WRONG)
        first, _ = why_not(bearer, topic)
        assert "Failed to acquire SASL OAUTHBEARER token" in first
        assert "invalid_client" in first
