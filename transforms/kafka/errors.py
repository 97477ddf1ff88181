"""What Kafka may answer, in words for the person who runs the job."""

import re
from typing import Final

from confluent_kafka import KafkaError, KafkaException

from transforms.errors import ReadError


class KafkaReadError(ReadError):
    """A topic cannot be read; the run must not go on without it."""


class KafkaSettingsError(KafkaReadError):
    """The client's settings are wrong."""


class OffsetGoneError(KafkaReadError):
    """The records that come next are no longer in the topic, or never were."""


_ADVICE: Final = {
    KafkaError._ALL_BROKERS_DOWN: "Check the address, the network, and security.protocol.",  # noqa: SLF001 - librdkafka's own errors are named so
    KafkaError._TRANSPORT: "Check the address, the network, and security.protocol.",  # noqa: SLF001
    KafkaError._TIMED_OUT: "Check the address, the network, and security.protocol.",  # noqa: SLF001
    KafkaError._RESOLVE: "Check the address.",  # noqa: SLF001
    KafkaError._SSL: "Check security.protocol and ssl.ca.location in --kafka_config.",  # noqa: SLF001
    KafkaError._AUTHENTICATION: "Check sasl.mechanism, user and password in --kafka_config.",  # noqa: SLF001
    KafkaError.SASL_AUTHENTICATION_FAILED: "Check user and password in --kafka_config.",
    KafkaError.UNKNOWN_TOPIC_OR_PART: "Was it deleted? Then start a new run.",
    KafkaError.TOPIC_AUTHORIZATION_FAILED: "The user needs Describe and Read on the topic.",
    KafkaError.GROUP_AUTHORIZATION_FAILED: "The user needs Read on the group.",
}

REFUSALS: Final = frozenset(
    {
        KafkaError._AUTHENTICATION,  # noqa: SLF001
        KafkaError._SSL,  # noqa: SLF001
        KafkaError.SASL_AUTHENTICATION_FAILED,
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError.UNSUPPORTED_SASL_MECHANISM,
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        KafkaError._UNKNOWN_TOPIC,  # noqa: SLF001
        KafkaError._UNKNOWN_PARTITION,  # noqa: SLF001
    }
)
"""What does not pass by itself. All else, librdkafka tries again for as long as it takes."""


# A handshake that the broker refuses comes as a connection that broke.
_CERTIFICATE_REFUSED: Final = re.compile(r"SSL alert number (?:4[2-6]|48|116)\b")


def said(error: KafkaError) -> str:
    """An error in one line, as Kafka or librdkafka put it."""
    return " ".join(error.str().split()) or error.name()


def advice(error: KafkaError) -> str:
    """What to do about an error, if that can be told."""
    if _CERTIFICATE_REFUSED.search(error.str()):
        return "The broker wants another certificate of ours: check ssl.keystore.location."
    return _ADVICE.get(error.code(), "")


def explain(subject: str, error: KafkaError | KafkaException) -> KafkaReadError:
    """One or two lines: what cannot be read, what was said, and what to do.

    Args:
        subject: What was being read, and what failed.
        error: As the client gave it.
    """
    cause: KafkaError = error.args[0] if isinstance(error, KafkaException) else error
    return KafkaReadError(f"{subject}: {said(cause)}\n{advice(cause)}".rstrip())
