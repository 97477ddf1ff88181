"""What was parked never takes the place of what a later attempt of the same run delivered."""

import json
from typing import TYPE_CHECKING

import pytest

from examples.demo.policies import origin_policy
from examples.demo.s3_server import WRITER, S3Server
from pipeline.__main__ import main
from tests.end_to_end.runs import Runs, lines_of, stored
from transforms.s3_client import forget_clients

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

TRACK = b'{"writeKey":"k","type":"track","receivedAt":"2026-11-20T10:01:00Z"}'
PAGE = b'{"writeKey":"k","type":"page","receivedAt":"2026-11-20T10:02:00Z"}'


def test_a_run_with_a_mended_match_is_not_overwritten_by_what_was_parked_before(
    runs: Runs, owner: "S3Client", s3_server: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs.write("events.ndjson", TRACK + b"\n" + PAGE + b"\n")
    owner.delete_bucket_policy(Bucket=runs.bucket)
    assert runs("--input=events.ndjson").returncode == 3

    owner.put_bucket_policy(Bucket=runs.bucket, Policy=json.dumps(origin_policy(runs.bucket)))
    runs.configuration["destinations"][0]["match"] = {"write_key": "k", "type": "track"}
    again = runs("--input=events.ndjson")
    assert again.returncode == 0
    assert "an earlier attempt of this run had parked objects: 2, withdrawn now" in again.stderr
    assert len(list((runs.folder / "ops" / "withdrawn" / "acme-web").iterdir())) == 2
    delivered = stored(owner, runs.bucket)
    assert lines_of(delivered) == [TRACK]

    for name, value in s3_server.environment(WRITER).items():
        monkeypatch.setenv(name, value)
    forget_clients()
    assert main(["redrive", f"--config={runs.folder / 'events.yaml'}"]) == 0
    forget_clients()
    now = stored(owner, runs.bucket)
    assert now == delivered
