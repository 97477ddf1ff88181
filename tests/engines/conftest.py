"""The engines, started once for all tests."""

import uuid
from collections.abc import Iterator

import pytest

from examples.engines.flink_embedded import FlinkEmbedded
from examples.engines.kafka_broker import KafkaBroker
from examples.engines.prism import prism_binary
from tests.engines.started import or_skip, running
from transforms.kafka.pool import readers
from transforms.kafka.settings import KafkaSettings


@pytest.fixture(scope="session")
def broker() -> Iterator[KafkaBroker]:
    yield from running(KafkaBroker)


@pytest.fixture
def another_broker() -> Iterator[KafkaBroker]:
    """A broker of the test's own, which it may kill."""
    yield from running(KafkaBroker)


@pytest.fixture(scope="session")
def prism_location() -> str:
    """The binary: a runner starts one of its own for each job."""
    return str(or_skip(prism_binary))


@pytest.fixture
def flink_embedded() -> Iterator[FlinkEmbedded]:
    """A test's own: it goes on trying jobs whose client is gone, and disturbs who comes next."""
    yield from running(FlinkEmbedded)


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
