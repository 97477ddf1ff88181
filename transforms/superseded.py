"""Whether another attempt of the same run has delivered other content under a parked object's key.

A run that is repeated with a `match` that was mended puts other events under its own keys. What it
had parked before must not take their place: the receipts tell.
"""

import gzip
import threading
from collections.abc import Iterator

import msgspec

from transforms.keys import object_key
from transforms.object_tree import OpsTree
from transforms.ops import RECEIPTS
from transforms.parked import Parked
from transforms.records import Receipt, Target, Window


class Superseded:
    """What the receipts of the windows of parked objects say, each window read once.

    Args:
        tree: The ops path.
    """

    def __init__(self, tree: OpsTree) -> None:
        self._tree = tree
        self._lock = threading.Lock()
        self._delivered: dict[tuple[str, Window], dict[tuple[str, str], set[str]]] = {}

    def holds(self, parked: Parked) -> bool:
        """Whether the object's key holds other content by now. May be called from many threads.

        Raises:
            TreeError: The ops path cannot be read.
            ValueError: A file of receipts is damaged.
        """
        with self._lock:
            which = parked.run, parked.window
            if which not in self._delivered:
                self._delivered[which] = self._read(*which)
            known = self._delivered[which].get((parked.bucket, parked.key), set())
        return bool(known - {parked.sha256})

    def _read(self, run: str, window: Window) -> dict[tuple[str, str], set[str]]:
        found: dict[tuple[str, str], set[str]] = {}
        for receipt in self._receipts(run, window):
            if receipt.status == "delivered":
                found.setdefault((receipt.bucket, receipt.key), set()).add(receipt.sha256)
        return found

    def _receipts(self, run: str, window: Window) -> Iterator[Receipt]:
        # All revisions: that of receipts is a digest of the whole configuration.
        key = object_key(Target(RECEIPTS, run, "", prefix=RECEIPTS), window, 0, 0)
        for name, _ in self._tree.list(key[: key.index(f"_{run}-")] + f"_{run}-"):
            yield from self._read_receipts(name)

    def _read_receipts(self, name: str) -> list[Receipt]:
        try:
            lines = gzip.decompress(self._tree.read(name)).splitlines()
            return [msgspec.json.decode(line, type=Receipt) for line in lines]
        except (OSError, EOFError, msgspec.MsgspecError) as error:
            raise ValueError(f"{self._tree.url(name)} is damaged: {error}") from error
