import signal
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from examples.demo.s3_server import S3Server

# A machine that is busy with something else is slow; that is no fault of the code.
settings.register_profile(
    "patient", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.load_profile("patient")


@pytest.fixture(scope="session", autouse=True)
def sigterm_ends_what_was_started() -> None:
    code = 128 + signal.SIGTERM
    signal.signal(signal.SIGTERM, lambda *_: pytest.exit("SIGTERM", code))


@pytest.fixture(scope="session")
def s3_server() -> Iterator[S3Server]:
    """A real S3 server; tests make buckets of their own on it."""
    with S3Server() as server:
        yield server
