from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.small_prefix import (
    FIRST,
    HOUR,
    MANIFEST,
    PACK,
    SECOND,
    URL,
    MemoryTree,
    SmallPrefix,
    clean,
    kinds,
    raw_lines,
    verified,
)
from transforms.object_tree import UnreadableObjectError
from transforms.verification.records import Defect, Neighbours, Scope
from transforms.verification.tree import Progress, verify_tree


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
