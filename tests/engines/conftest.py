"""The engines, started once for all tests, and what happens where this machine lacks one.

A test that needs what is not installed, or cannot be fetched, is skipped and says why. Where the
environment has ENGINES=required, it fails instead.
"""

import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import TypeVar

import pytest

from examples.engines.cache import MissingError
from examples.engines.flink_embedded import FlinkEmbedded
from examples.engines.kafka_broker import KafkaBroker
from examples.engines.prism import prism_binary
from transforms.kafka.pool import readers
from transforms.kafka.settings import KafkaSettings

Thing = TypeVar("Thing")


def _or_skip(get: Callable[[], Thing]) -> Thing:
    try:
        return get()
    except MissingError as error:
        if os.environ.get("ENGINES") == "required":
            raise
        pytest.skip(str(error))


def _running(new: Callable[[], AbstractContextManager[Thing]]) -> Iterator[Thing]:
    engine = _or_skip(new)
    entered = _or_skip(engine.__enter__)
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
def prism_location() -> str:
    """The binary: a runner starts one of its own for each job."""
    return str(_or_skip(prism_binary))


@pytest.fixture
def flink_embedded() -> Iterator[FlinkEmbedded]:
    """A test's own: it goes on trying jobs whose client is gone, and disturbs who comes next."""
    yield from _running(FlinkEmbedded)


@pytest.fixture(scope="module")
def no_reader_is_left() -> Iterator[None]:
    """Ends what the source keeps open between readings."""
    yield
    readers.close()


@pytest.fixture
def topic(broker: KafkaBroker) -> str:
    return broker.create_topic(f"clicks-{uuid.uuid4().hex[:8]}")


@pytest.fixture
def settings(broker: KafkaBroker) -> KafkaSettings:
    return KafkaSettings(broker.address)
