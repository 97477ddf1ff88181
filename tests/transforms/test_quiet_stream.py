import datetime as dt

from apache_beam.io.watermark_estimators import ManualWatermarkEstimator
from apache_beam.runners.sdf_utils import (
    RestrictionTrackerView,
    ThreadsafeRestrictionTracker,
    ThreadsafeWatermarkEstimator,
)
from apache_beam.utils.timestamp import Timestamp
from hypothesis import given
from hypothesis import strategies as st

from tests.transforms.streams import CONFIGURATION, TEN
from transforms.coders import StructCoder
from transforms.configuration import Configuration
from transforms.edition import Edition
from transforms.kafka.offsets import OffsetRange, OffsetTracker
from transforms.quiet_stream import (
    MOST_AT_ONCE,
    BeginWindows,
    QuietFrom,
    SecondsOfRun,
    begun,
    pause,
)

SECONDS = 600
DAY = 86_400


def modes(*kinds: str, enabled: bool = True) -> Configuration:
    """Two destinations whose manifests are as is said."""
    destinations = tuple(
        each.model_copy(update={"manifest": kind, "enabled": enabled})
        for each, kind in zip(CONFIGURATION.destinations, kinds, strict=True)
    )
    return CONFIGURATION.model_copy(update={"destinations": destinations})


class Changing:
    """A configuration that somebody changes, in the run of today's submission."""

    def __init__(self, configuration: Configuration) -> None:
        self.configuration = configuration

    def now(self) -> Edition:
        return Edition(self.configuration, "resubmit")


class Source:
    """The source, resumed as a runner would, by a clock that the test sets."""

    def __init__(self, configuration: Configuration, start: int = TEN) -> None:
        self.now = float(start)
        self.editions = Changing(configuration)
        self.left = OffsetRange(start)
        self.watermark: Timestamp | None = None
        self.delay = 0.0
        self._element = QuietFrom("abcd2345", start)

    def resume(
        self, seconds: int = SECONDS, split_after: int | None = None
    ) -> list[tuple[str, str]]:
        """One bundle: destination and window of all receipts; the runner may split it."""
        clocked = BeginWindows(self.editions, seconds, lambda: self.now)
        tracker = ThreadsafeRestrictionTracker(OffsetTracker(self.left))
        watermark = ThreadsafeWatermarkEstimator(ManualWatermarkEstimator(self.watermark))
        found: list[tuple[str, str]] = []
        residual = None
        for each in clocked.process(self._element, RestrictionTrackerView(tracker), watermark):
            target, receipt = each.value
            assert target.run == receipt.run == "abcd2345"
            assert receipt.key == ""
            assert each.timestamp == receipt.window_start
            assert receipt.window_end == receipt.window_start + seconds
            assert self.watermark is None or each.timestamp >= watermark.current_watermark()
            found.append((target.destination, _clock(receipt.window_start)))
            if len(found) == split_after:
                residual = tracker.try_split(0)
        assert tracker.check_done()
        status = tracker.deferred_status()
        if residual is None:
            assert status is not None
            self.left, delay = status
            self.delay = delay.micros / 1e6
        else:
            assert status is None
            self.left, self.delay = residual[1], 0.0
        self.watermark = watermark.get_estimator_state()
        return found


def _clock(seconds: int) -> str:
    return dt.datetime.fromtimestamp(seconds, dt.timezone.utc).strftime("%m-%dT%H:%M")


def test_a_window_is_spoken_of_when_it_has_begun_and_then_no_more() -> None:
    source = Source(modes("always", "with_data"))
    assert source.resume() == [("acme-web", "11-20T10:00")]
    source.now = TEN + 599.9
    assert source.resume() == []
    source.now = TEN + 600
    assert source.resume() == [("acme-web", "11-20T10:10")]
    assert source.resume() == []


def test_the_watermark_is_the_end_of_the_last_window_spoken_of() -> None:
    source = Source(modes("always", "always"))
    source.resume()
    assert source.watermark == Timestamp(TEN + 600)
    source.now = TEN + 1000
    source.resume()
    assert source.watermark == Timestamp(TEN + 1200)
    source.resume()
    assert source.watermark == Timestamp(TEN + 1200)


