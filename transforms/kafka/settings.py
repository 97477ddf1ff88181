"""The settings of the Kafka client, from a properties file whose secrets lie in the environment.

What travels with the pipeline is the file as it stands, with `${NAME}` where a secret goes; only
the worker that makes a client puts the values in, and nothing prints them.
"""

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import msgspec

from transforms.kafka.errors import KafkaSettingsError

DEFAULT_GROUP: Final = "s3-event-logs"

_REFERENCE: Final = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_SECRETS: Final = frozenset(
    {
        "sasl.oauthbearer.assertion.private.key.passphrase",
        "sasl.oauthbearer.assertion.private.key.pem",
        "sasl.oauthbearer.client.secret",
        "sasl.oauthbearer.config",
        "sasl.password",
        "ssl.key.password",
        "ssl.key.pem",
        "ssl.keystore.password",
    }
)
_OURS: Final = {
    "auto.offset.reset": "--start_offset and --on_missing_offsets say that",
    "bootstrap.servers": "--input names the brokers",
    "enable.auto.commit": "offsets are committed for monitoring only",
    "enable.auto.offset.store": "offsets are committed for monitoring only",
    "enable.partition.eof": "the source needs it",
    "group.instance.id": "the source joins no group",
    "metadata.broker.list": "--input names the brokers",
    "plugin.library.paths": "it would load code",
}
_JAVA: Final = {
    "sasl.jaas.config": "sasl.username and sasl.password",
    "ssl.truststore.location": "ssl.ca.location",
    "ssl.truststore.password": "ssl.ca.location, which has none",
    "ssl.truststore.type": "ssl.ca.location",
}


class KafkaSettings(msgspec.Struct, frozen=True):
    """How to reach a cluster; it holds no secret, and may be printed.

    Attributes:
        servers: `host:port`, separated by commas.
        properties: The settings of librdkafka, each with its `${NAME}` as it was written.
        path: The file that they are from, for messages.
    """

    servers: str
    properties: tuple[tuple[str, str], ...] = ()
    path: str = "--kafka_config"

    def resolve(self, environment: Mapping[str, str] = os.environ) -> dict[str, str]:
        """The settings with their secrets: to be handed to a client, and never to be shown.

        Raises:
            KafkaSettingsError: The environment lacks what a reference names.
        """
        settings = {"group.id": DEFAULT_GROUP, "isolation.level": "read_committed"}
        for name, value in self.properties:
            for variable in _REFERENCE.findall(value):
                if variable not in environment:
                    raise KafkaSettingsError(
                        f"{self.path}: {name}: the environment variable {variable} is not set"
                    )
            settings[name] = _REFERENCE.sub(lambda match: environment[match[1]], value)
        return settings

    def redact(self, text: str, environment: Mapping[str, str] = os.environ) -> str:
        """A client's words without what was filled in, should it repeat its settings."""
        named = {name for _, value in self.properties for name in _REFERENCE.findall(value)}
        for value in sorted(filter(None, map(environment.get, named)), key=len, reverse=True):
            text = text.replace(value, "***")
        return text


def read_settings(servers: str, path: str | None) -> KafkaSettings:
    """The settings of a properties file.

    Args:
        servers: `host:port`, separated by commas.
        path: The file; `None` for no settings beyond the defaults.

    Raises:
        KafkaSettingsError: It cannot be read, or is wrong: one line for each mistake.
    """
    if path is None:
        return KafkaSettings(servers)
    if not path:
        raise KafkaSettingsError("names no file")
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise KafkaSettingsError(f"{path}: cannot be read: {reason}") from None
    return KafkaSettings(servers, parse_properties(text, path), path)


def parse_properties(text: str, path: str) -> tuple[tuple[str, str], ...]:
    """The settings of a properties file, in its order: `name=value` a line, `#` before a comment.

    Raises:
        KafkaSettingsError: One line for each mistake, none of which repeats a value.
    """
    found: dict[str, str] = {}
    mistakes: list[str] = []
    for number, name, value in _lines(text):
        mistake = "is given twice" if name in found else _mistake(name, value)
        if mistake is not None:
            mistakes.append(f"{path}:{number}: {name} {mistake}".replace("  ", " "))
        found[name] = value or ""
    if mistakes:
        raise KafkaSettingsError("\n".join(mistakes))
    return tuple(found.items())


def _lines(text: str) -> Iterator[tuple[int, str, str | None]]:
    for number, line in enumerate(text.splitlines(), 1):
        stripped = line.strip()
        if stripped and stripped[0] not in "#!":
            name, equals, value = stripped.partition("=")
            # A line that is no setting may be the rest of a secret: it is not repeated.
            yield number, name.strip() if equals else "", value.strip() if equals else None


def _mistake(name: str, value: str | None) -> str | None:
    if value is None or not name:
        return "is no setting; write name=value"
    if name in _SECRETS and not _REFERENCE.fullmatch(value):
        return "is a secret: put it into the environment, and write ${NAME} here"
    if name in _JAVA:
        return f"is of the Java client; this one has {_JAVA[name]}"
    if name.endswith(("_cb", ".cb")):
        return "cannot be set in a file"
    return next(
        (f"cannot be set: {why}" for taken, why in _OURS.items() if name.startswith(taken)), None
    )
