"""What lies in the customers' buckets after a run, read with their owner's identity.

Everything is read: each object whole, each line of it. Nothing of the program is used for it.
"""

import hashlib
import json
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from examples.demo.customers import CONNECTIONS, DESTINATIONS, Connection
from examples.demo.expected import Delivery

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

NO_ENCRYPTION: Final = "none"

_READS_IN_FLIGHT: Final = 8
_GZIP: Final = 31  # zlib's window bits for one member with a gzip header


@dataclass(frozen=True)
class StoredObject:
    """An object as the server gives it."""

    key: str
    body: bytes
    content_type: str
    content_encoding: str | None
    encryption: str
    etag: str


@dataclass
class Found:
    """What a destination's customer finds.

    Attributes:
        bucket: Where.
        delivery: The sum over all lines.
        stored_bytes: Length of all objects.
        sha256: Of each object, in hexadecimal, by its key.
        listed: The same by what the manifests say; they lie beside the objects.
        missing: What the manifests call missing.
        encryptions: All that the server reports of the objects.
        faults: What is wrong with single objects.
        example: One of them.
    """

    bucket: str
    delivery: Delivery = field(default_factory=Delivery)
    stored_bytes: int = 0
    sha256: dict[str, str] = field(default_factory=dict)
    listed: dict[str, str] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    encryptions: set[str] = field(default_factory=set)
    faults: list[str] = field(default_factory=list)
    example: StoredObject | None = None

    def add(self, stored: StoredObject) -> None:
        """Counts an object and its lines in, or a manifest."""
        if stored.key.endswith(".manifest.json"):
            self._add_manifest(json.loads(stored.body))
            self.encryptions.add(stored.encryption)
            return
        self.example = self.example or stored
        self.stored_bytes += len(stored.body)
        self.sha256[stored.key] = hashlib.sha256(stored.body).hexdigest()
        self.encryptions.add(stored.encryption)
        try:
            lines = _lines(stored)
        except ValueError as error:
            self.faults.append(f"{stored.key}: {error}")
            return
        for line in lines:
            self.delivery.add(line)

    def _add_manifest(self, manifest: dict[str, Any]) -> None:
        start = f"s3://{self.bucket}/"
        for each in manifest["objects"]:
            self.listed[each["url"].removeprefix(start)] = each["sha256"]
        self.missing += [each["url"] for each in manifest["missing"]]


def read_back(client: "S3Client") -> tuple[dict[str, Found], list[str]]:
    """Reads all buckets.

    Returns:
        What each destination's customer finds, by the destination's name, and the objects that lie
        under no destination's prefix.
    """
    buckets = {connection.name: connection.bucket for connection in CONNECTIONS}
    found = {
        destination.name: Found(buckets[destination.connection]) for destination in DESTINATIONS
    }
    strays: list[str] = []
    with ThreadPoolExecutor(_READS_IN_FLIGHT) as threads:
        for connection in CONNECTIONS:
            keys = list(_keys(client, connection.bucket))
            bucket = [connection.bucket] * len(keys)
            for stored in threads.map(_get, [client] * len(keys), bucket, keys):
                name = _destination(connection, stored.key)
                if name is None:
                    strays.append(f"s3://{connection.bucket}/{stored.key}")
                else:
                    found[name].add(stored)
    return found, strays


def _keys(client: "S3Client", bucket: str) -> Iterator[str]:
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        for entry in page.get("Contents", ()):
            yield entry["Key"]


def _get(client: "S3Client", bucket: str, key: str) -> StoredObject:
    answer = client.get_object(Bucket=bucket, Key=key)
    return StoredObject(
        key,
        answer["Body"].read(),
        answer["ContentType"],
        answer.get("ContentEncoding"),
        answer.get("ServerSideEncryption", NO_ENCRYPTION),
        answer["ETag"],
    )


def _destination(connection: Connection, key: str) -> str | None:
    for destination in DESTINATIONS:
        prefix = f"{destination.prefix}/"
        if destination.connection == connection.name and key.startswith(prefix):
            return destination.name
    return None


def _lines(stored: StoredObject) -> list[bytes]:
    """The lines without their line feeds; a `ValueError` says what is wrong with the object."""
    if (stored.content_type, stored.content_encoding) != ("application/gzip", None):
        raise ValueError(f"stored as {stored.content_type}, encoding {stored.content_encoding}")
    if "-" in stored.etag:
        raise ValueError("put in parts, not in one")
    member = zlib.decompressobj(_GZIP)
    try:
        content = member.decompress(stored.body)
    except zlib.error as error:
        raise ValueError(str(error)) from error
    if not member.eof or member.unused_data:
        raise ValueError("not exactly one gzip member")
    if not content.endswith(b"\n"):
        raise ValueError("the last line has no end")
    return content[:-1].split(b"\n")
