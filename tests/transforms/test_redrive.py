"""Redriving, with a folder for the ops path and stores that refuse what they are told to."""

import json
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import msgspec
import pytest

from tests.parking import DENIED, Buckets, Ops, connection, parked_part
from tests.transforms.redrives import KEY, Redrives
from transforms.folder_tree import FolderTree
from transforms.object_tree import TreeError
from transforms.parked import decode_parked
from transforms.parked_files import find_parked
from transforms.places import Place
from transforms.redrive import Redrive
from transforms.redrive_groups import Outcome, refusal
from transforms.store import PutRequest

MANIFEST = (
    "logs/2026/11/20/10/_acme_20261120T100000Z_20261120T101000Z_abcd2345-wxyz_p0"
    "_redriven-{}.manifest.json"
)


def test_parked_objects_are_put_under_their_keys_then_listed_then_moved(
    ops: Ops, buckets: Buckets, redrive: Redrives
) -> None:
    names = sorted(ops.park(parked_part(number=n)).name for n in range(3))
    assert set(redrive().values()) == {Outcome.REDRIVEN}
    assert ops.names("parked") == []
    assert ops.names("redriven") == names
    *objects, (bucket, manifest) = buckets.calls
    assert {bucket for bucket, _ in objects} == {bucket} == {"acme-bucket"}
    bodies = {request.key: request.body for _, request in objects}
    assert bodies == {KEY.format("acme", n): b'{"to":"acme","n":%d}\n' % n for n in range(3)}
    assert {request.content_type for _, request in objects} == {"application/x-ndjson"}
    assert manifest.content_type == "application/json"
    listed = json.loads(manifest.body)
    assert listed["redriven"] is True
    assert listed["missing"] == []
    assert [each["url"] for each in listed["objects"]] == [
        f"s3://acme-bucket/{KEY.format('acme', n)}" for n in range(3)
    ]
    assert listed["window"] == {"start": "2026-11-20T10:00:00Z", "end": "2026-11-20T10:10:00Z"}


def test_the_manifest_s_key_says_what_it_lists(
    ops: Ops, buckets: Buckets, redrive: Redrives
) -> None:
    ops.park(parked_part())
    redrive()
    assert buckets.keys("acme-bucket")[1] == MANIFEST.format("bzdkthhw")


def test_each_pane_has_a_manifest_of_its_own(ops: Ops, buckets: Buckets, redrive: Redrives) -> None:
    first = parked_part()
    ops.park(first)
    ops.park(msgspec.structs.replace(first, pane=1, key=first.key.replace("_p0_", "_p1_")))
    redrive()
    listed = [json.loads(r.body) for _, r in buckets.calls if r.key.endswith(".json")]
    assert sorted((each["pane"], len(each["objects"])) for each in listed) == [(0, 1), (1, 1)]


def test_what_is_refused_again_stays_parked_and_stands_in_no_manifest(
    ops: Ops, buckets: Buckets, redrive: Redrives
) -> None:
    good, bad = parked_part(number=0), parked_part(number=1)
    ops.park(good)
    left = ops.park(bad)
    buckets.refusing[bad.key] = DENIED
    assert redrive() == {good.key: Outcome.REDRIVEN, bad.key: Outcome.PARKED}
    assert ops.names("parked") == [left.name]
    [manifest] = [r for _, r in buckets.calls if r.key.endswith(".json")]
    assert [each["shard"] for each in json.loads(manifest.body)["objects"]] == [0]


def test_where_the_manifest_is_refused_all_of_its_objects_stay_parked(
    ops: Ops, buckets: Buckets, redrive: Redrives
) -> None:
    names = [ops.park(parked_part(number=n)).name for n in range(2)]
    buckets.refusing["manifest.json"] = DENIED
    work = redrive.begin()
    assert {each.outcome for each in work.objects} == {Outcome.PARKED}
    assert ops.names("parked") == sorted(names)
    assert {each.failure.said for each in work.objects if each.failure} == {
        "delivered, but not the manifest that lists it: AccessDenied (403): Access Denied"
    }
    buckets.refusing.clear()
    assert set(redrive().values()) == {Outcome.REDRIVEN}


def test_where_manifests_are_off_none_is_written(
    ops: Ops, buckets: Buckets, redrive: Redrives
) -> None:
    part = parked_part()
    ops.park(part)
    redrive.modes["acme"] = "off"
    assert redrive() == {part.key: Outcome.REDRIVEN}
    assert buckets.keys("acme-bucket") == [part.key]


def test_a_parked_manifest_is_put_as_it_is_and_stands_in_no_other(
    ops: Ops, buckets: Buckets, redrive: Redrives
) -> None:
    part = parked_part(kind="manifest", key="logs/_acme.manifest.json", body=b"{}\n", events=0)
    ops.park(part)
    assert redrive() == {part.key: Outcome.REDRIVEN}
    [(_, request)] = buckets.calls
    assert (request.key, request.body) == (part.key, b"{}\n")


def test_what_another_redrive_moved_meanwhile_is_no_failure(
    ops: Ops, buckets: Buckets, redrive: Redrives
) -> None:
    parts = [parked_part(number=n) for n in range(2)]
    paths = [ops.park(part) for part in parts]
    files = [file for file in find_parked(redrive.tree) if file.parked]
    paths[0].unlink()
    work = Redrive(redrive.tree, redrive.places, {}, buckets.open)
    work.run(files)
    assert work.ended == {Outcome.GONE: 1, Outcome.REDRIVEN: 1}
    assert parts[0].key not in buckets.keys("acme-bucket")


