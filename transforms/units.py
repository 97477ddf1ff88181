"""Durations and sizes as people write them: `30s`, `10m`, `1h`; `128MiB`, `64kB`, `512`."""

import datetime as dt
import re

import msgspec

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_BYTES = {
    "": 1,
    "B": 1,
    "kB": 10**3,
    "KB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "KiB": 2**10,
    "MiB": 2**20,
    "GiB": 2**30,
}
_DURATION = re.compile(r"([0-9]{1,9})([smhd])")
_SIZE = re.compile(r"([0-9]{1,15}) ?([A-Za-z]*)")


def parse_duration(text: str) -> int:
    """Turns `30s`, `10m`, `1h` or `2d` into whole seconds.

    Raises:
        ValueError: The text is not such a duration, or is zero.
    """
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is not a duration; write it like 30s, 10m, 1h or 2d")
    if int(match[1]) == 0:
        raise ValueError(f"{text!r} is too short: at least 1s")
    return int(match[1]) * _SECONDS[match[2]]


def parse_time(text: str) -> int:
    """Turns `2026-11-20T10:00:00Z` into seconds since 1970.

    Raises:
        ValueError: The text is no such time, has no offset, or is not a whole second.
    """
    try:
        time = msgspec.convert(text.strip(), dt.datetime)
    except msgspec.ValidationError:
        raise ValueError(f"{text!r} is no time; write it like 2026-11-20T10:00:00Z") from None
    if time.tzinfo is None or time.microsecond:
        raise ValueError(f"{text!r} needs a Z or an offset, and whole seconds")
    return int(time.timestamp())


def parse_size(text: str) -> int:
    """Turns `128MiB`, `64kB` or `512` into a number of bytes.

    Raises:
        ValueError: The text is not such a size, or is zero.
    """
    match = _SIZE.fullmatch(text.strip())
    if match is None or match[2] not in _BYTES or int(match[1]) == 0:
        raise ValueError(f"{text!r} is not a size; write it like 64MiB, 1GiB or 500kB")
    return int(match[1]) * _BYTES[match[2]]


def format_size(count: int) -> str:
    """Turns a number of bytes into a short text with a binary unit, e.g. `12.3 MiB`."""
    size = float(count)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024:  # noqa: PLR2004 - the step between binary units
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} TiB"
