import gzip
import hashlib
import json
import time
import zlib
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.small_prefix import (
    FIRST,
    HOUR,
    MANIFEST,
    PACK,
    SECOND,
    WINDOW,
    MemoryTree,
    SmallPrefix,
    clean,
    raw_lines,
    target,
)
from transforms.manifests import Manifest
from transforms.object_names import Compression
from transforms.object_tree import UnreadableObjectError
from transforms.parked import parked
from transforms.records import Part
from transforms.store import Failure
from transforms.verification.content import unpacked
from transforms.verification.manifests import Union, decode_manifest
from transforms.verification.records import Defect, Neighbours, ParkedManifest, Scope, Verification
from transforms.verification.tree import Progress, verify_tree

ENDINGS = {"gzip": ".gz", "zstd": ".zst", "none": ""}
URL = "s3://acme-bucket/logs/"


def verified(objects: dict[str, bytes], scope: Scope = Scope()) -> Verification:  # noqa: B008 - frozen
    return verify_tree(MemoryTree(objects), scope)


def kinds(found: Verification) -> list[tuple[str, str]]:
    return [(defect.kind, defect.url.removeprefix(URL)) for defect in found.defects]


def only_defect(objects: dict[str, bytes]) -> Defect:
    [defect] = verified(objects).defects
    return defect


@pytest.mark.parametrize("compression", PACK)
def test_what_is_as_its_manifest_says_has_no_defects(compression: str) -> None:
    found = verified(clean(compression=compression).objects)
    assert (found.defects, found.missing) == ([], [])
    [row] = found.rows
    assert (row.destination, row.windows, row.manifests) == ("acme-web", 1, 1)
    assert (row.objects, row.events, row.listed_objects, row.listed_events) == (2, 9, 2, 9)
    assert row.raw_bytes == len(raw_lines(0, 9))


def test_keys_are_as_written_out() -> None:
    assert sorted(clean().objects) == [MANIFEST, FIRST, SECOND]


def test_a_flipped_byte_is_one_defect_that_says_why_it_cannot_be_unpacked() -> None:
    objects = clean().objects
    body = bytearray(objects[FIRST])
    body[-6] ^= 1  # of the CRC-32
    objects[FIRST] = bytes(body)
    defect = only_defect(objects)
    assert (defect.kind, defect.url) == ("sha256 differs", URL + FIRST)
    assert "it cannot be unpacked: not gzip, or damaged: Error -3" in defect.found


@given(st.integers(0), st.integers(1, 255))
def test_any_byte_that_changes_is_found(at: int, change: int) -> None:
    objects = clean().objects
    body = bytearray(objects[SECOND])
    body[at % len(body)] ^= change
    objects[SECOND] = bytes(body)
    assert kinds(verified(objects))[0] == ("sha256 differs", SECOND)


def test_an_object_that_was_removed_is_named() -> None:
    objects = clean().objects
    del objects[SECOND]
    found = verified(objects)
    assert kinds(found) == [("object removed", SECOND)]
    assert found.defects[0].expected == "an object of 4 events"
    assert (found.rows[0].objects, found.rows[0].listed_objects) == (1, 2)


@pytest.mark.parametrize("key", [FIRST.replace("_p0_", "_p1_"), "notes.txt", f"{HOUR}.hidden"])
def test_an_object_that_was_added_is_named(key: str) -> None:
    objects = clean().objects | {key: b"{}\n"}
    assert kinds(verified(objects)) == [("unlisted object", key)]


def test_a_doubled_line_is_named_by_the_digest_and_by_the_count() -> None:
    objects = clean().objects
    objects[FIRST] = PACK["gzip"](raw_lines(0, 5) + raw_lines(0, 1))
    found = verified(objects)
    assert kinds(found) == [("sha256 differs", FIRST), ("events differ", FIRST)]
    assert found.defects[1].expected == "5 events in 115 raw bytes"
    assert found.defects[1].found == "6 events in 138 raw bytes"


def test_all_that_is_wrong_is_named_at_once() -> None:
    objects = clean().objects
    objects["added"] = b""
    objects[FIRST] = b"\0" + objects[FIRST][1:]
    del objects[SECOND]
    expected = [
        ("sha256 differs", FIRST),
        ("object removed", SECOND),
        ("unlisted object", "added"),
    ]
    assert sorted(kinds(verified(objects))) == sorted(expected)


def listed_as_is(body: bytes, raw: bytes, compression: str = "gzip") -> Verification:
    """An object whose manifest agrees with its bytes, whatever they are."""
    prefix = SmallPrefix(target(compression=compression))
    key = prefix.put(0, raw)
    known = PACK[compression](raw)
    manifest = prefix.list()
    objects = prefix.objects | {key: body}
    text = prefix.objects[manifest].decode()
    text = text.replace(hashlib.sha256(known).hexdigest(), hashlib.sha256(body).hexdigest())
    for name in ("bytes", "content_length"):
        text = text.replace(f'"{name}": {len(known)}', f'"{name}": {len(body)}')
    objects[manifest] = text.encode()
    return verified(objects)


