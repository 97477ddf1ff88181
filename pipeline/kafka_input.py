"""From options to Kafka's partitions: brokers are asked once, when the job is submitted."""

import argparse
from collections.abc import Sequence

from pipeline.job import KafkaInput
from pipeline.stream_options import offsets_of
from pipeline.values import Values
from transforms.kafka.errors import KafkaReadError, KafkaSettingsError
from transforms.kafka.partitions import SCHEME, list_partitions, parse_input
from transforms.kafka.settings import KafkaSettings, read_settings


def is_kafka(patterns: Sequence[str] | None) -> bool:
    """Whether any of the inputs is Kafka's."""
    return any(pattern.lower().startswith(SCHEME) for pattern in patterns or ())


def kafka_input(options: argparse.Namespace, values: Values) -> KafkaInput | None:
    """The partitions that are to be read; `None` where there are mistakes, which are collected."""
    before = len(values.mistakes)
    offsets = offsets_of(options, values)
    if len(options.input) > 1:
        values.mistakes.append(
            "--input: topics of one cluster, in one --input=kafka://host:port/topic,topic, and no"
            " files beside them"
        )
        return None
    address = values.take("input", options.input[0], parse_input)
    settings = _settings(options, address[0], values) if address else None
    if address is None or settings is None or len(values.mistakes) > before:
        return None
    try:
        found = list_partitions(settings, address[1], offsets.start, offsets.stop)
    except KafkaReadError as error:
        option = "kafka_config" if isinstance(error, KafkaSettingsError) else "input"
        values.mistakes.append(f"--{option}: {error}")
        return None
    return KafkaInput(settings, tuple(found), offsets.missing)


def _settings(options: argparse.Namespace, servers: str, values: Values) -> KafkaSettings | None:
    try:
        settings = read_settings(servers, options.kafka_config)
        settings.resolve()
    except KafkaReadError as error:
        values.mistakes += [f"--kafka_config: {line}" for line in str(error).splitlines()]
        return None
    return settings
