"""The configuration changes under a stream that runs on an engine: each change, one by one."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, NamedTuple

import pytest

from examples.demo.s3_server import S3Server
from examples.engines.kafka_broker import KafkaBroker
from tests.engines.left import Left, Place, numbers
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
    folder = tmp_path_factory.mktemp("changes")
    options = [f"--config_ttl={TTL_SECONDS}s"]
    with (
        LiveStream(s3_server, broker, folder, "changes", *options) as stream,
        Steady(broker.producer(), stream.topic, PARTITIONS, RATE) as steady,
    ):
        stream.await_puts("changes-alpha", BEGIN_SECONDS)
        turns = {"broken": _break(stream, steady)}
        for name, change in CHANGES.items():
            turns[name] = _turn(stream, steady, change)
        steady.stop()
        stream.wait(lambda: _is_whole(stream.job.look(), steady), 240, "all that was routed")
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


def _is_whole(left: Left, steady: Steady) -> bool:
    found = left.by_manifests()
    if any(steady.expected[name] - found[name].keys() for name in ("web", "all")):
        return False
    return all(found[name].total() == events for name, events in _routed(left).items())


def _routed(left: Left) -> Counter[str]:
    """How many events went to each destination, by the tallies."""
    tallies = {(each["source"], each["first"]): each["pairs"] for each in left.ops_lines("tallies")}
    routed: Counter[str] = Counter()
    for pairs in tallies.values():
        routed.update(pairs)
    return routed


def _runs(found: Iterable[int], wanted: set[int]) -> Iterator[tuple[int, int]]:
    """The first and the last number of each partition, between which none may lack.

    When a change meets a partition depends on how far that one was read: only its order is sure.
    """
    for partition in range(PARTITIONS):
        mine = [number for number in sorted(found) if number % PARTITIONS == partition]
        all_of_it = [number for number in sorted(wanted) if number % PARTITIONS == partition]
        start = all_of_it.index(mine[0])
        assert mine == all_of_it[start : start + len(mine)]
        yield mine[0], mine[-1]


def _from(found: dict[Place, list[int]], begun: int) -> set[Place]:
    """The objects that have any event of this number or a later one."""
    return {place for place, held in found.items() if max(held) >= begun}


def test_the_law_holds_for_all_destinations_throughout(changed: Changed) -> None:
    found, routed = changed.left.by_manifests(), _routed(changed.left)
    for name in ("web", "app", "all", "extra"):
        assert set(found[name].values()) == {1}, name
        assert found[name].total() == routed[name]
    assert found["web"].keys() == changed.expected["web"]
    assert found["all"].keys() == changed.expected["all"]


def test_each_change_is_in_force_within_a_few_seconds(changed: Changed) -> None:
    assert max(turn.seconds for turn in changed.turns.values()) < TTL_SECONDS + 8, changed.turns


def test_a_broken_file_leaves_the_old_configuration_in_force(changed: Changed) -> None:
    turn = changed.turns["broken"]
    assert _BROKEN in changed.said
    wanted = {
        n for n in changed.expected["web"] if turn.before <= n < changed.turns["added"].before
    }
    assert wanted <= changed.left.by_manifests()["web"].keys()


def test_a_destination_is_added_and_removed_and_gets_all_that_comes_in_between(
    changed: Changed,
) -> None:
    found = changed.left.by_manifests()["extra"]
    for first, last in _runs(found, changed.expected["web"]):
        assert first < changed.turns["added"].after + 2 * PARTITIONS * PARTITIONS
        assert changed.turns["added"].after < last < changed.turns["removed"].after


def test_what_is_under_way_for_a_destination_that_is_removed_is_parked(changed: Changed) -> None:
    found = changed.places("extra")
    assert found.keys() & changed.left.parked.keys()
    assert found.keys() & changed.left.stored.keys()


def test_shards_change_for_what_comes_from_then_on(changed: Changed) -> None:
    found = changed.places("web")
    new = _from(found, changed.turns["shards"].after)
    assert new
    assert all("-of-00003." in key for _, key in new)
    assert [key for _, key in found.keys() - new if "-of-00002." in key]


def test_the_prefix_changes_for_what_comes_from_then_on(changed: Changed) -> None:
    found = changed.places("app")
    new = _from(found, changed.turns["prefix"].after)
    assert new
    assert all(key.startswith("logs/app/v2/") for _, key in new)
    assert [key for _, key in found.keys() - new if not key.startswith("logs/app/v2/")]


def test_nothing_follows_a_destination_into_another_bucket(changed: Changed) -> None:
    found = changed.places("all")
    new = _from(found, changed.turns["bucket"].after)
    assert {bucket for bucket, _ in new} == {"changes-alpha"}
    under_way = found.keys() & changed.left.parked.keys()
    assert {bucket for bucket, _ in under_way} == {"changes-beta"}
    assert not under_way & changed.left.stored.keys()


def test_a_destination_that_is_disabled_gets_what_is_under_way_and_nothing_more(
    changed: Changed,
) -> None:
    found = changed.places("app")
    for first, last in _runs(changed.left.by_manifests()["app"], changed.expected["app"]):
        assert first < 100 * PARTITIONS
        assert last < changed.turns["disabled"].after
    assert not found.keys() & changed.left.parked.keys()
