"""Engines for fixtures, and what happens where this machine lacks one.

A test that needs what is not installed, or cannot be fetched, is skipped and says why. Where the
environment has ENGINES=required, it fails instead.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import TypeVar

import pytest

from examples.engines.cache import MissingError

Thing = TypeVar("Thing")


def or_skip(get: Callable[[], Thing]) -> Thing:
    """What it gives, or the test is skipped."""
    try:
        return get()
    except MissingError as error:
        if os.environ.get("ENGINES") == "required":
            raise
        pytest.skip(str(error))


def running(new: Callable[[], AbstractContextManager[Thing]]) -> Iterator[Thing]:
    """What is new, entered, for a fixture to yield."""
    engine = or_skip(new)
    entered = or_skip(engine.__enter__)
    try:
        yield entered
    finally:
        engine.__exit__(None, None, None)
