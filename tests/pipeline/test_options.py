import pytest

from pipeline.command_parser import UsageError
from pipeline.options import reading_of, split_command_line
from pipeline.values import Values


def mistakes(*arguments: str) -> tuple[str, ...]:
    with pytest.raises(UsageError) as error:
        split_command_line(arguments)
    return error.value.mistakes


def test_our_options_are_parted_from_beams() -> None:
    ours, beams = split_command_line(
        ["--config=c.yaml", "--input", "a", "--direct_num_workers=2", "--input", "b", "--streaming"]
    )
    assert (ours.config, ours.input) == ("c.yaml", ["a", "b"])
    assert beams == ["--direct_num_workers=2", "--streaming"]


def test_an_option_that_nobody_knows_is_an_error_with_the_nearest_name() -> None:
    assert mistakes("--windo=5m", "--direct_num_worker", "2", "--colour=red") == (
        "--windo is not known; did you mean --window?",
        "--direct_num_worker is not known; did you mean --direct_num_workers?",
        "--colour is not known",
    )


def test_a_mode_of_beams_that_loses_elements_is_refused() -> None:
    assert "loses elements" in mistakes("--direct_running_mode=multi_threading")[0]
    assert "must be 0" in mistakes("--direct_num_workers=-1")[0]


def test_options_are_not_abbreviated() -> None:
    assert mistakes("--conf=c.yaml")[0].startswith("--conf is not known")


def test_a_file_without_its_option_is_an_error() -> None:
    assert mistakes("events.ndjson") == (
        "'events.ndjson' is no option; files are given as --input=events.ndjson",
    )


def test_a_missing_or_wrong_value_is_an_error() -> None:
    assert mistakes("--config") == ("argument --config: expected one argument",)
    assert "invalid int value: 'two'" in mistakes("--direct_num_workers=two")[0]


def test_an_engines_own_options_go_to_the_engine_but_slips_in_ours_do_not() -> None:
    _, beams = split_command_line(["--runner=PortableRunner", "--checkpointing_interval=5000"])
    assert beams == ["--runner=PortableRunner", "--checkpointing_interval=5000"]
    assert mistakes("--runner=PortableRunner", "--opspath=x") == (
        "--opspath is not known; did you mean --ops_path?",
    )


def test_texts_become_values_and_all_that_is_wrong_is_collected() -> None:
    values = Values()
    ours, _ = split_command_line(
        ["--window=1h", "--max_event_bytes=2MiB", "--event_time_fields=sentAt, timestamp"]
    )
    reading = reading_of(ours, values)
    assert (reading.window_seconds, reading.max_event_bytes) == (3600, 2 * 2**20)
    assert reading.time_fields == ("sentAt", "timestamp")
    assert values.mistakes == []
    ours, _ = split_command_line(
        ["--window=5", "--max_event_bytes=1TB", "--event_time_fields=,", "--block_bytes=1"]
    )
    reading_of(ours, values)
    assert values.mistakes == [
        "--window: '5' is not a duration; write it like 30s, 10m, 1h or 2d",
        "--event_time_fields: names no field",
        "--max_event_bytes: '1TB' is not a size; write it like 64MiB, 1GiB or 500kB",
        "--block_bytes: 1 is out of bounds: from 64KiB to 64MiB",
    ]


@pytest.mark.parametrize(
    ("option", "mistake"),
    [
        (
            "--event_time_fields=receivedAt,type",
            "--event_time_fields: type is no time: the envelope has it for itself",
        ),
        ("--avro_field=", "--avro_field: names no field"),
        ("--window=4000000d", "--window: 4000000d is longer than a year"),
        ("--unmatched=drop", "--unmatched: 'drop' is neither count nor dead_letter"),
    ],
)
def test_a_value_that_would_fail_later_is_refused_at_once(option: str, mistake: str) -> None:
    values = Values()
    reading_of(split_command_line([option])[0], values)
    assert values.mistakes == [mistake]
