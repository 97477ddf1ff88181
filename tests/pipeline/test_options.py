import pytest

from pipeline.command_line import split_command_line
from pipeline.options import reading_of
from pipeline.values import Values


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
