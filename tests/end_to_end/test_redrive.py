"""The command as a user runs it: refused, parked, mended, redriven; on a real S3 server."""

import shutil
import uuid
from typing import TYPE_CHECKING, Any

from examples.demo.policies import WRITER_ARN
from examples.demo.s3_server import OWNER
from tests.end_to_end.redrives import EVENTS, Redrives, urls
from tests.end_to_end.runs import stored
from tests.faults.fault_server import Answer, Rule
from tests.parking import DENIED, SLOW

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def test_refused_parked_mended_and_redriven_the_bucket_is_as_if_nothing_had_been(
    redrives: Redrives, owner: "S3Client"
) -> None:
    redrives.write("events.ndjson", b"\n".join(EVENTS))
    acme = redrives.buckets["acme"]
    assert redrives("--input=events.ndjson").returncode == 0
    expected = stored(owner, acme)
    for key in expected:
        owner.delete_object(Bucket=acme, Key=key)
    shutil.rmtree(redrives.ops.folder)

    redrives.faults.script([Rule(Answer.ACCESS_DENIED, bucket=acme)])
    done = redrives("--input=events.ndjson")
    assert done.returncode == 3, done.stderr
    assert stored(owner, acme) == {}
    before = len(redrives.faults.requests)
    shown = redrives.redrive("--dry_run")
    assert shown.returncode == 3
    assert len(redrives.faults.requests) == before
    assert "acme" in shown.stdout
    assert "2026-11-20T10:00:00Z" in shown.stdout
    assert "AccessDenied (403)" in shown.stdout

    redrives.faults.heal()
    done = redrives.redrive()
    assert done.returncode == 0, done.stdout + done.stderr
    found = stored(owner, acme)
    # The job's own manifests tell that they miss these objects: they are others than without.
    of_events = {key: body for key, body in expected.items() if key.endswith(".gz")}
    assert len(of_events) == 4
    assert {key: body for key, body in found.items() if key.endswith(".gz")} == of_events
    assert urls(found) == {f"s3://{acme}/{key}" for key in of_events}
    assert redrives.ops.names("parked") == []
    assert redrives.redrive().returncode == 0
    assert stored(owner, acme) == found


def test_nothing_of_the_old_customer_s_reaches_the_bucket_of_one_who_got_the_name(
    redrives: Redrives, owner: "S3Client"
) -> None:
    old = redrives.part("acme")
    redrives.ops.park(old)
    new_bucket = redrives.buckets["beta"]
    redrives.connection("acme")["bucket"] = new_bucket
    redrives.configuration["destinations"] = [redrives.destination("acme")]
    dry = redrives.redrive("--dry_run")
    done = redrives.redrive()
    assert (dry.returncode, done.returncode) == (3, 3)
    assert redrives.faults.requests == []
    for said in (dry.stdout, done.stdout):
        assert "destination changed" in said
        assert f"parked for bucket {redrives.buckets['acme']} of" in said
    assert len(redrives.ops.names("parked")) == 1
    wrong = redrives.redrive("--allow_new_bucket=acmee")
    assert wrong.returncode == 2
    assert "no destination is named 'acmee'; nearest: 'acme'" in wrong.stderr
    assert redrives.redrive("--allow_new_bucket=acme").returncode == 0
    found = stored(owner, new_bucket)
    assert found[old.key] == old.body
    assert urls(found) == {f"s3://{new_bucket}/{old.key}"}


def test_what_was_parked_for_another_owner_is_refused(redrives: Redrives) -> None:
    redrives.ops.park(redrives.part("acme"))
    redrives.connection("acme")["expected_bucket_owner"] = "111122223333"
    done = redrives.redrive()
    assert done.returncode == 3
    assert "of whichever account, and stays out of" in done.stdout
    assert "of account 111122223333" in done.stdout
    assert redrives.faults.requests == []


def test_what_is_parked_for_a_destination_that_was_removed_stays_and_one_that_is_off_gets_its_own(
    redrives: Redrives, owner: "S3Client"
) -> None:
    gone, off = redrives.part("acme"), redrives.part("beta")
    redrives.ops.park(gone)
    redrives.ops.park(off)
    redrives.configuration["destinations"] = [redrives.destination("beta") | {"enabled": False}]
    done = redrives.redrive()
    assert done.returncode == 3
    assert "destination removed" in done.stdout
    assert stored(owner, redrives.buckets["acme"]) == {}
    assert stored(owner, redrives.buckets["beta"])[off.key] == off.body
    assert redrives.redrive("--destination=beta").returncode == 0
    assert redrives.redrive("--destination=acme").returncode == 3
    unknown = redrives.redrive("--destination=acmee")
    assert unknown.returncode == 2
    assert "no destination is named 'acmee'" in unknown.stderr


