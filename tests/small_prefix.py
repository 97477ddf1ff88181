"""A small prefix made by hand: two objects of a window, and the manifest that lists them."""

import gzip
import hashlib
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import zstandard

from transforms.keys import object_key
from transforms.manifests import make_manifest, manifest_part
from transforms.object_tree import ObjectGoneError
from transforms.records import Receipt, Status, Target, Window
from transforms.verification.records import Scope, Verification
from transforms.verification.tree import verify_tree

WINDOW = Window(1_795_168_800, 1_795_169_400)  # 2026-11-20, from 10:00 to 10:10
HOUR = "2026/11/20/10/"
FIRST = (
    f"{HOUR}acme-web_20261120T100000Z_20261120T101000Z_abcd2345-wxyz_p0_00000-of-00002.ndjson.gz"
)
SECOND = (
    f"{HOUR}acme-web_20261120T100000Z_20261120T101000Z_abcd2345-wxyz_p0_00001-of-00002.ndjson.gz"
)
MANIFEST = f"{HOUR}_acme-web_20261120T100000Z_20261120T101000Z_abcd2345-wxyz_p0.manifest.json"
URL = "s3://acme-bucket/logs/"

PACK: dict[str, Callable[[bytes], bytes]] = {
    "gzip": lambda raw: gzip.compress(raw, mtime=0),
    "zstd": zstandard.ZstdCompressor(write_checksum=True).compress,
    "none": bytes,
}


def raw_lines(first: int, count: int) -> bytes:
    return b"".join(b'{"writeKey":"k","n":%d}\n' % n for n in range(first, first + count))


def target(**fields: Any) -> Target:  # noqa: ANN401 - any field
    acme = Target("acme-web", "abcd2345", "acme-bucket", prefix="logs", shards=2, revision="wxyz")
    return msgspec.structs.replace(acme, **fields)


class SmallPrefix:
    """What lies below the prefix `logs` of a bucket, by key; for whoever wants to spoil it."""

    def __init__(self, whose: Target | None = None) -> None:
        self.target = whose or target()
        self.objects: dict[str, bytes] = {}
        self.receipts: list[Receipt] = []

    def put(self, shard: int, raw: bytes, status: Status = "delivered") -> str:
        """An object of events; one that is parked is not there."""
        body = PACK[self.target.compression](raw)
        shard_target = msgspec.structs.replace(self.target, shard=shard)
        key = object_key(shard_target, WINDOW, 0, 0)
        below = key.removeprefix(f"{self.target.prefix}/")
        if status == "delivered":
            self.objects[below] = body
        self.receipts.append(
            Receipt(
                destination=self.target.destination,
                run=self.target.run,
                revision=self.target.revision,
                window_start=WINDOW.start,
                window_end=WINDOW.end,
                pane=0,
                shard=shard,
                part=0,
                bucket=self.target.bucket,
                key=key,
                events=raw.count(b"\n"),
                raw_bytes=len(raw),
                stored_bytes=len(body),
                sha256=hashlib.sha256(body).hexdigest(),
                status=status,
            )
        )
        return below

    def list(self, *, redriven: bool = False) -> str:
        """The manifest of what was put since the last one."""
        manifest = make_manifest(self.target, WINDOW, 0, self.receipts, redriven=redriven)
        self.receipts = []
        part = manifest_part(self.target, WINDOW, manifest)
        key = part.key.removeprefix(f"{self.target.prefix}/")
        self.objects[key] = part.body
        return key


def clean(**fields: Any) -> SmallPrefix:  # noqa: ANN401 - fields of the target
    """Two objects of 5 and 4 events, and their manifest."""
    prefix = SmallPrefix(target(**fields))
    prefix.put(0, raw_lines(0, 5))
    prefix.put(1, raw_lines(5, 4))
    prefix.list()
    return prefix


class MemoryTree:
    """A tree of what a dictionary holds."""

    def __init__(self, objects: dict[str, bytes], root: str = URL) -> None:
        self.objects = objects
        self.root = root

    def url(self, key: str) -> str:
        return self.root + key

    def list(self, prefix: str = "") -> Iterator[tuple[str, int]]:
        for key, body in self.objects.items():
            if key.startswith(prefix):
                yield key, len(body)

    def chunks(self, key: str) -> Iterator[bytes]:
        body = self.objects.get(key)
        if body is None:
            raise ObjectGoneError(f"{self.url(key)}: there is no such object")
        for at in range(0, len(body), 7):
            yield body[at : at + 7]


def verified(objects: dict[str, bytes], scope: Scope = Scope()) -> Verification:  # noqa: B008 - frozen
    return verify_tree(MemoryTree(objects), scope)


def kinds(found: Verification) -> list[tuple[str, str]]:
    """Each defect's kind, and where it is below the prefix."""
    return [(defect.kind, defect.url.removeprefix(URL)) for defect in found.defects]