RAW = raw_lines(0, 3)
LINES = RAW.splitlines(keepends=True)


@pytest.mark.parametrize(
    ("body", "compression", "said"),
    [
        (b"".join(map(gzip.compress, LINES)), "gzip", "more than one gzip member"),
        (gzip.compress(RAW) + b"\0" * 9, "gzip", "something follows its gzip member"),
        (gzip.compress(RAW)[:-3], "gzip", "cut off in the middle of its gzip member"),
        (b"", "gzip", "cut off in the middle of its gzip member"),
        (zlib.compress(RAW), "gzip", "not gzip, or damaged"),
        (PACK["zstd"](RAW) + PACK["zstd"](b""), "zstd", "more than one zstd frame"),
        (PACK["zstd"](RAW) + b"x", "zstd", "something follows its zstd frame"),
        (PACK["zstd"](RAW)[:-1], "zstd", "cut off in the middle of its zstd frame"),
        (gzip.compress(RAW), "zstd", "not zstd, or damaged"),
    ],
)
def test_what_cannot_be_unpacked_by_every_reader_is_damaged(
    body: bytes, compression: str, said: str
) -> None:
    [defect] = listed_as_is(body, RAW, compression).defects
    assert defect.kind == "damaged object"
    assert said in defect.found


@pytest.mark.parametrize(
    ("raw", "kind", "said"),
    [
        (b'{"a":1}\n{"b":"\xff"}\n', "not UTF-8", "line 2: invalid UTF-8 at byte 6 of it"),
        (b'{"a":1}\n[1]\n', "not a JSON object", "line 2: "),
        (b'{"a":1}\n{"a":1} {}\n', "not a JSON object", "line 2: "),
        (b'{"a":NaN}\n', "not a JSON object", "line 1: "),
        (b'{"a":01}\n', "not a JSON object", "line 1: "),
        (b'{"a":1}\n\n{"a":1}\n', "not a JSON object", "line 2: is blank"),
        (b'{"a":1', "not a JSON object", "line 1: "),
    ],
)
def test_a_line_that_is_no_json_object_is_named(raw: bytes, kind: str, said: str) -> None:
    found = listed_as_is(PACK["gzip"](raw), raw)
    defect = found.defects[0]
    assert defect.kind == kind
    assert defect.found.startswith(said)


@pytest.mark.parametrize(
    "line", [rb'{"a":"\ud83d"}', b'{"a":' + b"9" * 5000 + b"}", b' {"a":1}\r', b'{"a":1e999}']
)
def test_what_was_delivered_as_an_event_is_one(line: bytes) -> None:
    raw = line + b"\n"
    assert listed_as_is(PACK["gzip"](raw), raw).defects == []


def test_an_open_last_line_is_named() -> None:
    raw = b'{"a":1}\n{"a":2}'
    found = listed_as_is(PACK["none"](raw), raw, "none")
    # Made of the line feeds, the manifest counts one event: that is named too.
    assert [defect.kind for defect in found.defects] == ["last line open", "events differ"]


@pytest.mark.parametrize("compression", PACK)
def test_what_unpacks_to_a_thousand_times_its_length_is_read_whole(compression: str) -> None:
    raw = (b'{"a":"' + b"x" * 2**21 + b'"}\n') * 4
    prefix = SmallPrefix(target(compression=compression))
    prefix.put(0, raw)
    prefix.list()
    assert verified(prefix.objects).defects == []


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
def test_content_comes_out_whole_however_the_object_is_cut(compression: Compression) -> None:
    raw = b"{}\n" * 2**20
    packed = PACK[compression](raw)
    for size in (1, 1000, len(packed) - 8, len(packed)):
        chunks = [packed[at : at + size] for at in range(0, len(packed), size)]
        assert b"".join(unpacked(chunks, compression)) == raw


def test_a_long_line_is_read_whole_and_a_longer_one_refused() -> None:
    raw = b'{"a":"' + b"x" * (2**26 - 8) + b'"}\n'
    assert listed_as_is(PACK["gzip"](raw), raw).defects == []
    raw = b'{"a":"' + b"x" * 2**26 + b'"}\n'
    [defect] = listed_as_is(PACK["zstd"](raw), raw, "zstd").defects
    assert (defect.kind, defect.found) == ("damaged object", "a line is longer than 64 MiB")


def test_a_missing_object_is_no_defect_until_it_should_be_there() -> None:
    prefix = SmallPrefix()
    prefix.put(0, raw_lines(0, 5))
    prefix.put(1, raw_lines(5, 4), "parked")
    prefix.list()
    found = verified(prefix.objects)
    assert found.defects == []
    [missing] = found.missing
    assert (missing.kind, missing.url, missing.events) == ("object", URL + SECOND, 4)
    assert found.rows[0].missing_events == 4

    prefix.put(1, raw_lines(5, 4))
    redriven = prefix.list(redriven=True)
    found = verified(prefix.objects)
    assert (found.defects, found.missing) == ([], [])
    assert (found.rows[0].objects, found.rows[0].events, found.rows[0].manifests) == (2, 9, 2)

    del prefix.objects[SECOND]
    assert kinds(verified(prefix.objects)) == [("object removed", SECOND)]
    del prefix.objects[redriven]
    assert verified(prefix.objects).missing == [missing]


