"""Three hundred destinations in one bucket on a real S3 server: each object is of one of them."""

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from tests.end_to_end.runs import Runs
from tests.tenants import RUN, assert_each_has_its_own, configuration, events

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def everything(owner: "S3Client", bucket: str) -> dict[str, bytes]:
    pages = owner.get_paginator("list_objects_v2").paginate(Bucket=bucket)
    keys = [each["Key"] for page in pages for each in page.get("Contents", [])]

    def body(key: str) -> bytes:
        return owner.get_object(Bucket=bucket, Key=key)["Body"].read()

    with ThreadPoolExecutor(8) as threads:
        return dict(zip(keys, threads.map(body, keys), strict=True))


def test_each_of_three_hundred_tenants_finds_its_own_events_under_its_prefix_and_no_others(
    runs: Runs, owner: "S3Client"
) -> None:
    lines = events()
    runs.write("events.ndjson", b"\n".join(lines))
    [connection] = runs.configuration["connections"]
    runs.configuration |= configuration(connection)
    done = runs("--input=events.ndjson", f"--run_id={RUN}")
    assert done.returncode == 0, done.stderr
    assert_each_has_its_own(runs.bucket, everything(owner, runs.bucket), lines)
