"""Ctrl-C and SIGTERM, which end a command in order."""

import signal
import threading
from types import FrameType
from typing import TYPE_CHECKING

import grpc

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
        self._hook, threading.excepthook = threading.excepthook, self._thread_failed
        return self

    def __exit__(self, *_: object) -> None:
        """Gives them back."""
        for number, handler in self._before.items():
            signal.signal(number, handler)
        threading.excepthook = self._hook

    def _hear(self, _number: int, _frame: FrameType | None) -> None:
        self.heard = True
        raise KeyboardInterrupt

    def _thread_failed(self, failed: threading.ExceptHookArgs) -> None:
        # Of an engine that is gone, the main thread speaks. Beam ends its own before we hear of it.
        if not (self.heard or isinstance(failed.exc_value, grpc.RpcError)):
            self._hook(failed)