def test_a_window_that_had_begun_before_the_submission_is_not_spoken_of() -> None:
    source = Source(modes("always", "with_data"), TEN + 1)
    assert source.resume() == []
    assert source.watermark == Timestamp(TEN + 600)
    source.now = TEN + 600
    assert source.resume() == [("acme-web", "11-20T10:10")]


def test_only_enabled_destinations_that_want_every_window_have_it() -> None:
    assert Source(modes("with_data", "off")).resume() == []
    assert Source(modes("always", "always", enabled=False)).resume() == []
    assert Source(modes("always", "always")).resume() == [
        ("acme-web", "11-20T10:00"),
        ("beta-all", "11-20T10:00"),
    ]


def test_a_destination_has_it_from_the_window_after_its_configuration_says_so() -> None:
    source = Source(modes("with_data", "with_data"))
    assert source.resume() == []
    source.now = TEN + 300
    source.editions.configuration = modes("with_data", "always")
    assert source.resume() == []
    source.now = TEN + 601
    assert source.resume() == [("beta-all", "11-20T10:10")]


def test_a_job_that_was_down_makes_up_for_it_in_bundles_of_bounded_size() -> None:
    source = Source(modes("always", "always"))
    source.resume()
    source.now = TEN + 2 * DAY
    assert len(source.resume()) == 2 * 2 * DAY // SECONDS

    source.now += 365 * DAY
    bundles = [source.resume()]
    while not source.delay:
        bundles.append(source.resume())
    assert max(len(bundle) for bundle in bundles) <= MOST_AT_ONCE
    together = [each for bundle in bundles for each in bundle]
    assert len(together) == len(set(together)) == 2 * 365 * DAY // SECONDS
    assert len(bundles) < 20


def test_a_runner_may_take_the_rest_at_any_place() -> None:
    source = Source(modes("always", "always"))
    source.now = TEN + 1200
    first = source.resume(split_after=1)
    # A window is spoken of as a whole.
    assert first == [("acme-web", "11-20T10:00"), ("beta-all", "11-20T10:00")]
    assert source.left == OffsetRange(TEN + 600)
    assert [window for _, window in source.resume()] == ["11-20T10:10"] * 2 + ["11-20T10:20"] * 2


def test_a_job_may_be_resumed_with_windows_of_another_length() -> None:
    source = Source(modes("always", "with_data"))
    source.resume()
    source.now = TEN + 3600
    assert source.resume(3600) == [("acme-web", "11-20T11:00")]
    assert source.watermark == Timestamp(TEN + 7200)
    source.now = TEN + 7200
    assert source.resume(1800) == [("acme-web", "11-20T12:00")]


def test_the_source_rests_until_a_window_begins_however_the_engine_rounds() -> None:
    source = Source(modes("always", "with_data"))
    source.now = TEN + 0.5
    source.resume()
    # Flink cuts it to whole seconds, and what has passed meanwhile is taken off.
    assert 600 < source.delay <= 601
    assert TEN + 600 <= source.now + int(source.delay) < TEN + 601


def test_there_is_no_pause_where_a_window_waits() -> None:
    assert pause(TEN, TEN) is None
    assert pause(TEN, TEN + 0.1) is None


@given(
    st.integers(0, 2**33),
    st.integers(1, DAY),
    st.floats(0, 2**33),
    st.integers(1, 100),
)
def test_windows_are_those_that_begin_between_then_and_now(
    start: int, seconds: int, now: float, most: int
) -> None:
    numbers = begun(start, seconds, now, most)
    assert len(numbers) <= most
    assert start <= numbers.start * seconds < start + seconds
    assert all(number * seconds <= now for number in numbers)
    if len(numbers) < most:
        assert numbers.stop * seconds > now


def test_the_element_lies_in_savepoints_as_it_always_did() -> None:
    coder = StructCoder(QuietFrom)
    encoded = coder.encode(QuietFrom("abcd2345", 300))
    assert encoded == b"\x92\xa8abcd2345\xcd\x01\x2c"
    assert coder.decode(encoded) == QuietFrom("abcd2345", 300)


def test_all_that_is_to_come_has_no_end() -> None:
    provider = SecondsOfRun()
    restriction = provider.initial_restriction(QuietFrom("abcd2345", TEN))
    assert restriction == OffsetRange(TEN, None)
    assert not provider.create_tracker(restriction).is_bounded()
