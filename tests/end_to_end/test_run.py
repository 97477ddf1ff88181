"""The command as a user runs it: a process of its own, a real S3 server, a write-only identity."""

import gzip
import json
import signal
import socket
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from examples.demo.policies import encryption_policy, origin_policy
from examples.demo.s3_server import S3Server
from tests.end_to_end.runs import Runs, lines_of, stored

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

GOOD = [b'{"writeKey":"k","receivedAt":"2026-11-20T10:0%d:00Z","n":%d}' % (n, n) for n in range(9)]


def test_one_bad_line_is_a_dead_letter_and_all_good_events_arrive(
    runs: Runs, owner: "S3Client"
) -> None:
    path = runs.write("events.ndjson", b"not json\n" + b"\n".join(GOOD) + b"\n")
    done = runs("--input=events.ndjson")
    assert done.returncode == 0, done.stderr
    assert lines_of(stored(owner, runs.bucket)) == GOOD
    [letter] = runs.ops_lines("dead_letters")
    assert (letter["source"], letter["position"]) == (str(path), 0)
    assert (letter["reason"], letter["record"]) == ("malformed", "not json")
    assert "acme-web" in done.stdout
    assert (
        "events read 10 = matched 9 + unmatched 0 + opted out 0 + dead letters 1 (1 malformed)"
        in done.stdout
    )
    assert "matched pairs 9 = delivered 9" in done.stdout


def test_the_same_command_twice_leaves_the_same_objects(runs: Runs, owner: "S3Client") -> None:
    runs.write("events.ndjson", b"\n".join(GOOD))
    assert runs("--input=events.ndjson").returncode == 0
    once = stored(owner, runs.bucket)
    assert runs("--input=./events.nd*", "--direct_runner_bundle_repeat=1").returncode == 0
    assert stored(owner, runs.bucket) == once


def test_two_runs_that_share_a_window_stand_side_by_side(runs: Runs, owner: "S3Client") -> None:
    runs.write("one.ndjson", b"\n".join(GOOD[:5]))
    runs.write("two.ndjson", b"\n".join(GOOD[5:]))
    assert runs("--input=one.ndjson").returncode == 0
    first = stored(owner, runs.bucket)
    assert runs("--input=two.ndjson").returncode == 0
    both = stored(owner, runs.bucket)
    assert first.items() < both.items()
    assert len(both) == 4
    assert lines_of(both) == GOOD


def test_what_decides_the_content_otherwise_is_another_run(runs: Runs, owner: "S3Client") -> None:
    runs.write("events.ndjson", b"\n".join(GOOD))
    assert runs("--input=events.ndjson").returncode == 0
    assert runs("--input=events.ndjson", "--max_event_bytes=1KiB").returncode == 0
    assert len(stored(owner, runs.bucket)) == 4


def test_the_object_is_encrypted_as_the_connection_says(runs: Runs, owner: "S3Client") -> None:
    runs.write("events.ndjson", b"\n".join(GOOD))
    assert runs("--input=events.ndjson").returncode == 0
    key, _manifest = sorted(stored(owner, runs.bucket), key=lambda key: key.endswith(".json"))
    head = owner.head_object(Bucket=runs.bucket, Key=key)
    assert head["ServerSideEncryption"] == "AES256"
    assert head["ContentType"] == "application/gzip"
    assert "ContentEncoding" not in head


def test_what_a_bucket_refuses_is_parked_and_said_with_exit_code_3(
    runs: Runs, owner: "S3Client"
) -> None:
    owner.delete_bucket_policy(Bucket=runs.bucket)
    runs.write("events.ndjson", b"\n".join(GOOD))
    done = runs("--input=events.ndjson")
    assert done.returncode == 3
    assert "matched pairs 9 = delivered 0 + parked 9" in done.stdout
    said = done.stdout[done.stdout.index("parked: acme-web") :]
    assert said.startswith("parked: acme-web: 1 object, 9 events, 1 manifest: S3 answered: ")
    assert "AccessDenied (403)" in said
    assert "Possible causes: " in said
    assert "Traceback" not in done.stderr
    assert stored(owner, runs.bucket) == {}
    assert len(list((runs.folder / "ops" / "parked" / "acme-web").iterdir())) == 2
    owner.put_bucket_policy(Bucket=runs.bucket, Policy=json.dumps(origin_policy(runs.bucket)))
    assert runs("--input=events.ndjson").returncode == 0
    assert lines_of(stored(owner, runs.bucket)) == GOOD


