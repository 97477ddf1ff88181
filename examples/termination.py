"""Signals that end a program in the ordinary way, so that all it started ends too."""

import signal
import sys
from types import FrameType

_taken: list[signal.Signals] = []


def end_in_order(*signals: signal.Signals) -> None:
    """Makes signals end this program as an exception would, with 128 and their number as its code.

    Args:
        signals: Which, instead of SIGTERM.
    """
    for number in signals or (signal.SIGTERM,):
        _taken.append(number)
        signal.signal(number, _end)


def _end(number: int, _: FrameType | None) -> None:
    for each in _taken:
        signal.signal(each, signal.SIG_IGN)  # an impatient second one would leave something behind
    sys.exit(128 + number)
