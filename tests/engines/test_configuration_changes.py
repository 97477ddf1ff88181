"""The configuration changes under a stream that runs on an engine: each change, one by one."""

import time
from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

import pytest

from examples.demo.s3_server import S3Server
from tests.engines.kafka_broker import KafkaBroker
from tests.engines.live_job import Left, Place, numbers
from tests.engines.live_stream import BEGIN_SECONDS, PARTITIONS, WINDOW_SECONDS, LiveStream
from tests.engines.steady import WEB_KEY, Steady

RATE: Final = 1000
TTL_SECONDS: Final = 2
_IN_FORCE_SECONDS: Final = 30
_BETWEEN_SECONDS: Final = 4
_NEW_VERSION: Final = "a new version is in force"
_BROKEN: Final = "The configuration that was in force stays in force."

Change = Callable[[dict[str, Any]], None]


class Turn(NamedTuple):
    """A change, by the numbers of the events that were produced about then.

    Attributes:
        before: All below it were produced before it was written.
        after: All from it on were produced when the job had said that it was in force.
        seconds: How long that took.
    """

    before: int
    after: int
    seconds: float


class Changed(NamedTuple):
    """What was changed, and what the job left."""

    turns: dict[str, Turn]
    expected: dict[str, set[int]]
    left: Left
    said: str

    def places(self, destination: str) -> dict[Place, list[int]]:
        """The numbers in each object of a destination, put or parked."""
        every = {**self.left.stored, **self.left.parked}
        return {
            place: numbers(place, body)
            for place, body in every.items()
            if f"/{destination}_" in place[1] and not place[1].endswith(".json")
        }


def _find(configuration: dict[str, Any], name: str) -> dict[str, Any]:
    found: list[dict[str, Any]] = configuration["destinations"]
    return next(each for each in found if each["name"] == name)


def _add(configuration: dict[str, Any]) -> None:
    extra = {"name": "extra", "connection": "beta", "prefix": "logs/extra"}
    configuration["destinations"].append({**extra, "match": {"write_key": WEB_KEY}})


def _reshard(configuration: dict[str, Any]) -> None:
    _find(configuration, "web")["shards"] = 3


def _move_prefix(configuration: dict[str, Any]) -> None:
    _find(configuration, "app")["prefix"] = "logs/app/v2"


def _move_bucket(configuration: dict[str, Any]) -> None:
    _find(configuration, "all")["connection"] = "alpha"


def _disable(configuration: dict[str, Any]) -> None:
    _find(configuration, "app")["enabled"] = False


def _remove(configuration: dict[str, Any]) -> None:
    configuration["destinations"].remove(_find(configuration, "extra"))


CHANGES: Final[dict[str, Change]] = {
    "added": _add,
    "shards": _reshard,
    "prefix": _move_prefix,
    "bucket": _move_bucket,
    "disabled": _disable,
    "removed": _remove,
}


@pytest.fixture(scope="module")
def changed(
    s3_server: S3Server, broker: KafkaBroker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Changed]:
    """One stream, through all changes."""
    folder = tmp_path_factory.mktemp("reload")
    options = [f"--config_ttl={TTL_SECONDS}s"]
    with (
        LiveStream(s3_server, broker, folder, "reload", *options) as stream,
        Steady(broker.producer(), stream.topic, PARTITIONS, RATE) as steady,
    ):
        stream.await_puts("reload-alpha", BEGIN_SECONDS)
        turns = {"broken": _break(stream, steady)}
        for name, change in CHANGES.items():
            turns[name] = _turn(stream, steady, change)
        steady.stop()
        expected = _expected(steady, turns)

        def is_whole() -> bool:
            found = stream.job.look().by_manifests()
            return all(wanted <= found[name].keys() for name, wanted in expected.items())

        stream.wait(is_whole, 120, "all events")
        time.sleep(WINDOW_SECONDS)
        yield Changed(turns, steady.expected, stream.job.look(), stream.job.log())


def _turn(stream: LiveStream, steady: Steady, change: Change) -> Turn:
    change(stream.job.configuration)
    before, said = steady.produced, stream.job.log().count(_NEW_VERSION)
    stream.job.configure()
    seconds = stream.wait(
        lambda: stream.job.log().count(_NEW_VERSION) > said, _IN_FORCE_SECONDS, change.__name__
    )
    after = steady.produced
    time.sleep(_BETWEEN_SECONDS)
    return Turn(before, after, seconds)