def test_two_redrives_at_once_lose_nothing(ops: Ops, buckets: Buckets, redrive: Redrives) -> None:
    parts = [parked_part(number=n % 9, pane=n // 9, key=f"logs/{n}") for n in range(90)]
    names = sorted(ops.park(part).name for part in parts)
    with ThreadPoolExecutor(2) as pool:
        works = [pool.submit(redrive.begin) for _ in range(2)]
    assert ops.names("redriven") == names
    assert ops.names("parked") == []
    listed = {
        each["url"]
        for _, request in buckets.calls
        if request.key.endswith(".json")
        for each in json.loads(request.body)["objects"]
    }
    assert listed == {f"s3://acme-bucket/logs/{n}" for n in range(90)}
    ended = sum((work.result().ended for work in works), Counter[Outcome]())
    assert ended.keys() <= {Outcome.REDRIVEN, Outcome.GONE}


def test_what_a_job_parked_again_meanwhile_with_other_content_is_not_moved(
    ops: Ops, buckets: Buckets, redrive: Redrives
) -> None:
    part = parked_part()
    path = ops.park(part)
    other = msgspec.structs.replace(part, body=b'{"n":2}\n')
    put = buckets.put

    def put_and_park(bucket: str, request: PutRequest) -> None:
        put(bucket, request)
        if request.key == part.key and request.body == part.body:
            ops.park(other)

    buckets.put = put_and_park  # type: ignore[method-assign]
    assert redrive() == {part.key: Outcome.PARKED}
    assert decode_parked(path.read_bytes())[1] == other.body
    assert redrive() == {part.key: Outcome.REDRIVEN}
    assert [r.body for _, r in buckets.calls if r.key == part.key] == [part.body, other.body]


def test_an_ops_path_in_which_nothing_can_be_moved_is_an_error(ops: Ops, redrive: Redrives) -> None:
    ops.park(parked_part())
    (ops.folder / "redriven").write_text("in the way")
    again = "delivered, and will be put again, the same, next time"
    with pytest.raises(TreeError, match=f"(?s)cannot move.*{again}"):
        redrive()
    assert len(ops.names("parked")) == 1


@pytest.mark.parametrize(
    ("made_for", "today", "said"),
    [
        (None, connection("acme"), None),
        (None, None, "destination removed"),
        (None, connection("beta"), "destination changed"),
        (None, connection("acme", expected_bucket_owner="111122223333"), "destination changed"),
        ("111122223333", connection("acme"), "destination changed"),
        ("111122223333", connection("acme", expected_bucket_owner="111122223333"), None),
    ],
)
def test_no_object_goes_into_another_bucket_or_to_another_owner(
    ops: Ops, made_for: str | None, today: Place | None, said: str | None
) -> None:
    part = parked_part()
    target = msgspec.structs.replace(part.target, owner=made_for)
    ops.park(msgspec.structs.replace(part, target=target))
    [file] = find_parked(FolderTree(str(ops.folder)))
    assert file.parked is not None
    refused = refusal(file.parked, today)
    assert (refused and refused.said) == said


def test_in_a_new_bucket_the_manifest_names_it_and_the_key_stays(
    ops: Ops, buckets: Buckets, redrive: Redrives
) -> None:
    part = parked_part()
    ops.park(part)
    redrive.places["acme"] = connection("beta")
    assert redrive() == {part.key: Outcome.REDRIVEN}
    assert buckets.keys("acme-bucket") == []
    [(_, _), (_, manifest)] = buckets.calls
    assert json.loads(manifest.body)["entries"][0]["url"] == f"s3://beta-bucket/{part.key}"
    assert manifest.key.startswith("logs/2026/11/20/10/_acme_20261120T100000Z_")


def test_a_manifest_of_another_bucket_is_moved_but_not_put(
    ops: Ops, buckets: Buckets, redrive: Redrives
) -> None:
    part = parked_part()
    manifest = parked_part(kind="manifest", key="logs/_acme.manifest.json", body=b"{}\n", events=0)
    names = sorted(ops.park(each).name for each in (part, manifest))
    redrive.places["acme"] = connection("beta")
    assert redrive() == dict.fromkeys((part.key, manifest.key), Outcome.REDRIVEN)
    assert ops.names("redriven") == names
    [(_, put), (_, listing)] = buckets.calls
    assert put.key == part.key
    listed = json.loads(listing.body)["objects"]
    assert [each["url"] for each in listed] == [f"s3://beta-bucket/{part.key}"]


def test_a_manifest_is_put_where_only_its_bucket_s_owner_is_another(
    ops: Ops, buckets: Buckets, redrive: Redrives
) -> None:
    manifest = parked_part(kind="manifest", key="logs/_acme.manifest.json", body=b"{}\n", events=0)
    ops.park(manifest)
    redrive.places["acme"] = connection("acme", expected_bucket_owner="111122223333")
    assert redrive() == {manifest.key: Outcome.REDRIVEN}
    assert buckets.keys("acme-bucket") == [manifest.key]


def test_a_move_that_takes_too_long_is_told_from_a_put(
    ops: Ops, redrive: Redrives, monkeypatch: pytest.MonkeyPatch
) -> None:
    ops.park(parked_part())
    redrive.modes["acme"] = "off"
    monkeypatch.setattr("transforms.lanes.OPERATORS_SECONDS", 1.0)
    hang = threading.Event()
    monkeypatch.setattr(FolderTree, "move", lambda *_: hang.wait(30))
    [one] = redrive.begin().objects
    hang.set()
    assert one.outcome is Outcome.PARKED
    assert one.failure is not None
    assert one.failure.said.startswith("not moved to redriven/: nothing within 1 s")
    assert "Its object was delivered, and will be put again, the same" in one.failure.said
