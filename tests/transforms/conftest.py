from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.parking import Buckets, Ops
from tests.transforms.redrives import Redrives


@pytest.fixture
def ops(tmp_path: Path) -> Ops:
    return Ops(tmp_path / "ops")


@pytest.fixture
def buckets() -> Iterator[Buckets]:
    made = Buckets()
    yield made
    made.go.set()


@pytest.fixture
def redrive(ops: Ops, buckets: Buckets) -> Redrives:
    return Redrives(ops, buckets)
