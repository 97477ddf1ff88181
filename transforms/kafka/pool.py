"""The paused readers of a process, each kept for whoever reads its partition next.

A source pauses every second or so: a client that was made anew each time would lose its connections
and what it had fetched ahead.
"""

import atexit
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from transforms.kafka.consumers import PartitionReader, Place
from transforms.kafka.errors import KafkaReadError

_UNUSED_SECONDS: Final = 60.0


class Readers:
    """The readers of this process that are paused."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._paused: dict[Place, tuple[PartitionReader, float]] = {}

    @contextmanager
    def reader(self, place: Place, offset: int) -> Iterator[PartitionReader]:
        """A reader that stands at an offset, for the time of a `with`.

        After an error it is closed; else it is kept, for a minute if nobody asks for it.
        """
        reader = self._take(place)
        if reader is None:
            reader = PartitionReader(place, offset)
        elif reader.next != offset:
            reader.seek(offset)
        try:
            yield reader
        except KafkaReadError:
            reader.close()
            raise
        except BaseException:
            self._keep(reader)
            raise
        self._keep(reader)

    def close(self) -> None:
        """Closes all of them."""
        with self._lock:
            paused, self._paused = self._paused, {}
        for reader, _ in paused.values():
            reader.close()

    def _take(self, place: Place) -> PartitionReader | None:
        now = time.monotonic()
        with self._lock:
            taken, _ = self._paused.pop(place, (None, now))
            old = [key for key, (_, at) in self._paused.items() if now - at > _UNUSED_SECONDS]
            unused = [self._paused.pop(key)[0] for key in old]
        for reader in unused:
            reader.close()
        return taken

    def _keep(self, reader: PartitionReader) -> None:
        with self._lock:
            before, _ = self._paused.get(reader.place, (None, 0.0))
            self._paused[reader.place] = reader, time.monotonic()
        if before is not None:
            before.close()


readers: Final = Readers()
atexit.register(readers.close)
