"""A small job over ten lines of input, for tests of the whole graph in this process."""

import gzip
import json
from pathlib import Path
from typing import Any

from pipeline.build import build
from pipeline.job import Job, Reading
from tests.pipelines import in_process
from tests.recording import open_recording, recording
from transforms.configuration import Configuration
from transforms.match import match_files
from transforms.places import OpsPath
from transforms.store import Folder

CONFIGURATION = Configuration.model_validate(
    {
        "connections": [
            {"name": "acme", "bucket": "acme-bucket", "region": "us-east-1"},
            {"name": "beta", "bucket": "beta-bucket", "region": "eu-west-1"},
        ],
        "destinations": [
            {
                "name": "acme-web",
                "connection": "acme",
                "prefix": "logs",
                "match": {"write_key": "a"},
            },
            {
                "name": "beta-all",
                "connection": "beta",
                "match": {"write_key": ["a", "b"]},
                "compression": "none",
                "layout": "hive",
            },
        ],
    }
)
A1 = b'{"writeKey":"a","receivedAt":"2026-11-20T10:01:00Z","n":1}'
A2 = b'{"writeKey":"a","receivedAt":"2026-11-20T10:12:00Z","n":2}'
B1 = b'{"writeKey":"b","receivedAt":"2026-11-20T10:02:00Z","n":3}'
NOBODYS = b'{"writeKey":"stranger"}'
LINES = b"\n".join([A1, b"oops", B1, A2, NOBODYS]) + b"\n"


def job_of(folder: Path, content: bytes = LINES, block_bytes: int = 2**23) -> Job:
    path = folder / "events.ndjson"
    path.write_bytes(content)
    scratch = folder / "scratch"
    scratch.mkdir(exist_ok=True)
    return Job(
        configuration=CONFIGURATION,
        files=tuple(match_files([str(path)])),
        reading=Reading(block_bytes=block_bytes),
        run="abcd2345",
        ops=OpsPath(Folder("/ops")),
        scratch=str(scratch),
    )


def run(job: Job, *options: str) -> dict[tuple[str, str], bytes]:
    with recording() as recorded, in_process(*options) as pipeline:
        build(pipeline, job, open_recording)
    return recorded.objects()


ACME_TEN = (
    "acme-bucket",
    (
        "logs/2026/11/20/10/"
        "acme-web_20261120T100000Z_20261120T101000Z_abcd2345-2idy_p0_00000-of-00001.ndjson.gz"
    ),
)
ACME_TEN_PAST = (
    "acme-bucket",
    (
        "logs/2026/11/20/10/"
        "acme-web_20261120T101000Z_20261120T102000Z_abcd2345-2idy_p0_00000-of-00001.ndjson.gz"
    ),
)
BETA_TEN = (
    "beta-bucket",
    (
        "date=2026-11-20/hour=10/"
        "beta-all_20261120T100000Z_20261120T101000Z_abcd2345-cgka_p0_00000-of-00001.ndjson"
    ),
)
BETA_TEN_PAST = (
    "beta-bucket",
    (
        "date=2026-11-20/hour=10/"
        "beta-all_20261120T101000Z_20261120T102000Z_abcd2345-cgka_p0_00000-of-00001.ndjson"
    ),
)


def customers(objects: dict[tuple[str, str], bytes]) -> dict[tuple[str, str], bytes]:
    return {
        (bucket, key): gzip.decompress(body) if key.endswith(".gz") else body
        for (bucket, key), body in objects.items()
        if bucket != "/ops" and not key.endswith(".manifest.json")
    }


def manifests(objects: dict[tuple[str, str], bytes]) -> dict[tuple[str, str], dict[str, Any]]:
    return {
        place: json.loads(body) for place, body in objects.items() if place[1].endswith(".json")
    }


def ops_lines(objects: dict[tuple[str, str], bytes], name: str) -> list[dict[str, object]]:
    return [
        json.loads(line)
        for (bucket, key), body in sorted(objects.items())
        if bucket == "/ops" and key.startswith(f"{name}/")
        for line in gzip.decompress(body).splitlines()
    ]
