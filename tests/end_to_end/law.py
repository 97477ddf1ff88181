"""The one law of delivery, over a small job.

Every event of the input is, exactly once by the manifests, in a bucket, or parked, or a dead
letter, or counted as unmatched or opted out. Nothing of the program is used to check it, but for
the form of parked objects.
"""

import gzip
import hashlib
import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import yaml

from transforms.parked import decode_parked

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

ALPHA: Final = "law-alpha"
BETA: Final = "law-beta"
BUCKETS: Final = (ALPHA, BETA)

_WRITE_KEYS: Final = {"web": "wk_web", "app": "wk_app", "all": "wk_all"}


def _event(number: int, write_key: str, **more: object) -> bytes:
    minute = number % 20
    event = {"writeKey": write_key, "receivedAt": f"2026-11-20T10:{minute:02}:00Z", "n": number}
    return json.dumps(event | more).encode()


GOOD: Final = [_event(n, ("wk_web", "wk_app", "wk_all")[n % 3]) for n in range(60)]
STRANGERS: Final = [_event(n, "wk_nobody") for n in range(4)]
OPTED_OUT: Final = [_event(n, "wk_web", integrations={"S3 Event Logs": False}) for n in range(3)]
MALFORMED: Final = [b"not json", b'{"writeKey":"wk_web"', b'\xff\xfe"']
LINES: Final = [*GOOD[:30], *STRANGERS, b"", *MALFORMED, *OPTED_OUT, *GOOD[30:]]

# By destination what it is to get: the one with two write keys gets what is another's, too.
EXPECTED: Final = {
    "web": Counter(line for line in GOOD if b'"wk_web"' in line),
    "app": Counter(line for line in GOOD if b'"wk_app"' in line or b'"wk_all"' in line),
    "all": Counter(line for line in GOOD if b'"wk_all"' in line),
}


def write_job(folder: Path, endpoint_url: str, prefix: str) -> None:
    """Writes input and configuration; all keys are below `prefix`."""
    for number, lines in enumerate((LINES[:40], LINES[40:])):
        (folder / f"events-{number}.ndjson").write_bytes(b"\n".join(lines) + b"\n")
    connections = [
        {
            "name": bucket,
            "bucket": bucket,
            "region": "us-east-1",
            "endpoint_url": endpoint_url,
            "server_side_encryption": "AES256",
            "expected_bucket_owner": "123456789012",
        }
        for bucket in BUCKETS
    ]
    where = {"web": (ALPHA, "web"), "app": (ALPHA, "app"), "all": (BETA, "all")}
    keys = {"web": ["wk_web"], "app": ["wk_app", "wk_all"], "all": ["wk_all"]}
    destinations = [
        {
            "name": name,
            "connection": bucket,
            "prefix": f"{prefix}/{below}",
            "match": {"write_key": keys[name]},
            "shards": 2,
            "compression": "none" if name == "all" else "gzip",
        }
        for name, (bucket, below) in where.items()
    ]
    configuration = {
        "connections": connections,
        "destinations": destinations,
        "ops": {"path": str(folder / "ops")},
    }
    (folder / "events.yaml").write_text(yaml.safe_dump(configuration))


class World(NamedTuple):
    """All that a run left: by (bucket, key) what the buckets hold, and what is parked."""

    stored: dict[tuple[str, str], bytes]
    parked: dict[tuple[str, str], bytes]


def look(owner: "S3Client", folder: Path, prefix: str) -> World:
    """Reads everything below the prefix, and the ops path."""
    stored = {
        (bucket, each["Key"]): owner.get_object(Bucket=bucket, Key=each["Key"])["Body"].read()
        for bucket in BUCKETS
        for each in owner.list_objects_v2(Bucket=bucket, Prefix=f"{prefix}/").get("Contents", [])
    }
    parked = {}
    for path in (folder / "ops" / "parked").rglob("*.avro"):
        record, body = decode_parked(path.read_bytes())
        parked[record.bucket, record.key] = body
    return World(stored, parked)


def check(world: World, folder: Path) -> None:
    """Holds the law against what a run left."""
    objects, missing = _by_manifests(world)
    assert objects.keys().isdisjoint(missing), "delivered by one manifest, missing by another"
    # Refused, or not answered: it is kept; if it was stored nevertheless, with the same bytes.
    assert missing.keys() <= world.parked.keys()
    for place, body in world.parked.items():
        assert world.stored.get(place, body) == body
    events = {place: body for place, body in world.parked.items() if not _is_manifest(place)}
    assert events.keys() == missing.keys()
    strays = {place for place in world.stored if not _is_manifest(place)} - objects.keys()
    assert strays <= missing.keys(), "an object that no manifest speaks of"
    found: dict[str, Counter[bytes]] = {name: Counter() for name in EXPECTED}
    for place, listed in {**objects, **missing}.items():
        body = world.stored[place] if place in objects else world.parked[place]
        assert hashlib.sha256(body).hexdigest() == listed["sha256"], place
        lines = _lines(place, body)
        assert len(lines) == listed["events"]
        found[place[1].split("/")[-1].split("_")[0]].update(lines)
    assert found == EXPECTED
    _check_sums(folder)


def _by_manifests(
    world: World,
) -> tuple[dict[tuple[str, str], dict[str, Any]], dict[tuple[str, str], dict[str, Any]]]:
    """What all manifests together, parked ones too, call delivered, and what else missing."""
    objects: dict[tuple[str, str], dict[str, Any]] = {}
    missing: dict[tuple[str, str], dict[str, Any]] = {}
    for place, body in {**world.stored, **world.parked}.items():
        if _is_manifest(place):
            manifest = json.loads(body)
            for listed, into in ((manifest["objects"], objects), (manifest["missing"], missing)):
                for each in listed:
                    where = _place(each["url"])
                    assert into.setdefault(where, each) == each, "listed twice, differently"
    return objects, {place: each for place, each in missing.items() if place not in objects}


def _check_sums(folder: Path) -> None:
    tallies = ops_lines(folder, "tallies")
    assert sum(tally["read"] for tally in tallies) == len(LINES) - 1
    assert sum(tally["blank"] for tally in tallies) == 1
    assert sum(tally["matched"] for tally in tallies) == len(GOOD)
    assert sum(tally["unmatched"] for tally in tallies) == len(STRANGERS)
    assert sum(tally["opted_out"] for tally in tallies) == len(OPTED_OUT)
    letters = ops_lines(folder, "dead_letters")
    assert len(letters) == len(MALFORMED)


def ops_lines(folder: Path, name: str) -> list[dict[str, Any]]:
    """The records of one kind in the ops path."""
    files = sorted((folder / "ops" / name).rglob("*.gz"))
    return [json.loads(line) for file in files for line in gzip.open(file)]


def _lines(place: tuple[str, str], body: bytes) -> list[bytes]:
    content = gzip.decompress(body) if place[1].endswith(".gz") else body
    return content.splitlines()


def _is_manifest(place: tuple[str, str]) -> bool:
    return place[1].endswith(".manifest.json")


def _place(url: str) -> tuple[str, str]:
    bucket, _, key = url.removeprefix("s3://").partition("/")
    return bucket, key
