"""Manifests: the objects of one pane of a (destination, window), listed for who reads them.

A manifest is immutable, and its key says what it is: one that lists a pane whole has the plain key,
one that misses parked objects, and one that a redrive writes, have a mark with a digest of what
they list. So a pane whose objects were refused, and which is delivered later, never overwrites
anything. What a reader trusts is the union by URL of all manifests of a window.
"""

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from transforms.keys import digest, manifest_key, stamp
from transforms.records import Guarantee, Part, Receipt, Target, Window

VERSION: Final = 1
_DIGEST_CHARACTERS: Final = 8


class Interval(msgspec.Struct, frozen=True):
    """A window as a manifest has it: RFC 3339 times, the end is not part of it."""

    start: str
    end: str


class Listed(msgspec.Struct, frozen=True):
    """One object; `bytes` is what the bucket holds, `raw_bytes` what unpacking gives."""

    url: str
    bytes: int
    events: int
    raw_bytes: int
    sha256: str
    pane: int
    shard: int
    part: int


class Totals(msgspec.Struct, frozen=True):
    """Sums of the manifest's objects, and of those that it misses."""

    objects: int
    bytes: int
    events: int
    raw_bytes: int
    missing_objects: int
    missing_events: int


class Meta(msgspec.Struct, frozen=True):
    """What Redshift wants to know of a file."""

    content_length: int


class Entry(msgspec.Struct, frozen=True):
    """An object as Redshift's `COPY … MANIFEST` reads it."""

    url: str
    mandatory: bool
    meta: Meta


class Manifest(msgspec.Struct, frozen=True):
    """A manifest; its fields, in this order, are those of its JSON.

    Attributes:
        redriven: Whether a redrive wrote it, for objects that an earlier manifest misses.
        missing: Objects that were refused and are parked: not in the bucket when this was written.
        guarantee: What holds where the job is replayed; `None` in manifests of older versions.
    """

    version: int
    destination: str
    window: Interval
    run: str
    revision: str
    pane: int
    redriven: bool
    objects: list[Listed]
    missing: list[Listed]
    totals: Totals
    entries: list[Entry]
    guarantee: Guarantee | None = None


def listed(receipt: Receipt) -> Listed:
    """An object as a manifest lists it."""
    return Listed(
        url=receipt.url,
        bytes=receipt.stored_bytes,
        events=receipt.events,
        raw_bytes=receipt.raw_bytes,
        sha256=receipt.sha256,
        pane=receipt.pane,
        shard=receipt.shard,
        part=receipt.part,
    )


def make_manifest(
    target: Target,
    window: Window,
    pane: int,
    receipts: Iterable[Receipt],
    *,
    redriven: bool = False,
) -> Manifest:
    """Lists what became of the objects of one pane, in the order of their keys.

    What a redrive puts was made durable when it was parked.
    """
    # A bundle that was retried gives the same receipt twice.
    unique = {receipt.url: receipt for receipt in receipts}
    ordered = [unique[url] for url in sorted(unique)]
    objects = [listed(each) for each in ordered if each.status == "delivered"]
    missing = [listed(each) for each in ordered if each.status != "delivered"]
    return Manifest(
        version=VERSION,
        destination=target.destination,
        window=Interval(rfc3339(window.start), rfc3339(window.end)),
        run=target.run,
        revision=target.revision,
        pane=pane,
        redriven=redriven,
        objects=objects,
        missing=missing,
        totals=totals_of(objects, missing),
        entries=[Entry(each.url, mandatory=True, meta=Meta(each.bytes)) for each in objects],
        guarantee="stable" if redriven else "repeatable",
    )


def manifest_part(target: Target, window: Window, manifest: Manifest) -> Part:
    """A manifest as an object that is ready to be put."""
    return Part(
        target=msgspec.structs.replace(target, shard=0),
        window=window,
        pane=manifest.pane,
        part=0,
        key=manifest_key(target, window, manifest.pane, _mark(manifest)),
        body=msgspec.json.format(msgspec.json.encode(manifest), indent=1) + b"\n",
        events=0,
        raw_bytes=0,
        kind="manifest",
    )


def rfc3339(seconds: int) -> str:
    """A time as people and JSON's readers know it: `2026-11-20T10:00:00Z`."""
    text = stamp(seconds)
    return f"{text[:4]}-{text[4:6]}-{text[6:11]}:{text[11:13]}:{text[13:]}"


def totals_of(objects: Sequence[Listed], missing: Sequence[Listed]) -> Totals:
    """The sums of what a manifest lists."""
    return Totals(
        objects=len(objects),
        bytes=sum(each.bytes for each in objects),
        events=sum(each.events for each in objects),
        raw_bytes=sum(each.raw_bytes for each in objects),
        missing_objects=len(missing),
        missing_events=sum(each.events for each in missing),
    )


def _mark(manifest: Manifest) -> str:
    if manifest.redriven:
        return f"_redriven-{_digest_of(manifest.objects)}"
    return f"_without-{_digest_of(manifest.missing)}" if manifest.missing else ""


def _digest_of(objects: Sequence[Listed]) -> str:
    return digest(_DIGEST_CHARACTERS, *(msgspec.structs.astuple(each) for each in objects))
