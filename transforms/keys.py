"""Object keys: a pure function of what they hold. No clock, no UUID, no attempt number.

`{prefix/}{yyyy}/{MM}/{dd}/{HH}/{destination}_{window start}_{window end}_{run}-{revision}_p{pane}
_{shard:05}-of-{shards:05}[_part{n:03}].ndjson[.gz|.zst]`

A retry overwrites itself with the same content; another run, destination or configuration never
shares a key, since a destination's name holds no underscore and every number is set off by one.
"""

import base64
import hashlib
import re
from datetime import datetime, timedelta, timezone
from typing import Final

import msgspec

from transforms.records import Target, Window

MAX_KEY_BYTES: Final = 1024  # Amazon S3 User Guide, "Naming Amazon S3 objects"

RUN_CHARACTERS: Final = 8
REVISION_CHARACTERS: Final = 4

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=timezone.utc)
_FOLDERS: Final = {"plain": "{year}/{t:%m/%d/%H}", "hive": "date={year}-{t:%m-%d}/hour={t:%H}"}
_SUFFIXES: Final = {"gzip": ".ndjson.gz", "zstd": ".ndjson.zst", "none": ".ndjson"}

# The longest that windows, run, revision, pane, shard and part can add to prefix and name: a pane
# or a part number has at most six digits, for which the late panes of years would not be enough.
_LONGEST_REST: Final = (
    len("/date=2026-11-20/hour=10/")
    + len("_20261120T100000Z_20261120T101000Z_")
    + RUN_CHARACTERS
    + len("-")
    + REVISION_CHARACTERS
    + len("_p000000_00000-of-00000_part000000.ndjson.zst")
)


def digest(characters: int, *parts: object) -> str:
    """A short name for plain values: the first of their SHA-256 in base 32, in lower case."""
    encoded = hashlib.sha256(msgspec.json.encode(parts)).digest()
    return base64.b32encode(encoded).decode().lower()[:characters]


def valid_run(text: str) -> str:
    """A run's id, as it was given.

    Raises:
        ValueError: It has not the form that keys need.
    """
    if not re.fullmatch(f"[a-z0-9]{{{RUN_CHARACTERS}}}", text):
        raise ValueError(f"{text!r} is no run's id: {RUN_CHARACTERS} lower-case letters or digits")
    return text


def digest_revision(target: Target) -> str:
    """The digest of what in a destination's configuration decides its objects."""
    return digest(
        REVISION_CHARACTERS,
        target.bucket,
        target.owner,
        target.prefix,
        target.layout,
        target.compression,
        target.max_object_bytes,
        target.shards,
    )


def object_key(target: Target, window: Window, pane: int, part: int) -> str:
    """The key of a pane's part; the first part (0) carries no number.

    Raises:
        OverflowError: The window reaches out of the years 1 to 9999.
    """
    name = f"{_stem(target, window, pane)}_{target.shard:05}-of-{target.shards:05}"
    if part:
        name += f"_part{part:03}"
    return _path(target, window, f"{name}{_SUFFIXES[target.compression]}")


def manifest_key(target: Target, window: Window, pane: int, mark: str = "") -> str:
    """The key of a manifest, in the folder of the objects that it lists.

    Its first character hides it from Hive, Athena and Spark.

    Args:
        target: Of any shard.
        window: The objects' window.
        pane: The manifest's own number.
        mark: What tells it from the manifest of a pane that was delivered whole, and at once.
    """
    name = f"_{_stem(target, window, pane)}{mark}.manifest.json"
    return _path(target, window, name)


def longest_key_bytes(prefix: str, destination: str) -> int:
    """How long a key under this prefix and destination can get, in bytes of UTF-8."""
    return len(prefix.encode()) + len(destination) + _LONGEST_REST


def _stem(target: Target, window: Window, pane: int) -> str:
    return (
        f"{target.destination}_{stamp(window.start)}_{stamp(window.end)}"
        f"_{target.run}-{target.revision}_p{pane}"
    )


def _path(target: Target, window: Window, name: str) -> str:
    start = _time(window.start)
    folder = _FOLDERS[target.layout].format(t=start, year=f"{start.year:04}")
    return "/".join(filter(None, (target.prefix, folder, name)))


def _time(seconds: int) -> datetime:
    return _EPOCH + timedelta(seconds=seconds)


def stamp(seconds: int) -> str:
    """A time as keys have it: `20261120T100000Z`.

    Raises:
        OverflowError: It is out of the years 1 to 9999.
    """
    time = _time(seconds)
    # strftime does not pad years before 1000 to four digits everywhere.
    return f"{time.year:04}{time:%m%dT%H%M%SZ}"
