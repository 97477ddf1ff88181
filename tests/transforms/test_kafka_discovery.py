import logging
from collections.abc import Iterator, Sequence

import pytest
from apache_beam.io.watermark_estimators import ManualWatermarkEstimator
from apache_beam.utils.timestamp import MIN_TIMESTAMP, Duration

from transforms.coders import StructCoder
from transforms.kafka.discovery import (
    DEFAULT_REFRESH_MILLIS,
    DiscoverPartitions,
    Given,
    GivenTracker,
    Submitted,
    not_given,
    refresh_seconds,
    with_given,
)
from transforms.kafka.errors import KafkaReadError
from transforms.kafka.partitions import Partition
from transforms.kafka.settings import KafkaSettings

SETTINGS = KafkaSettings("localhost:9092")
SUBMITTED = Submitted((Partition("a", 0, 5, run="abcd2345"), Partition("b", 0, 7, run="abcd2345")))


class View(GivenTracker):
    """A tracker as a DoFn sees it, which notes for how long it was put off."""

    def __init__(self, given: Given) -> None:
        super().__init__(given)
        self.deferred: list[Duration] = []

    def defer_remainder(self, delay: Duration) -> None:
        self.deferred.append(delay)
        self.try_split(0)


def look(given: Given, *there: Partition) -> tuple[list[Partition], Given, View]:
    def lister(_: KafkaSettings, topics: Sequence[str]) -> Sequence[Partition]:
        return [each for each in there if each.topic in topics]

    view = View(given)
    watermark = ManualWatermarkEstimator(MIN_TIMESTAMP)
    out = list(DiscoverPartitions(SETTINGS, lister).process(SUBMITTED, view, watermark))
    return out, view.current_restriction(), view


def test_the_first_look_gives_the_submitted_partitions_and_asks_nobody() -> None:
    out, given, view = look(Given())
    assert out == list(SUBMITTED.partitions)
    assert given == Given((("a", 1), ("b", 1)))
    assert view.deferred == [Duration(DEFAULT_REFRESH_MILLIS / 1000)]
    assert view.check_done()


def test_a_later_look_gives_what_is_new_from_its_first_record_in_the_same_run() -> None:
    before = Given((("a", 1), ("b", 1)))
    there = (Partition("a", 0, 0), Partition("a", 1, 0), Partition("a", 2, 0), Partition("b", 0, 0))
    out, given, _ = look(before, *there)
    assert out == [Partition("a", 1, 0, run="abcd2345"), Partition("a", 2, 0, run="abcd2345")]
    assert given == Given((("a", 3), ("b", 1)))


def test_nothing_is_given_twice() -> None:
    before = Given((("a", 2), ("b", 1)))
    out, given, _ = look(before, Partition("a", 0, 0), Partition("a", 1, 0), Partition("b", 0, 0))
    assert (out, given) == ([], before)


def test_a_cluster_that_does_not_answer_is_asked_again_later(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def lister(*_: object) -> Sequence[Partition]:
        raise KafkaReadError("kafka://localhost:9092: timed out")

    view = View(Given((("a", 1), ("b", 1))))
    with caplog.at_level(logging.WARNING):
        process: Iterator[Partition] = DiscoverPartitions(SETTINGS, lister).process(
            SUBMITTED, view, ManualWatermarkEstimator(MIN_TIMESTAMP)
        )
        assert list(process) == []
    assert "new partitions cannot be looked for now" in caplog.text
    assert view.deferred


def test_a_tracker_that_was_not_put_off_would_never_look_again() -> None:
    with pytest.raises(ValueError, match="no longer looked for"):
        GivenTracker(Given()).check_done()
    assert GivenTracker(Given()).try_split(0.5) is None
    assert not GivenTracker(Given()).is_bounded()


@pytest.mark.parametrize(
    ("said", "seconds"), [("5000", 5), ("-1", 300), ("", 300), ("10", 1), ("no", 300)]
)
def test_the_clients_own_setting_says_how_often(said: str, seconds: float) -> None:
    named = (("topic.metadata.refresh.interval.ms", said),) if said else ()
    assert refresh_seconds(KafkaSettings("localhost:9092", named)) == seconds


def test_counts_are_kept_by_topic() -> None:
    given = with_given(Given((("a", 1),)), [Partition("b", 0, 0), Partition("b", 1, 0)])
    assert given == Given((("a", 1), ("b", 2)))
    assert not_given([Partition("a", 1, 0), Partition("b", 1, 0)], given) == [Partition("a", 1, 0)]


def test_what_lies_in_savepoints_comes_back() -> None:
    for record in (SUBMITTED, Given((("a", 3),))):
        coder = StructCoder(type(record))
        assert coder.decode(coder.encode(record)) == record
