"""The files of parked objects as a redrive finds them, below `parked/` in the ops path.

Nothing of a file is believed that it does not say twice: its name holds a digest of the bucket, the
owner and the key that it is for, its metadata and its record agree, and its body has the digest
that they name.
"""

import hashlib
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import msgspec

from transforms.object_tree import ObjectGoneError, OpsTree, UnreadableObjectError
from transforms.parked import (
    HEAD_BYTES,
    PARKED,
    REDRIVEN,
    Parked,
    decode_parked,
    parked_head,
    parked_key,
)

_AT_ONCE: Final = 16  # files whose beginnings are read side by side: a store takes its time
_ENDING: Final = ".avro"


class ParkedFile(msgspec.Struct, frozen=True):
    """A file below `parked/`.

    Attributes:
        name: Its key below the ops path.
        destination: The folder that it lies in.
        parked: What it says of its object; `None` where that cannot be read.
        damage: Why it cannot; empty where it can.
    """

    name: str
    size_bytes: int
    destination: str
    parked: Parked | None
    damage: str = ""

    @property
    def events(self) -> int:
        """How many events its object holds, as far as that is known."""
        return self.parked.events if self.parked else 0


def find_parked(tree: OpsTree, destinations: Iterable[str] = ()) -> Iterator[ParkedFile]:
    """All that is parked; of each file only the beginning is read.

    Args:
        tree: The ops path.
        destinations: Only theirs; those of all destinations where none is named.

    Raises:
        TreeError: The ops path cannot be read.
    """
    prefixes = [f"{PARKED}/{name}/" for name in destinations] or [f"{PARKED}/"]
    listings = [
        listing for prefix in prefixes for listing in tree.list(prefix) if _is_parked(listing[0])
    ]
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="parked") as readers:
        yield from filter(None, readers.map(lambda each: _look_at(tree, *each), listings))


def read_parked(name: str, content: bytes) -> tuple[Parked, bytes]:
    """A parked object with its body, from its file.

    Raises:
        ValueError: The file is damaged; why.
    """
    record, body = decode_parked(content)
    if parked_head(content[:HEAD_BYTES]) != record:
        raise ValueError("is damaged: its metadata and its record differ")
    _check_name(name, record)
    if len(body) != record.stored_bytes or hashlib.sha256(body).hexdigest() != record.sha256:
        raise ValueError(f"is damaged: its body has not the SHA-256 {record.sha256}")
    return record, body


def redriven_name(name: str) -> str:
    """Where a parked object's file is moved once its object is delivered and listed."""
    return f"{REDRIVEN}/{name.removeprefix(f'{PARKED}/')}"


def _is_parked(name: str) -> bool:
    return name.endswith(_ENDING) and name.count("/") > 1


def _look_at(tree: OpsTree, name: str, size_bytes: int) -> ParkedFile | None:
    destination = name.split("/")[1]
    try:
        record = parked_head(tree.head(name, HEAD_BYTES))
        _check_name(name, record)
    except ObjectGoneError:
        return None  # another redrive was faster
    except (ValueError, UnreadableObjectError) as error:
        return ParkedFile(name, size_bytes, destination, None, str(error))
    return ParkedFile(name, size_bytes, destination, record)


def _check_name(name: str, record: Parked) -> None:
    expected = parked_key(record.bucket, record.owner, record.key, record.destination)
    if name != expected:
        raise ValueError(f"is damaged, or was renamed: what it holds belongs into {expected}")