def _break(stream: LiveStream, steady: Steady) -> Turn:
    before = steady.produced
    stream.job.configuration_file.write_text("destinations: [")
    seconds = stream.wait(lambda: _BROKEN in stream.job.log(), _IN_FORCE_SECONDS, "the complaint")
    after = steady.produced
    time.sleep(_BETWEEN_SECONDS)
    return Turn(before, after, seconds)


def _expected(steady: Steady, turns: dict[str, Turn]) -> dict[str, set[int]]:
    """By destination, what it must get; it may get more while a change comes into force."""
    web, app, every = (steady.expected[name] for name in ("web", "app", "all"))
    return {
        "web": web,
        "all": every,
        "app": {n for n in app if n < turns["disabled"].before},
        "extra": {n for n in web if turns["added"].after <= n < turns["removed"].before},
    }


def _within(found: dict[Place, list[int]], begun: int, ended: int) -> set[Place]:
    return {
        place for place, held in found.items() if any(begun <= number < ended for number in held)
    }


def _end(changed: Changed) -> int:
    return max(max(each) for each in changed.expected.values()) + 1


def test_the_law_holds_for_all_destinations_throughout(changed: Changed) -> None:
    turns, found = changed.turns, changed.left.by_manifests()
    for name in ("web", "app", "all", "extra"):
        assert set(found[name].values()) == {1}, name
    assert found["web"].keys() == changed.expected["web"]
    assert found["all"].keys() == changed.expected["all"]
    assert found["app"].keys() <= changed.expected["app"]
    missing = changed.expected["app"] - found["app"].keys()
    assert min(missing) >= turns["disabled"].before


def test_each_change_is_in_force_within_a_few_seconds(changed: Changed) -> None:
    assert max(turn.seconds for turn in changed.turns.values()) < TTL_SECONDS + 8, changed.turns


def test_a_broken_file_leaves_the_old_configuration_in_force(changed: Changed) -> None:
    turn = changed.turns["broken"]
    assert _BROKEN in changed.said
    wanted = {
        n for n in changed.expected["web"] if turn.before <= n < changed.turns["added"].before
    }
    assert wanted <= changed.left.by_manifests()["web"].keys()


def test_a_destination_that_is_added_gets_what_comes_from_then_on(changed: Changed) -> None:
    turn, gone = changed.turns["added"], changed.turns["removed"]
    found = changed.left.by_manifests()["extra"]
    assert min(found) >= turn.before
    wanted = {n for n in changed.expected["web"] if turn.after <= n < gone.before}
    assert wanted <= found.keys()


def test_shards_change_for_what_comes_from_then_on(changed: Changed) -> None:
    turn, found = changed.turns["shards"], changed.places("web")
    assert all("-of-00002" in key for _, key in _within(found, 0, turn.before))
    new = _within(found, turn.after, _end(changed))
    assert all("-of-00003" in key for _, key in new)
    assert {key.rpartition("_")[2][:5] for _, key in new} == {"00000", "00001", "00002"}


def test_the_prefix_changes_for_what_comes_from_then_on(changed: Changed) -> None:
    turn, found = changed.turns["prefix"], changed.places("app")
    assert not [k for _, k in _within(found, 0, turn.before) if k.startswith("logs/app/v2/")]
    new = _within(found, turn.after, _end(changed))
    assert new
    assert all(key.startswith("logs/app/v2/") for _, key in new)


def test_nothing_follows_a_destination_into_another_bucket(changed: Changed) -> None:
    turn, found = changed.turns["bucket"], changed.places("all")
    old, new = _within(found, 0, turn.before), _within(found, turn.after, _end(changed))
    assert {bucket for bucket, _ in old} == {"reload-beta"}
    assert {bucket for bucket, _ in new} == {"reload-alpha"}
    under_way = old & changed.left.parked.keys()
    assert under_way
    assert not under_way & changed.left.stored.keys()


def test_a_destination_that_is_disabled_gets_what_is_under_way_and_nothing_more(
    changed: Changed,
) -> None:
    turn, found = changed.turns["disabled"], changed.places("app")
    assert not _within(found, turn.after, _end(changed))
    assert not found.keys() & changed.left.parked.keys()


def test_what_is_under_way_for_a_destination_that_is_removed_is_parked(changed: Changed) -> None:
    turn, found = changed.turns["removed"], changed.places("extra")
    assert not _within(found, turn.after, _end(changed))
    assert found.keys() & changed.left.parked.keys()
    assert found.keys() & changed.left.stored.keys()
