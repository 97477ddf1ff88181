"""No two manifests of different content share a key, whatever was late, refused or redriven."""

import itertools
from collections.abc import Iterator, Sequence

import msgspec

from tests.transforms.streams import TEN
from transforms.keys import manifest_key, object_key
from transforms.manifests import make_manifest, manifest_part
from transforms.records import Part, Receipt, Target, Window
from transforms.targets import with_revision

WINDOW = Window(TEN, TEN + 600)
TARGETS = [
    with_revision(Target("acme-web", "abcd2345", "acme-bucket", shards=shards))
    for shards in (2, 11)
]


def receipts(target: Target, *placed: tuple[int, int]) -> list[Receipt]:
    """A delivered object for each (pane, shard)."""
    return [
        Receipt(
            destination=target.destination,
            run=target.run,
            revision=target.revision,
            window_start=WINDOW.start,
            window_end=WINDOW.end,
            pane=pane,
            shard=shard,
            part=0,
            bucket=target.bucket,
            key=object_key(msgspec.structs.replace(target, shard=shard), WINDOW, pane, 0),
            events=7,
            raw_bytes=70,
            stored_bytes=9,
            sha256="00" * 32,
            status="delivered",
        )
        for pane, shard in placed
    ]


def subsets(objects: Sequence[Receipt]) -> Iterator[tuple[Receipt, ...]]:
    for size in range(len(objects) + 1):
        yield from itertools.combinations(objects, size)


def manifests(target: Target, pane: int, objects: Sequence[Receipt]) -> Iterator[Part]:
    """All that may be written of a pane: any of its objects refused, and any redriven later."""
    for some in subsets(objects):
        settled = [
            msgspec.structs.replace(each, status="parked" if each in some else "delivered")
            for each in objects
        ]
        yield manifest_part(target, WINDOW, make_manifest(target, WINDOW, pane, settled))
        if some:
            redriven = make_manifest(target, WINDOW, pane, some, redriven=True)
            yield manifest_part(target, WINDOW, redriven)


def test_whatever_a_bucket_refuses_and_takes_later_no_manifest_takes_anothers_key() -> None:
    # Shards 0 and 1 came in time and shard 1 again; of shard 10 the first pane was the late one.
    found = [
        part
        for target in TARGETS
        for pane, objects in enumerate(
            [
                receipts(target, (0, 0), (0, 1)),
                receipts(target, (1, 1)),
                receipts(target, (0, 10)),
                [],  # always: a quiet window's
            ]
        )
        for part in manifests(target, pane, objects)
    ]
    bodies: dict[str, bytes] = {}
    for part in found:
        assert bodies.setdefault(part.key, part.body) == part.body
    assert len(bodies) == len(found) == 2 * (4 + 3 + 2 + 1 + 2 + 1 + 1)


def test_objects_of_several_panes_that_are_redriven_together_keep_manifests_of_their_own() -> None:
    # A redrive goes by the objects' pane: what came late and what came in time may share one.
    [target, _] = TARGETS
    [early, late] = receipts(target, (0, 0), (0, 1))
    parts = [
        manifest_part(target, WINDOW, make_manifest(target, WINDOW, 0, some, redriven=True))
        for some in ([early], [late], [early, late], [late, early])
    ]
    assert [part.key for part in parts] == [
        "2026/11/20/10/_acme-web_20261120T100000Z_20261120T101000Z_abcd2345-lby6_p0"
        f"_redriven-{mark}.manifest.json"
        for mark in ("fkjpaix7", "fixvswvt", "4ldiuwkj", "4ldiuwkj")
    ]
    assert parts[2].body == parts[3].body


def test_a_receipt_that_a_retry_repeats_changes_no_manifest() -> None:
    [target, _] = TARGETS
    once = receipts(target, (0, 0), (0, 1))
    both = [make_manifest(target, WINDOW, 0, each) for each in (once, [*once[::-1], *once])]
    assert both[0] == both[1]


def test_a_panes_number_is_told_from_the_next_ones_digits_and_from_objects_names() -> None:
    [target, _] = TARGETS
    panes = range(120)
    keys = {manifest_key(target, WINDOW, pane) for pane in panes}
    objects = {object_key(target, WINDOW, pane, part) for pane in panes for part in range(12)}
    assert len(keys) == len(panes)
    assert keys.isdisjoint(objects)
    assert all(key.rpartition("/")[2].startswith("_") for key in keys)
