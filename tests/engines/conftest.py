"""The engines, started once for all tests, and what happens where this machine lacks one.

A test that needs what is not installed, or cannot be fetched, is skipped and says why. Where the
environment has ENGINES=required, it fails instead.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import TypeVar

import pytest

from examples.engines.cache import MissingError
from examples.engines.flink_embedded import FlinkEmbedded
from examples.engines.kafka_broker import KafkaBroker
from examples.engines.prism import Prism
from tests.engines.flink_cluster import FlinkCluster

Engine = TypeVar("Engine")


def _running(new: Callable[[], AbstractContextManager[Engine]]) -> Iterator[Engine]:
    try:
        engine = new()
        entered = engine.__enter__()
    except MissingError as error:
        if os.environ.get("ENGINES") == "required":
            raise
        pytest.skip(str(error))
    try:
        yield entered
    finally:
        engine.__exit__(None, None, None)


@pytest.fixture(scope="session")
def broker() -> Iterator[KafkaBroker]:
    yield from _running(KafkaBroker)


@pytest.fixture
def another_broker() -> Iterator[KafkaBroker]:
    """A broker of the test's own, which it may kill."""
    yield from _running(KafkaBroker)


@pytest.fixture(scope="session")
def prism() -> Iterator[Prism]:
    yield from _running(Prism)


@pytest.fixture(scope="session")
def flink_embedded() -> Iterator[FlinkEmbedded]:
    yield from _running(FlinkEmbedded)


@pytest.fixture(scope="session")
def flink_cluster() -> Iterator[FlinkCluster]:
    yield from _running(FlinkCluster)


@pytest.fixture
def cluster(flink_cluster: FlinkCluster) -> Iterator[FlinkCluster]:
    """A test may kill its parts and leave jobs: both are mended behind it."""
    yield flink_cluster
    flink_cluster.make_whole()
