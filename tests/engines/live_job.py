"""A job over a stream: its configuration, its command, and what it left when it was over."""

import gzip
import hashlib
import json
import os
import subprocess
import sys
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import yaml

from examples.demo.s3_server import OWNER, WRITER, S3Server
from tests.engines.steady import DESTINATIONS, Steady
from transforms.parked import decode_parked

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

BUCKET_OF: Final = {"web": "alpha", "app": "alpha", "all": "beta"}
_TERMINATE_SECONDS: Final = 60

Place = tuple[str, str]
"""Bucket and key."""


class LiveJob:
    """One job in a folder of its own, with three destinations in two buckets of its own.

    Attributes:
        root: The tree whose program is run.
        program: The module that is run, with the arguments of the command.

    Args:
        server: The S3 server, which is given the buckets.
        folder: For configuration, ops path and logs.
        address: The broker's.
        topic: What is read.
    """

    def __init__(self, server: S3Server, folder: Path, address: str, topic: str) -> None:
        self.root = Path(__file__).parents[2]
        self.program = "pipeline"
        self.folder = folder
        self.ops = folder / "ops"
        self.configuration_file = folder / "events.yaml"
        self._server = server
        self._input = f"kafka://{address}/{topic}"
        self._buckets = {name: f"{topic}-{name}" for name in ("alpha", "beta")}
        for bucket in self._buckets.values():
            server.create_bucket(bucket)
        self.configuration = self._configuration(server.endpoint_url)
        self.configure()

    def _configuration(self, endpoint_url: str) -> dict[str, Any]:
        connections = [
            {
                "name": name,
                "bucket": bucket,
                "region": "us-east-1",
                "endpoint_url": endpoint_url,
                "server_side_encryption": "AES256",
            }
            for name, bucket in self._buckets.items()
        ]
        destinations = [
            {
                "name": name,
                "connection": BUCKET_OF[name],
                "prefix": f"logs/{name}",
                "match": {"write_key": list(keys)},
                "shards": 2 if name == "web" else 1,
                "compression": "none" if name == "all" else "gzip",
            }
            for name, keys in DESTINATIONS.items()
        ]
        return {
            "connections": connections,
            "destinations": destinations,
            "ops": {"path": str(self.ops)},
        }

    def configure(self, endpoint_url: str | None = None) -> None:
        """Writes the configuration, its buckets behind another address if one is given."""
        if endpoint_url is not None:
            for connection in self.configuration["connections"]:
                connection["endpoint_url"] = endpoint_url
        scratch = self.configuration_file.with_suffix(".new")
        scratch.write_text(yaml.safe_dump(self.configuration))
        scratch.replace(self.configuration_file)

    @property
    def environment(self) -> dict[str, str]:
        """What the job's processes, wherever they run, find the program and its identity by."""
        path = os.pathsep.join([str(self.root), os.environ.get("PYTHONPATH", "")])
        search = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        return {
            **os.environ,
            **self._server.environment(WRITER),
            "PYTHONPATH": path,
            "PATH": search,
        }

    def begin(self, *options: str, log: str = "run.log") -> "subprocess.Popen[bytes]":
        """Submits it; the process lasts as long as the job, or as the options have it."""
        command = [sys.executable, "-m", self.program, "run", f"--config={self.configuration_file}"]
        with (self.folder / log).open("ab") as output:
            return subprocess.Popen(  # noqa: S603 - the command under test
                [*command, f"--input={self._input}", *options],
                cwd=self.folder,
                env=self.environment,
                stdout=output,
                stderr=output,
            )

    def redrive(self) -> "subprocess.CompletedProcess[str]":
        """Puts again what is parked."""
        return subprocess.run(  # noqa: S603 - the command under test
            [sys.executable, "-m", "pipeline", "redrive", f"--config={self.configuration_file}"],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def log(self, name: str = "run.log") -> str:
        """What it said."""
        path = self.folder / name
        return path.read_text(errors="replace") if path.exists() else ""

    def look(self) -> "Left":
        """All that is in the buckets and in the ops path now."""
        owner = self._server.client(OWNER)
        places = [
            (bucket, key) for bucket in self._buckets.values() for key in _keys_of(owner, bucket)
        ]
        with ThreadPoolExecutor(8) as pool:
            stored = dict(zip(places, pool.map(lambda place: _get(owner, place), places)))  # noqa: B905 - as many
        parked = {}
        for path in (self.ops / "parked").rglob("*.avro"):
            record, body = decode_parked(path.read_bytes())
            parked[record.bucket, record.key] = body
        return Left(stored, parked, self.ops)


class Left(NamedTuple):
    """What a job left.

    Attributes:
        stored: What the buckets hold.
        parked: What waits in the ops path to be put there.
        ops: The ops path.
    """

    stored: dict[Place, bytes]
    parked: dict[Place, bytes]
    ops: Path

    def listed(self) -> tuple[dict[Place, dict[str, Any]], dict[Place, dict[str, Any]]]:
        """What all manifests together call delivered, and what else they miss.

        A manifest that is parked counts: it is delivered with what it lists.
        """
        objects: dict[Place, dict[str, Any]] = {}
        missing: dict[Place, dict[str, Any]] = {}
        for place, body in {**self.stored, **self.parked}.items():
            if _is_manifest(place):
                manifest = json.loads(body)
                for each in manifest["objects"]:
                    objects[_place(each["url"])] = each
                for each in manifest["missing"]:
                    missing[_place(each["url"])] = each
        return objects, {place: each for place, each in missing.items() if place not in objects}

    def by_manifests(self) -> dict[str, Counter[int]]:
        """By destination, how often each number is in an object that the manifests speak of.

        Raises:
            AssertionError: An object is not there, or is not what its manifest says.
        """
        objects, missing = self.listed()
        found = _of_each_destination()
        for place, each in {**missing, **objects}.items():
            body = self.stored[place] if place in objects else self.parked[place]
            assert hashlib.sha256(body).hexdigest() == each["sha256"], place
            found[_destination(place)].update(numbers(place, body))
        return found

    def by_listing(self) -> dict[str, Counter[int]]:
        """The same for all objects in the buckets, whatever a manifest says."""
        found = _of_each_destination()
        for place, body in self.stored.items():
            if not _is_manifest(place):
                found[_destination(place)].update(numbers(place, body))
        return found

    def manifests(self, part: str) -> list[dict[str, Any]]:
        """The manifests in the buckets whose keys have this in them, in the order of their keys."""
        places = [
            place for place in sorted(self.stored) if _is_manifest(place) and part in place[1]
        ]
        return [json.loads(self.stored[place]) for place in places]

    def orphans(self) -> set[Place]:
        """Objects in the buckets that no manifest speaks of."""
        objects, missing = self.listed()
        return {
            place
            for place in self.stored
            if not _is_manifest(place) and place not in objects and place not in missing
        }

    def altered(self) -> set[Place]:
        """Objects in the buckets that are not what their manifest says."""
        objects, _ = self.listed()
        return {
            place
            for place, each in objects.items()
            if hashlib.sha256(self.stored.get(place, b"")).hexdigest() != each["sha256"]
        }

    def ops_lines(self, name: str) -> list[dict[str, Any]]:
        """The operator's own records of one kind."""
        files = sorted((self.ops / name).rglob("*.gz"))
        return [json.loads(line) for file in files for line in gzip.open(file)]


def _of_each_destination() -> "defaultdict[str, Counter[int]]":
    return defaultdict(Counter, {name: Counter() for name in DESTINATIONS})


def missing_and_doubled(found: Counter[int], expected: set[int]) -> tuple[set[int], set[int]]:
    """Which numbers are not there, and which are there more than once."""
    assert found.keys() <= expected, "an event that was for another"
    return expected - found.keys(), {number for number, times in found.items() if times > 1}


def lacking(left: Left, steady: Steady) -> int:
    """How many events of all destinations the manifests do not speak of yet."""
    found = left.by_manifests()
    return sum(len(wanted - found[name].keys()) for name, wanted in steady.expected.items())


def unstored(left: Left, steady: Steady) -> int:
    """How many events of all destinations are in no object yet, whatever manifests say."""
    found = left.by_listing()
    return sum(len(wanted - found[name].keys()) for name, wanted in steady.expected.items())


def check_law(left: Left, steady: Steady) -> None:
    """Every event exactly once by manifest, or parked, a dead letter, or unmatched."""
    for name, found in left.by_manifests().items():
        lost, doubled = missing_and_doubled(found, steady.expected[name])
        assert (len(lost), len(doubled)) == (0, 0), (name, sorted(lost)[:5], sorted(doubled)[:5])
    letters = {(each["source"], each["position"]) for each in left.ops_lines("dead_letters")}
    assert len(letters) == steady.malformed
    # Where a stream is replayed, a block may be cut elsewhere: its tallies are told twice.
    unmatched = sum(tally["unmatched"] for tally in left.ops_lines("tallies"))
    assert unmatched >= steady.unmatched


def check_sums(left: Left, steady: Steady) -> None:
    """Tallies and receipts count everything once: as a job's own words they add up."""
    tallies, receipts = left.ops_lines("tallies"), left.ops_lines("receipts")
    assert sum(tally["read"] for tally in tallies) == steady.produced
    assert sum(tally["unmatched"] for tally in tallies) == steady.unmatched
    assert len(left.ops_lines("dead_letters")) == steady.malformed
    pairs = sum(sum(tally["pairs"].values()) for tally in tallies)
    assert pairs == sum(map(len, steady.expected.values()))
    assert pairs == sum(receipt["events"] for receipt in receipts)


def numbers(place: Place, body: bytes) -> list[int]:
    """The numbers of an object's events."""
    content = gzip.decompress(body) if place[1].endswith(".gz") else body
    return [json.loads(line)["n"] for line in content.splitlines()]


def _destination(place: Place) -> str:
    return place[1].split("/")[1]


def _is_manifest(place: Place) -> bool:
    return place[1].endswith(".manifest.json")


def _place(url: str) -> Place:
    bucket, _, key = url.removeprefix("s3://").partition("/")
    return bucket, key


def _keys_of(owner: "S3Client", bucket: str) -> list[str]:
    pages = owner.get_paginator("list_objects_v2").paginate(Bucket=bucket)
    return [each["Key"] for page in pages for each in page.get("Contents", [])]


def _get(owner: "S3Client", place: Place) -> bytes:
    return owner.get_object(Bucket=place[0], Key=place[1])["Body"].read()
