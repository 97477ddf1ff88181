"""A steady rate, whatever the clock of a busy machine does in between."""

import threading
import time
from collections.abc import Iterator
from typing import Final

_TICK_SECONDS: Final = 0.05


def paced(rate: int, stopping: threading.Event) -> Iterator[int]:
    """How many are due in all by now, again and again until it is to stop.

    Args:
        rate: How many a second.
        stopping: Set where it is to stop.
    """
    begun = time.monotonic()
    while not stopping.is_set():
        yield int((time.monotonic() - begun) * rate)
        stopping.wait(_TICK_SECONDS)
