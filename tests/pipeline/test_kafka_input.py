"""The options of Kafka's input: each mistake once, with the option that is wrong."""

from pathlib import Path

import pytest

from pipeline.command_line import split_command_line
from pipeline.input import input_of
from pipeline.stream_options import streaming_of
from pipeline.values import Values

CLICKS = "--input=kafka://127.0.0.1:9/clicks"


def mistakes(*arguments: str) -> list[str]:
    values = Values()
    options, _ = split_command_line(arguments)
    input_of(options, values)
    return values.mistakes


@pytest.mark.parametrize(
    ("start", "stop"),
    [
        ("2025-11-20T10:00:00Z", "2025-11-20T09:00:00Z"),
        ("2025-11-20T10:00:00Z", "2025-11-20T10:00:00Z"),
        ("latest", "2025-11-20T09:00:00Z"),
        ("latest", "latest"),
    ],
)
def test_a_range_must_end_after_it_begins(start: str, stop: str) -> None:
    assert mistakes(CLICKS, f"--start_offset={start}", f"--stop_offset={stop}") == [
        "--stop_offset: must be later than --start_offset"
    ]


def test_no_time_at_all_is_too_short_a_duration() -> None:
    values = Values()
    options, _ = split_command_line(["--allowed_lateness=0s"])
    streaming_of(options, values)
    assert values.mistakes == ["--allowed_lateness: '0s' is too short: at least 1s"]


def test_files_beside_a_topic_are_one_mistake() -> None:
    (mistake,) = mistakes("--input=events.ndjson", CLICKS)
    assert mistake.startswith("--input: topics of one cluster, in one --input=kafka://")


def test_an_address_in_capitals_is_meant_for_kafka() -> None:
    (mistake,) = mistakes("--input=KAFKA://127.0.0.1:9/clicks", "--stop_offset=latest")
    assert mistake.startswith("--input: 'KAFKA://127.0.0.1:9/clicks' is not like kafka://")


def test_a_setting_that_the_client_refuses_is_of_the_settings_option(tmp_path: Path) -> None:
    path = tmp_path / "kafka.properties"
    path.write_text("sasl.pasword=x\n")
    (mistake,) = mistakes(CLICKS, f"--kafka_config={path}")
    assert mistake == (f'--kafka_config: {path}: No such configuration property: "sasl.pasword"')


def test_an_empty_settings_option_says_that_it_names_no_file() -> None:
    assert mistakes(CLICKS, "--kafka_config=") == ["--kafka_config: names no file"]