def test_one_that_still_refuses_holds_up_no_other(redrives: Redrives, owner: "S3Client") -> None:
    for n in range(9):
        redrives.ops.park(redrives.part("acme", n), SLOW)
        redrives.ops.park(redrives.part("beta", n))
    refusing, good = redrives.buckets["acme"], redrives.buckets["beta"]
    redrives.faults.script([Rule(Answer.ACCESS_DENIED, bucket=refusing)])
    done = redrives.redrive()
    assert done.returncode == 3
    assert [r.bucket for r in redrives.faults.requests].count(refusing) == 1
    assert "still parked: acme: 9 objects, 9 events: " in done.stdout
    assert "AccessDenied (403): Access Denied" in done.stdout
    found = stored(owner, good)
    assert len(found) == 9 + 1
    assert len(urls(found)) == 9
    assert len(redrives.ops.names("parked")) == 9
    assert len(redrives.ops.names("redriven")) == 9


def test_a_damaged_file_is_said_and_stays_and_all_others_are_redriven(
    redrives: Redrives, owner: "S3Client"
) -> None:
    good, bad, unreadable = (redrives.part("acme", n) for n in range(3))
    redrives.ops.park(good)
    path = redrives.ops.park(bad)
    path.write_bytes(path.read_bytes().replace(bad.body, bad.body.replace(b"acme", b"evil")))
    headless = redrives.ops.park(unreadable)
    headless.write_bytes(headless.read_bytes()[:500])
    done = redrives.redrive()
    assert done.returncode == 3
    assert f"damaged: parked/acme/{path.name}: is damaged: its body has not the" in done.stdout
    assert f"damaged: parked/acme/{headless.name}: " in done.stdout
    assert redrives.ops.names("parked") == sorted([path.name, headless.name])
    assert urls(stored(owner, redrives.buckets["acme"])) == {
        f"s3://{redrives.buckets['acme']}/{good.key}"
    }


def test_the_ops_path_may_be_a_connection(redrives: Redrives, owner: "S3Client") -> None:
    bucket = f"ops-{uuid.uuid4().hex[:12]}"
    redrives.server.create_bucket(bucket, _everything_for_the_writer(bucket))
    ops = redrives.connection("acme") | {"name": "ops", "bucket": bucket}
    redrives.configuration["connections"].append(ops)
    redrives.configuration["ops"] = {"connection": "ops", "prefix": "event-logs"}
    redrives.write("events.ndjson", b"\n".join(EVENTS))
    acme = redrives.buckets["acme"]
    redrives.faults.script([Rule(Answer.ACCESS_DENIED, bucket=acme)])
    assert redrives("--input=events.ndjson").returncode == 3
    redrives.faults.heal()
    parked = {key for key in stored(owner, bucket) if key.startswith("event-logs/parked/")}
    assert len(parked) > 4
    done = redrives.redrive()
    assert done.returncode == 0, done.stdout + done.stderr
    now = stored(owner, bucket)
    assert {key.replace("/parked/", "/redriven/") for key in parked} <= now.keys()
    assert not any("/parked/" in key for key in now)
    moved = owner.head_object(Bucket=bucket, Key=next(key for key in now if "/redriven/" in key))
    assert moved["ServerSideEncryption"] == "AES256"
    assert len(urls(stored(owner, acme))) == 4
    by_owner = redrives.redrive(identity=OWNER)
    assert by_owner.returncode == 0
    assert by_owner.stdout.startswith(f"nothing is parked in s3://{bucket}/event-logs/")


def test_with_an_identity_that_may_not_list_the_ops_path_it_fails_and_says_what_it_needs(
    redrives: Redrives,
) -> None:
    bucket = f"ops-{uuid.uuid4().hex[:12]}"
    redrives.server.create_bucket(bucket)
    ops = redrives.connection("acme") | {"name": "ops", "bucket": bucket}
    redrives.configuration["connections"].append(ops)
    redrives.configuration["ops"] = {"connection": "ops"}
    done = redrives.redrive()
    assert done.returncode == 1
    assert "cannot list" in done.stderr
    assert "s3:ListBucket" in done.stderr


def _everything_for_the_writer(bucket: str) -> dict[str, Any]:
    arn = f"arn:aws:s3:::{bucket}"
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": WRITER_ARN},
        "Action": ["s3:ListBucket", "s3:GetObject", "s3:PutObject", "s3:DeleteObject"],
        "Resource": [arn, f"{arn}/*"],
    }
    return {"Version": "2012-10-17", "Statement": [statement]}


def test_the_causes_that_were_parked_are_told_apart(redrives: Redrives) -> None:
    redrives.ops.park(redrives.part("acme", 0), SLOW)
    redrives.ops.park(redrives.part("acme", 1), DENIED)
    said = redrives.redrive("--dry_run").stdout
    assert "cause: acme: 1 object, 1 event: " in said
    assert "SlowDown (503): Please reduce your request rate." in said
    assert "AccessDenied (403): Access Denied" in said
