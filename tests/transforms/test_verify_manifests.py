"""Manifests that are damaged, misplaced, changed, or at odds with each other."""

import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from tests.small_prefix import (
    FIRST,
    HOUR,
    MANIFEST,
    URL,
    WINDOW,
    MemoryTree,
    SmallPrefix,
    clean,
    kinds,
    raw_lines,
    verified,
)
from transforms.manifests import Manifest
from transforms.parked import parked
from transforms.records import Part
from transforms.store import Failure
from transforms.verification.manifests import Union, decode_manifest
from transforms.verification.records import ParkedManifest, Verification
from transforms.verification.tree import verify_tree


def test_an_object_in_two_manifests_counts_once() -> None:
    prefix = clean()
    prefix.put(0, raw_lines(0, 5))
    prefix.list(redriven=True)
    found = verified(prefix.objects)
    assert found.defects == []
    assert found.rows[0].events == 9


def test_two_manifests_that_disagree_are_a_conflict() -> None:
    prefix = clean()
    body = prefix.objects[FIRST]
    prefix.put(0, raw_lines(0, 6))
    redriven = prefix.list(redriven=True)
    prefix.objects[FIRST] = body
    [defect] = verified(prefix.objects).defects
    assert (defect.kind, defect.url) == ("conflicting manifests", URL + FIRST)
    assert "events 5" in defect.expected
    assert "events 6" in defect.found
    assert redriven.rpartition("/")[2] in defect.found


def edited(change: Callable[[dict[str, Any]], object]) -> Verification:
    objects = clean().objects
    document = json.loads(objects[MANIFEST])
    change(document)
    objects[MANIFEST] = json.dumps(document).encode()
    return verified(objects)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda m: m.update(version=2), "version 2 is not known to this program"),
        (lambda m: m.pop("totals"), "Object missing required field `totals`"),
        (lambda m: m["totals"].update(events=10), "events 10"),
        (lambda m: m["entries"].pop(), "others"),
        (lambda m: m["entries"][0]["meta"].update(content_length=1), "others"),
        (lambda m: m.update(destination="beta"), "_acme-web_2026"),
        (lambda m: m["window"].update(start="2026-11-20T10:00:10Z"), "_acme-web_2026"),
        (lambda m: m["window"].update(start="yesterday"), "Invalid"),
        (lambda m: m.update(redriven=True), "_acme-web_2026"),
        (lambda m: m["objects"].append(m["objects"][0]), "2 times"),
        (lambda m: m["objects"][0].update(shard=7), FIRST),
    ],
)
def test_a_manifest_that_does_not_agree_with_itself_is_damaged(
    change: Callable[[dict[str, Any]], object], said: str
) -> None:
    found = [each for each in edited(change).defects if each.kind == "damaged manifest"]
    assert {defect.url for defect in found} == {URL + MANIFEST}
    assert any(said in defect.found for defect in found)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"version": 1,', '"version": 1, "x": ' + "[" * 200_000 + "]" * 200_000 + ",", "deeply"),
        ('"2026-11-20T10:00:00Z"', '"0001-01-01T00:00:00+23:59"', "years 1 to 9999"),
        ('"2026-11-20T10:10:00Z"', '"9999-12-31T23:59:59-23:59"', "years 1 to 9999"),
    ],
)
def test_a_hostile_manifest_is_damaged_and_the_rest_is_verified(
    old: str, new: str, said: str
) -> None:
    objects = clean().objects
    text = objects[MANIFEST].decode()
    assert old in text
    hostile = MANIFEST.replace("_p0", "_p1")
    found = verified({**objects, hostile: text.replace(old, new).encode()})
    assert kinds(found) == [("damaged manifest", hostile)]
    assert said in found.defects[0].found
    assert found.rows[0].objects == 2


def test_a_manifest_that_is_no_json_is_damaged() -> None:
    objects = clean().objects | {MANIFEST: b"\xff"}
    assert ("damaged manifest", MANIFEST) in kinds(verified(objects))


