"""How a job fares while it runs: the memory of its processes, and its checkpoints."""

import subprocess
import threading
import time
from itertools import pairwise
from pathlib import Path
from typing import Final, NamedTuple

from examples.within import Within
from tests.engines.live_stream import LiveStream

_SAMPLE_SECONDS: Final = 1.0


class Phase(NamedTuple):
    """What was seen within a phase.

    Attributes:
        seconds: How long it took.
        worker_mib: The most memory (RSS) of the process that does the work.
        jvm_mib: The engine's.
        checkpoints: How many were completed.
        longest_gap: The longest time without a new one, in seconds.
    """

    seconds: float
    worker_mib: int
    jvm_mib: int
    checkpoints: int
    longest_gap: float


class Health(Within):
    """Watches a stream for as long as a `with` lasts.

    Args:
        stream: Which one.
    """

    def __init__(self, stream: LiveStream) -> None:
        self._stream = stream
        self._memory: list[tuple[float, int, int]] = []
        self._checkpoints: dict[Path, float] = {}
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def begin(self) -> None:
        """Begins to look."""
        self._thread.start()

    def end(self) -> None:
        """Looks no more."""
        self._ending.set()
        self._thread.join()

    def between(self, begun: float, ended: float) -> Phase:
        """What was seen between two moments of `time.monotonic()`."""
        memory = [each for each in list(self._memory) if begun <= each[0] < ended]
        moments = sorted(at for at in list(self._checkpoints.values()) if begun <= at < ended)
        borders = [begun, *moments, ended]
        return Phase(
            ended - begun,
            max(worker for _, worker, _ in memory) // 1024,
            max(jvm for _, _, jvm in memory) // 1024,
            len(moments),
            max(after - before for before, after in pairwise(borders)),
        )

    def _watch(self) -> None:
        while not self._ending.wait(_SAMPLE_SECONDS):
            now = time.monotonic()
            worker, jvm = map(resident_kib, self._stream.pids)
            self._memory.append((now, worker, jvm))
            # A folder is there before it is whole.
            for whole in self._stream.flink.checkpoints_folder.glob("*/chk-*/_metadata"):
                self._checkpoints.setdefault(whole, now)


def resident_kib(pid: int) -> int:
    """A process's resident memory; 0 where it is gone."""
    command = ["ps", "-o", "rss=", "-p", str(pid)]
    said = subprocess.run(command, capture_output=True, check=False, text=True).stdout  # noqa: S603 - of our own
    return int(said or 0)
