"""Ctrl-C and SIGTERM, which end a command in order."""

import signal
import threading
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing_extensions import Self  # typing has it from Python 3.11 on


class Interrupts:
    """Raises `KeyboardInterrupt` for both, while its block runs.

    Attributes:
        heard: Whether one came; Beam hides the exception in an error of its own.
    """

    heard = False

    def __enter__(self) -> "Self":
        """Takes both signals."""
        signals = (signal.SIGINT, signal.SIGTERM)
        self._before = {number: signal.signal(number, self._hear) for number in signals}
        self._hook = threading.excepthook
        return self

    def __exit__(self, *_: object) -> None:
        """Gives them back."""
        for number, handler in self._before.items():
            signal.signal(number, handler)
        threading.excepthook = self._hook

    def _hear(self, _number: int, _frame: FrameType | None) -> None:
        self.heard = True
        # An engine that ends, too, breaks off what Beam's threads wait for.
        threading.excepthook = lambda _: None
        raise KeyboardInterrupt
