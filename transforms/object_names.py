"""The names of objects and manifests, read again: the other way of `transforms.keys`."""

import functools
import re
from datetime import datetime, timezone
from typing import Final, Literal

import msgspec

from transforms.records import Window

Compression = Literal["gzip", "zstd", "none"]

_STEM: Final = (
    r"(?P<destination>[a-z0-9][a-z0-9_-]*)_(?P<start>\d{8}T\d{6}Z)_(?P<end>\d{8}T\d{6}Z)"
    r"_(?P<run>[a-z0-9]+)-(?P<revision>[a-z0-9]*)_p(?P<pane>\d+)"
)
_OBJECT: Final = re.compile(
    _STEM + r"_(?P<shard>\d{5})-of-\d{5}(?:_part(?P<part>\d{3,}))?"
    r"\.ndjson(?P<ending>|\.gz|\.zst)",
    re.ASCII,
)
_MANIFEST: Final = re.compile(
    rf"_{_STEM}(?:_(?:without|redriven)-[a-z0-9]+)?\.manifest\.json", re.ASCII
)
_COMPRESSIONS: Final[dict[str, Compression]] = {".gz": "gzip", ".zst": "zstd", "": "none"}


class ObjectName(msgspec.Struct, frozen=True):
    """What the last component of a key tells.

    Attributes:
        is_manifest: Whether it lists objects instead of holding events.
        shard: 0 for a manifest, as is `part`.
    """

    destination: str
    window: Window
    run: str
    revision: str
    pane: int
    is_manifest: bool
    shard: int = 0
    part: int = 0
    compression: Compression = "none"


def base(key: str) -> str:
    """A key's last component, or a URL's."""
    return key.rpartition("/")[2]


def read_name(key: str) -> ObjectName | None:
    """What a key tells of its object, or `None` where it is not one of ours."""
    name = base(key)
    manifest = _MANIFEST.fullmatch(name)
    found = manifest or _OBJECT.fullmatch(name)
    if found is None:
        return None
    try:
        window = Window(_seconds(found["start"]), _seconds(found["end"]))
    except ValueError:  # the 31st of February
        return None
    stem = (found["destination"], window, found["run"], found["revision"], int(found["pane"]))
    if manifest:
        return ObjectName(*stem, is_manifest=True)
    shard, part = int(found["shard"]), int(found["part"] or 0)
    return ObjectName(*stem, False, shard, part, _COMPRESSIONS[found["ending"]])  # noqa: FBT003


@functools.lru_cache(2**12)  # parsing it takes longest of all, and many names share a window
def _seconds(stamp: str) -> int:
    time = datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=timezone.utc)
    return int(time.timestamp())
