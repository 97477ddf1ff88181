import pytest

from pipeline.engine import (
    is_local,
    late_firing_delay,
    refuse_stream,
    said,
    stable_input,
    windows_kept,
    with_flags,
)
from pipeline.values import Values


@pytest.mark.parametrize(
    ("runner", "choice", "how"),
    [
        ("FlinkRunner", "auto", "checkpoint"),
        ("PortableRunner", "auto", "checkpoint"),
        ("apache_beam.runners.portability.flink_runner.FlinkRunner", "on", "checkpoint"),
        ("DataflowRunner", "auto", "shuffle"),
        ("PrismRunner", "auto", "off"),
        ("FlinkRunner", "off", "off"),
    ],
)
def test_a_stream_has_stable_input_where_the_engine_can(runner: str, choice: str, how: str) -> None:
    values = Values()
    assert stable_input(runner, choice, values, is_stream=True) == how  # type: ignore[arg-type]
    assert not values.mistakes


def test_input_that_ends_needs_no_stable_input() -> None:
    assert stable_input("FlinkRunner", "auto", Values(), is_stream=False) == "off"


def test_stable_input_is_not_promised_where_there_is_none() -> None:
    values = Values()
    stable_input("PrismRunner", "on", values, is_stream=True)
    assert values.mistakes == [
        "--stable_input=on: PrismRunner has none; Flink and Dataflow have, or leave it off"
    ]


def test_a_stream_is_refused_by_the_runner_that_waits_for_its_end() -> None:
    values = Values()
    refuse_stream("PrismRunner", values, is_stream=True)
    refuse_stream(None, values, is_stream=False)
    assert not values.mistakes
    refuse_stream(None, values, is_stream=True)
    assert "--runner=PrismRunner takes it" in values.mistakes[0]


def test_a_stream_on_flink_gets_what_it_needs_and_nobody_gave() -> None:
    given = ["--runner=PortableRunner", "--checkpointing_interval=3000"]
    flags = with_flags(given, "PortableRunner", is_stream=True, is_kafka=True)
    assert flags == [*given, "--streaming", "--max_bundle_time_mills=200"]
    assert said(given, flags) == "set for this engine: --streaming --max_bundle_time_mills=200"


def test_an_option_and_its_value_may_be_two_words() -> None:
    given = ["--runner", "FlinkRunner", "--checkpointing_interval", "3000", "--streaming"]
    flags = with_flags(given, "FlinkRunner", is_stream=True, is_kafka=True)
    assert flags == [*given, "--max_bundle_time_mills=200"]


def test_a_range_of_kafka_on_flink_ends() -> None:
    flags = with_flags(["--runner=FlinkRunner"], "FlinkRunner", is_stream=False, is_kafka=True)
    assert "--shutdown_sources_after_idle_ms=1000" in flags
    assert "--streaming" not in flags


def test_a_stream_on_flink_must_never_be_shut_down() -> None:
    flags = with_flags(["--runner=FlinkRunner"], "FlinkRunner", is_stream=True, is_kafka=True)
    assert not any("shutdown" in flag for flag in flags)


def test_prism_is_not_given_up_after_five_minutes() -> None:
    flags = with_flags(["--runner=PrismRunner"], "PrismRunner", is_stream=True, is_kafka=True)
    assert "--job_server_timeout=315360000" in flags


def test_files_on_this_machine_need_nothing() -> None:
    assert with_flags(["--direct_num_workers=2"], None, is_stream=False, is_kafka=False) == [
        "--direct_num_workers=2"
    ]
    assert said(["a"], ["a"]) is None


@pytest.mark.parametrize(
    ("runner", "local"),
    [
        (None, True),
        ("DirectRunner", True),
        ("directrunner", True),
        ("apache_beam.runners.portability.fn_api_runner.FnApiRunner", True),
        ("FlinkRunner", False),
        ("PrismRunner", False),
    ],
)
def test_no_runner_is_the_direct_runner(runner: str | None, *, local: bool) -> None:
    assert is_local(runner) is local


def test_late_events_are_gathered_but_on_prism_where_they_would_hold_up_the_others() -> None:
    values = Values()
    assert late_firing_delay("FlinkRunner", None, values) == 300
    assert late_firing_delay("FlinkRunner", 7, values) == 7
    assert late_firing_delay("PrismRunner", None, values) == 0
    assert not values.mistakes
    late_firing_delay("PrismRunner", 7, values)
    assert "leave it out" in values.mistakes[0]


def test_prism_keeps_windows_open_since_its_watermark_runs_ahead_of_slow_partitions() -> None:
    assert windows_kept("PrismRunner", 60) == 366 * 86_400
    assert windows_kept("FlinkRunner", 60) == 60


def test_a_stream_on_flink_is_checkpointed_every_five_seconds() -> None:
    flags = with_flags(["--runner=FlinkRunner"], "FlinkRunner", is_stream=True, is_kafka=True)
    assert "--checkpointing_interval=5000" in flags