def test_a_digest_that_was_changed_in_a_manifest_is_found_by_the_object() -> None:
    found = edited(lambda m: m["objects"][0].update(sha256="0" * 64))
    assert kinds(found) == [("sha256 differs", FIRST)]


def test_a_length_that_was_changed_in_a_manifest_is_found_by_the_object() -> None:
    def change(manifest: dict[str, Any]) -> None:
        manifest["objects"][0]["bytes"] += 1
        manifest["totals"]["bytes"] += 1
        manifest["entries"][0]["meta"]["content_length"] += 1

    assert kinds(edited(change)) == [("bytes differ", FIRST)]


def test_raw_bytes_that_were_changed_in_a_manifest_are_found_by_the_object() -> None:
    def change(manifest: dict[str, Any]) -> None:
        manifest["objects"][0]["raw_bytes"] += 1
        manifest["totals"]["raw_bytes"] += 1

    assert kinds(edited(change)) == [("raw bytes differ", FIRST)]


def test_a_manifest_in_the_wrong_folder_is_misplaced_and_still_read() -> None:
    objects = clean().objects
    objects["2026/11/20/11/" + MANIFEST.removeprefix(HOUR)] = objects.pop(MANIFEST)
    found = verified(objects)
    assert [kind for kind, _ in kinds(found)] == ["misplaced manifest"]
    assert found.rows[0].events == 9


def test_a_manifest_in_the_wrong_folder_of_a_copy_is_misplaced() -> None:
    objects = clean().objects
    objects["2026/11/20/11/" + MANIFEST.removeprefix(HOUR)] = objects.pop(MANIFEST)
    found = verify_tree(MemoryTree(objects, "/home/acme/copy/"))
    assert "misplaced manifest" in {defect.kind for defect in found.defects}


@pytest.mark.parametrize("order", [[0, 1], [1, 0]])
def test_what_any_manifest_lists_is_delivered_whatever_their_order(order: list[int]) -> None:
    prefix = SmallPrefix()
    prefix.put(1, raw_lines(5, 4), "parked")
    without = prefix.list()
    prefix.put(1, raw_lines(5, 4))
    keys = [without, prefix.list(redriven=True)]
    union = Union(MemoryTree({}))
    for index in order:
        union.add(keys[index], decode_manifest(prefix.objects[keys[index]]))
    assert [known.delivered for known in union.known.values()] == [True]
    assert union.defects == []


def test_a_prefix_that_was_copied_to_another_bucket_is_misplaced() -> None:
    found = verify_tree(MemoryTree(clean().objects, "s3://other-bucket/logs/"))
    [defect] = found.defects
    assert defect.kind == "misplaced manifest"
    assert f"s3://acme-bucket/logs/{FIRST}" in defect.expected
    assert found.rows[0].events == 9


def test_a_parked_manifest_stands_in_for_the_one_that_is_missing() -> None:
    prefix = clean()
    body = prefix.objects.pop(MANIFEST)
    assert {kind for kind, _ in kinds(verified(prefix.objects))} == {"unlisted object"}
    manifest = msgspec.json.decode(body, type=Manifest)
    part = Part(prefix.target, WINDOW, 0, 0, f"logs/{MANIFEST}", body, 0, 0, "manifest")
    failure = Failure("AccessDenied (403): no", transient=False)
    head = parked(part, "", "application/json", {}, failure)
    found = verify_tree(
        MemoryTree(prefix.objects), parked_manifests=[ParkedManifest(head, manifest)]
    )
    assert found.defects == []
    [missing] = found.missing
    assert (missing.kind, missing.url, missing.events) == ("manifest", URL + MANIFEST, 9)
    # A redrive puts it before it moves it away.
    there = MemoryTree(clean().objects)
    assert verify_tree(there, parked_manifests=[ParkedManifest(head, manifest)]).missing == []