def test_a_policy_that_demands_another_encryption_is_among_the_first_causes(
    runs: Runs, owner: "S3Client"
) -> None:
    policy = encryption_policy(runs.bucket)
    demand = json.loads(json.dumps(policy).replace("AES256", "aws:kms"))
    owner.put_bucket_policy(Bucket=runs.bucket, Policy=json.dumps(demand))
    runs.write("events.ndjson", b"\n".join(GOOD))
    done = runs("--input=events.ndjson")
    assert done.returncode == 3
    said = done.stdout[done.stdout.index("parked: acme-web") :]
    assert "AccessDenied (403)" in said
    assert "server_side_encryption AES256" in said
    causes = said[said.index("Possible causes: ") :].split("; ")
    assert any("another encryption, such as aws:kms" in cause for cause in causes[:2])


def test_a_truncated_file_fails_the_run_and_delivers_nothing(runs: Runs, owner: "S3Client") -> None:
    path = runs.write("events.ndjson.gz", gzip.compress(b"\n".join(GOOD))[:-9])
    runs.write("good.ndjson", b"\n".join(GOOD))
    done = runs("--input=*.ndjson*")
    assert done.returncode == 1
    assert f"error: {path}: " in done.stderr
    assert "byte" in done.stderr
    assert "Traceback" not in done.stderr
    assert stored(owner, runs.bucket) == {}


def test_every_mistake_is_said_before_anything_is_read(runs: Runs) -> None:
    runs.configuration["connections"][0]["region"] = "us-esat-1"
    done = runs("--input=nothing-*.ndjson", "--window=5", "--run_id=x")
    assert done.returncode == 2
    assert done.stdout == ""
    said = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(said) == 4
    assert "events.yaml:" in done.stderr
    assert "connections[0].region: 'us-esat-1' is no AWS region" in done.stderr
    assert "nothing-*.ndjson: matches no file" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_ops_path_that_cannot_be_written_is_found_before_anything_is_read(runs: Runs) -> None:
    runs.write("events.ndjson", b"\n".join(GOOD))
    runs.write("ops", b"a file, not a folder")
    done = runs("--input=events.ndjson")
    assert done.returncode == 2
    assert "error: the ops path cannot be written" in done.stderr


def test_the_ops_path_may_be_a_connection(
    runs: Runs, s3_server: S3Server, owner: "S3Client"
) -> None:
    ops_bucket = f"{runs.bucket}-ops"
    s3_server.create_bucket(ops_bucket)
    connection = {**runs.configuration["connections"][0], "name": "ops", "bucket": ops_bucket}
    runs.configuration["connections"].append(connection)
    runs.configuration["ops"] = {"connection": "ops", "prefix": "event-logs"}
    runs.write("events.ndjson", b"oops\n" + b"\n".join(GOOD))
    done = runs("--input=events.ndjson")
    assert done.returncode == 0, done.stderr
    folders = {key.split("/")[1] for key in stored(owner, ops_bucket)}
    assert folders == {"probe.txt", "dead_letters", "receipts", "tallies"}


def test_no_runner_and_direct_runner_are_the_same_and_two_workers_do_too(
    runs: Runs, owner: "S3Client"
) -> None:
    runs.write("events.ndjson", b"\n".join(GOOD))
    assert runs("--input=events.ndjson", "--runner=DirectRunner").returncode == 0
    once = stored(owner, runs.bucket)
    several = ("--direct_num_workers=2", "--direct_running_mode=multi_processing")
    done = runs("--input=events.ndjson", *several)
    assert done.returncode == 0, done.stderr
    assert stored(owner, runs.bucket) == once
    assert "matched pairs 9 = delivered 9" in done.stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_ends_at_once_in_one_line_and_leaves_nothing_behind(
    runs: Runs, tmp_path: Path, number: signal.Signals
) -> None:
    runs.write("events.ndjson", b"\n".join(GOOD))
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes connections, never answers
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        runs.configuration["connections"][0]["endpoint_url"] = address
        process = runs.begin("--input=events.ndjson", TMPDIR=str(scratch))
        silent.settimeout(60)
        connection, _ = silent.accept()  # a put is under way
        process.send_signal(number)
        _, said = process.communicate(timeout=20)
        connection.close()
    assert process.returncode == 130
    assert said.splitlines()[-1].startswith("error: interrupted; the same command again")
    assert "Traceback" not in said
    assert list(scratch.iterdir()) == []


def test_what_fails_in_another_process_is_said_in_the_same_words(runs: Runs) -> None:
    path = runs.write("events.ndjson.gz", gzip.compress(b"\n".join(GOOD))[:-9])
    done = runs(
        "--input=events.ndjson.gz",
        "--direct_num_workers=2",
        "--direct_running_mode=multi_processing",
    )
    assert done.returncode == 1
    [*_, first, _] = [line for line in done.stderr.splitlines() if line]
    assert first.startswith(f"error: {path}: ")
