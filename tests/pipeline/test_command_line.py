import pytest

from pipeline.command_line import split_command_line
from pipeline.command_parser import UsageError


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