def test_what_landed_late_stays_missing_and_is_checked() -> None:
    prefix = SmallPrefix()
    prefix.put(1, raw_lines(5, 4), "parked")
    prefix.list()
    prefix.objects[SECOND] = PACK["gzip"](raw_lines(5, 4))
    found = verified(prefix.objects)
    assert found.defects == []
    assert found.missing[0].found == "the object, which no manifest counts as there"
    prefix.objects[SECOND] = PACK["gzip"](raw_lines(6, 4))
    assert kinds(verified(prefix.objects)) == [("sha256 differs", SECOND)]


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


@pytest.mark.parametrize("compression", PACK)
def test_blank_lines_are_counted_at_once(compression: str) -> None:
    raw = raw_lines(0, 3) + b"\n" * 5_000_000
    started = time.process_time()
    found = listed_as_is(PACK[compression](raw), raw, compression)
    assert kinds(found) == [("not a JSON object", FIRST.replace(".gz", ENDINGS[compression]))]
    assert "line 4: is blank" in found.defects[0].found
    assert found.rows[0].events == 5_000_003
    assert time.process_time() - started < 5


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


@pytest.mark.parametrize("cut", ["", "2026/", "2026/11/20/", HOUR])
def test_a_local_copy_may_begin_anywhere_below_the_prefix(cut: str) -> None:
    objects = {key.removeprefix(cut): body for key, body in clean().objects.items()}
    found = verify_tree(MemoryTree(objects, "/home/acme/copy/"))
    assert found.defects == []
    assert found.rows[0].events == 9


def test_a_hive_layout_is_in_its_place() -> None:
    objects = clean(layout="hive").objects
    assert "date=2026-11-20/hour=10/" in min(objects)
    assert verified(objects).defects == []


def test_what_is_of_no_neighbour_is_looked_at() -> None:
    neighbours = Neighbours({"beta": "beta/", "gamma": ""}, ("other/",))
    scope = Scope(frozenset({"acme-web"}), None, neighbours)

    def named(name: str) -> str:
        return FIRST.replace("acme-web", name)

    own = clean().objects
    theirs = [f"beta/{named('beta')}", named("gamma"), "other/evil.json"]
    foreign = ["beta/evil.json", "evil.json", named("beta"), named("nobody")]
    objects = own | dict.fromkeys([*theirs, *foreign], b"")
    assert sorted(kinds(verified(objects, scope))) == sorted(
        ("unlisted object", key) for key in foreign
    )
    of_run = verified(objects, Scope(scope.destinations, frozenset({"abcd2345"}), neighbours))
    assert {key for _, key in kinds(of_run)} == {named("beta"), named("nobody")}


def test_only_what_is_in_scope_is_looked_at() -> None:
    objects = {
        **clean().objects,
        **clean(destination="beta").objects,
        **clean(run="otherrun").objects,
        "notes.txt": b"",
    }
    assert [kind for kind, _ in kinds(verified(objects))] == ["unlisted object"]
    of_beta = verified(objects, Scope(frozenset({"beta"})))
    assert ([row.destination for row in of_beta.rows], of_beta.defects) == (["beta"], [])
    of_run = verified(objects, Scope(None, frozenset({"otherrun"})))
    assert ([row.events for row in of_run.rows], of_run.defects) == ([9], [])


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


def test_an_archived_object_is_a_defect_of_its_own() -> None:
    class Archived(MemoryTree):
        def chunks(self, key: str) -> Any:  # noqa: ANN401
            if key == FIRST:
                raise UnreadableObjectError("InvalidObjectState (403): archived")
            return super().chunks(key)

    found = verify_tree(Archived(clean().objects))
    assert kinds(found) == [("unreadable object", FIRST)]
    assert found.rows[0].objects == 1


def test_what_is_gone_by_the_time_it_is_read_is_removed() -> None:
    class Fleeting(MemoryTree):
        def list(self, prefix: str = "") -> Any:  # noqa: ANN401
            listed = [*super().list(prefix)]
            self.objects.pop(FIRST, None)
            return iter(listed)

    assert kinds(verify_tree(Fleeting(clean().objects))) == [("object removed", FIRST)]


def test_progress_comes_to_its_end() -> None:
    progress = Progress()
    objects = clean().objects
    verify_tree(MemoryTree(objects), progress=progress)
    assert progress.objects == progress.of_objects == 2
    assert progress.bytes == progress.of_bytes == len(objects[FIRST]) + len(objects[SECOND])
