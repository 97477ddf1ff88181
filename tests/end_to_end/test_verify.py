"""`verify` on a real S3 server with the owner's credentials, as the bucket's owner runs it."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from examples.demo.s3_server import OWNER, WRITER, S3Server
from pipeline.__main__ import main
from tests.end_to_end.runs import lines_that_start, put_below
from tests.small_prefix import FIRST, HOUR, MANIFEST, PACK, SECOND, SmallPrefix, clean, raw_lines
from tests.small_prefix import target as target_of
from transforms.s3_client import forget_clients

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

Verify = Callable[..., int]


@pytest.fixture
def verify(s3_server: S3Server, _as_owner: None) -> Verify:
    def command(*arguments: str) -> int:
        return main(["verify", *arguments, f"--endpoint_url={s3_server.endpoint_url}"])

    return command


@pytest.fixture
def prefix(owner: "S3Client", bucket: str) -> SmallPrefix:
    """A clean prefix `logs` of the bucket."""
    made = clean(bucket=bucket)
    put_below(owner, bucket, made.objects)
    return made


def test_a_clean_prefix_ends_with_zero(
    verify: Verify, prefix: SmallPrefix, bucket: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert verify(f"s3://{bucket}/logs") == 0
    out, err = capsys.readouterr()
    assert err == ""
    [row] = [line.split() for line in out.splitlines() if "acme-web" in line]
    sizes = sum(len(prefix.objects[key]) for key in (FIRST, SECOND))
    assert row == ["acme-web", f"s3://{bucket}/logs", "1", "1", "2", "9", f"{sizes}", "B", "0", "0"]
    assert "2 listed objects with 9 events read: nothing is wrong" in out


def flip_a_byte(owner: "S3Client", bucket: str) -> None:
    body = bytearray(owner.get_object(Bucket=bucket, Key=f"logs/{FIRST}")["Body"].read())
    body[len(body) // 2] ^= 0x20
    put_below(owner, bucket, {FIRST: bytes(body)})


def remove_an_object(owner: "S3Client", bucket: str) -> None:
    owner.delete_object(Bucket=bucket, Key=f"logs/{SECOND}")


def add_an_object(owner: "S3Client", bucket: str) -> None:
    put_below(owner, bucket, {f"{HOUR}more.ndjson": b"{}\n"})


def double_a_line(owner: "S3Client", bucket: str) -> None:
    put_below(owner, bucket, {SECOND: PACK["gzip"](raw_lines(5, 4) + raw_lines(5, 1))})


@pytest.mark.parametrize(
    ("tamper", "named"),
    [
        (flip_a_byte, [("sha256 differs", FIRST)]),
        (remove_an_object, [("object removed", SECOND)]),
        (add_an_object, [("unlisted object", f"{HOUR}more.ndjson")]),
        (double_a_line, [("sha256 differs", SECOND), ("events differ", SECOND)]),
    ],
)
def test_each_tampering_is_named(  # noqa: PLR0913, PLR0917 - fixtures
    tamper: Callable[["S3Client", str], None],
    named: list[tuple[str, str]],
    verify: Verify,
    prefix: SmallPrefix,
    owner: "S3Client",
    bucket: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert prefix.objects
    tamper(owner, bucket)
    assert verify(f"s3://{bucket}/logs") == 1
    out, err = capsys.readouterr()
    said = lines_that_start(out, "defect: ")
    assert [line.split(": ")[1] for line in said] == [kind for kind, _ in named]
    for line, (_, key) in zip(said, named, strict=True):
        assert f"s3://{bucket}/logs/{key}: expected " in line
    assert err == ""


def test_what_a_policy_grants_to_nobody_but_the_owner_is_said(  # noqa: PLR0913, PLR0917 - fixtures
    s3_server: S3Server,
    verify: Verify,
    prefix: SmallPrefix,
    bucket: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert prefix.objects
    for name, value in s3_server.environment(WRITER).items():
        monkeypatch.setenv(name, value)
    forget_clients()
    assert verify(f"s3://{bucket}/logs") == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert f"error: s3://{bucket}/logs/: cannot list: S3 answered: AccessDenied (403)" in err
    assert "credentials need s3:ListBucket on the bucket" in err


def test_a_missing_object_ends_with_three_until_a_redriven_manifest_lists_it(
    verify: Verify, owner: "S3Client", bucket: str, capsys: pytest.CaptureFixture[str]
) -> None:
    made = SmallPrefix(target_of(bucket=bucket))
    made.put(0, raw_lines(0, 5))
    made.put(1, raw_lines(5, 4), "parked")
    made.list()
    put_below(owner, bucket, made.objects)
    assert verify(f"s3://{bucket}/logs") == 3
    [line] = lines_that_start(capsys.readouterr().out, "missing: ")
    assert line == f"missing: object: s3://{bucket}/logs/{SECOND}: 4 events; found nothing"

    made.put(1, raw_lines(5, 4))
    made.list(redriven=True)
    put_below(owner, bucket, made.objects)
    assert verify(f"s3://{bucket}/logs") == 0


def test_the_same_as_one_json_document(
    verify: Verify,
    prefix: SmallPrefix,
    owner: "S3Client",
    bucket: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert prefix.objects
    double_a_line(owner, bucket)
    assert verify(f"s3://{bucket}/logs", "--json") == 1
    document = json.loads(capsys.readouterr().out)
    assert document["exit_code"] == 1
    [row] = document["destinations"]
    assert (row["destination"], row["where"]) == ("acme-web", f"s3://{bucket}/logs")
    assert (row["objects"], row["events"], row["listed_events"], row["defects"]) == (2, 10, 9, 2)
    assert document["defects"][1] == {
        "kind": "events differ",
        "destination": "acme-web",
        "url": f"s3://{bucket}/logs/{SECOND}",
        "expected": "4 events in 92 raw bytes",
        "found": "5 events in 115 raw bytes",
    }


def test_a_local_copy_is_verified_like_the_bucket(
    verify: Verify, prefix: SmallPrefix, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for key, body in prefix.objects.items():
        path = tmp_path / "copy" / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
    assert verify(str(tmp_path / "copy")) == 0
    (tmp_path / "copy" / FIRST).write_bytes(prefix.objects[SECOND])
    (tmp_path / "copy" / "notes.txt").write_bytes(b"")
    assert verify(str(tmp_path / "copy")) == 1
    said = lines_that_start(capsys.readouterr().out, "defect: ")
    assert [line.split(": ")[1] for line in said] == [
        "unlisted object",
        "sha256 differs",
        "events differ",
    ]


def test_two_places_are_two_rows_and_one_that_cannot_be_read_hides_no_other(
    verify: Verify, prefix: SmallPrefix, bucket: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert prefix.objects
    assert verify(f"s3://{bucket}/logs", f"s3://{bucket}/nothing") == 1
    out, err = capsys.readouterr()
    assert "acme-web" in out
    assert "nothing is wrong" not in out
    assert "no defects, but 1 place could not be read" in out
    assert err == f"error: s3://{bucket}/nothing: nothing lies there: is the prefix right?\n"


def test_a_place_that_cannot_be_read_is_an_error_of_two_lines_at_most(
    verify: Verify, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_bytes(b"")
    for url, said in [
        ("s3://no-such-bucket-here/logs", "cannot list: S3 answered: NoSuchBucket (404)"),
        (str(tmp_path / "nowhere"), f"error: {tmp_path}/nowhere: there is no such folder"),
        (str(tmp_path / "file"), f"error: {tmp_path}/file: is a file, not a folder"),
    ]:
        assert verify(url) == 1
        out, err = capsys.readouterr()
        assert out == ""
        assert said in err
        assert len(err.splitlines()) <= 2


@pytest.mark.usefixtures("_as_owner")
def test_without_credentials_it_says_where_they_come_from(
    s3_server: S3Server,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    endpoint = f"--endpoint_url={s3_server.endpoint_url}"
    assert main(["verify", "s3://some-bucket/logs", endpoint]) == 1
    assert "Unable to locate credentials" in (err := capsys.readouterr().err)
    assert "AWS_PROFILE" in err


@pytest.mark.usefixtures("_as_owner")
def test_an_endpoint_that_does_not_answer_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))  # and nobody listens
        address = f"http://127.0.0.1:{held.getsockname()[1]}"
        assert main(["verify", "s3://some-bucket/logs", f"--endpoint_url={address}"]) == 1
    err = capsys.readouterr().err
    assert f'cannot list: no answer: Could not connect to the endpoint URL: "{address}' in err
    assert "Check the network" in err


def test_the_command_as_a_process_ends_without_noise_when_nobody_reads_on(
    s3_server: S3Server, prefix: SmallPrefix, bucket: str
) -> None:
    assert prefix.objects[MANIFEST]
    endpoint = f"--endpoint_url={s3_server.endpoint_url}"
    command = [sys.executable, "-m", "pipeline", "verify", f"s3://{bucket}/logs", endpoint]
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(  # noqa: S603 - the command under test
        command,
        env={**os.environ, **s3_server.environment(OWNER)},
        stdout=write,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(write)
    assert (done.returncode, done.stderr) == (0, "")
