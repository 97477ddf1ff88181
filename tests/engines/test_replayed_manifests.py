"""What stable input is to manifests: one that was just put is put again by a replay.

The TaskManager is killed as soon as manifests are written, long before the next checkpoint. When
what followed the last one is done again, a bucket that refused objects takes them, and receipts
come at other times, and so in other panes.
"""

import re
import time
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from examples.demo.s3_server import S3Server
from examples.engines.kafka_broker import KafkaBroker
from tests.engines.left import Left, Place, check_law
from tests.engines.ordeal import Ordeal, Setup
from tests.faults.fault_server import Answer, Rule, Stored

CHECKPOINT_SECONDS: Final = 6
RATE: Final = 500
_WRITTEN_SECONDS: Final = 90
_SURVIVORS_SECONDS: Final = 2
_MANIFEST: Final = ".manifest.json"
_FIRST_MANIFEST: Final = re.compile(r"_([a-z]+_\w+-\w+)_p0(?:_without-\w+)?\.manifest\.json")
_LATE_OBJECT: Final = re.compile(r"([a-z]+_\w+-\w+)_p1_\d+-of-\d+\.")


class Seen(NamedTuple):
    """What was written until the kill, and from then on.

    Attributes:
        first: What was there when the job had been killed.
        before: What the S3 server took until then.
        after: And what from then on, a redrive's puts included.
        left: What was there in the end, before the redrive.
    """

    first: Left
    before: list[Stored]
    after: list[Stored]
    left: Left

    def put_again(self) -> set[Place]:
        """Manifests that were put before the kill and after it."""
        both = contents(self.before).keys() & contents(self.after).keys()
        return {place for place in both if place[1].endswith(_MANIFEST)}

    def changed(self) -> set[Place]:
        """Keys that were given more than one content."""
        given = contents([*self.before, *self.after])
        return {place for place, digests in given.items() if len(digests) > 1}

    def refused_manifests(self) -> dict[Place, bytes]:
        """Those that were parked when the job was killed."""
        parked = self.first.parked.items()
        return {place: body for place, body in parked if place[1].endswith(_MANIFEST)}

    def __str__(self) -> str:
        again, changed = sorted(self.put_again()), self.changed()
        rows = [f"{place[1]}: {'another' if place in changed else 'the same'}" for place in again]
        return "\n".join([f"{len(again)} manifests put again", *rows])


def replay(ordeal: Ordeal) -> Seen:
    """Runs a job until manifests are written, kills it, and sees it to its end."""
    ordeal.faults.script([Rule(Answer.ACCESS_DENIED, bucket=f"{ordeal.topic}-beta", key=".ndjson")])
    with ordeal:
        await_manifests(ordeal)
        ordeal.cluster.kill_task_manager()
        ordeal.faults.heal()
        time.sleep(_SURVIVORS_SECONDS)  # of its workers
        before, first = ordeal.faults.stored, ordeal.job.look()
        ordeal.cluster.start_task_manager()
        left = ordeal.finish()
        check_law(left, ordeal.steady)
        done = ordeal.job.redrive()
        assert done.returncode == 0, done.stdout + done.stderr
        check_law(ordeal.job.look(), ordeal.steady)
        return Seen(first, before, ordeal.faults.stored[len(before) :], left)


def ordeal_of(server: S3Server, broker: KafkaBroker, folder: Path, topic: str) -> Ordeal:
    """A job whose checkpoints leave time for a kill in between."""
    return Ordeal(
        server,
        broker,
        folder,
        topic,
        "--late_firing_delay=1s",
        # Else the first checkpoint after a restart may come at once.
        f"--min_pause_between_checkpoints={CHECKPOINT_SECONDS - 1}000",
        setup=Setup(RATE, CHECKPOINT_SECONDS * 1000),
    )


def await_manifests(ordeal: Ordeal) -> None:
    """Waits until one is put, and another is parked, both of windows with late objects.

    Such a manifest comes with the last of the late objects: when these are put, nothing holds the
    watermark back any more.
    """
    deadline = time.monotonic() + _WRITTEN_SECONDS
    parked = ordeal.job.ops / "parked"
    while not (
        late_too(each.key for each in ordeal.faults.stored)
        and late_too(each.name for each in parked.rglob("*.avro"))
    ):
        assert time.monotonic() < deadline, f"no manifests\n{ordeal.cluster.log()[-6000:]}"
        time.sleep(0.05)


def late_too(names: Iterable[str]) -> bool:
    """Whether a window's first manifest is there, and one of its late objects."""
    listed = list(names)
    manifests, late = (
        {matched[1] for name in listed if (matched := pattern.search(name))}
        for pattern in (_FIRST_MANIFEST, _LATE_OBJECT)
    )
    return bool(manifests & late)


def contents(stored: Iterable[Stored]) -> dict[Place, set[str]]:
    """By bucket and key, what different things were stored there."""
    found = defaultdict(set)
    for each in stored:
        found[each.bucket, each.key].add(each.sha256)
    return found


def test_a_manifest_that_is_put_again_is_the_same(
    s3_server: S3Server, broker: KafkaBroker, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    seen = replay(ordeal_of(s3_server, broker, tmp_path, "replayed"))
    with capsys.disabled():
        print(f"\nwith stable input: {seen}")  # noqa: T201 - the finding
    assert seen.put_again()
    assert not seen.changed()
    for place, body in seen.refused_manifests().items():  # put by the replay, or parked for good
        assert seen.left.stored.get(place, body) == body, "the mended bucket was given another"


def test_without_stable_input_a_replay_overwrites_a_manifest_with_another(
    s3_server: S3Server, broker: KafkaBroker, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ordeal = ordeal_of(s3_server, broker, tmp_path, "hasty")
    ordeal.job.program = "tests.engines.hasty_manifests"
    seen = replay(ordeal)
    with capsys.disabled():
        print(f"\nwithout it: {seen}")  # noqa: T201 - the finding
    assert seen.changed()
    assert seen.changed() <= seen.put_again(), "objects still have it"
    # That objects were refused, and then taken, changes no manifest: its key says what it misses.
    _, missed = seen.first.listed()
    taken, _ = seen.left.listed()
    assert missed.keys() & taken.keys()
    for place, body in seen.refused_manifests().items():
        assert seen.left.stored.get(place, body) == body
