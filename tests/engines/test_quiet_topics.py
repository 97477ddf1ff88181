"""Partitions without records, and a topic that falls quiet: nobody waits for what does not come."""

import time
from pathlib import Path
from statistics import median
from typing import Final

from examples.demo.s3_server import S3Server
from examples.engines.kafka_broker import KafkaBroker
from tests.engines.left import check_law
from tests.engines.live_stream import BEGIN_SECONDS, WINDOW_SECONDS, LiveStream
from tests.engines.steady import Steady

OUT_OF_ORDERNESS: Final = 2
RATE: Final = 200
_BUSY_PARTITIONS: Final = 1  # of four
_BUSY_SECONDS: Final = 4 * WINDOW_SECONDS
_FEW_SECONDS: Final = 20
"""For a pause of the source, a checkpoint before the put, and a machine that is busy."""


def test_windows_wait_neither_for_idle_partitions_nor_for_a_record_after_the_last(
    s3_server: S3Server, broker: KafkaBroker, tmp_path: Path
) -> None:
    options = [f"--max_out_of_orderness={OUT_OF_ORDERNESS}s"]
    with LiveStream(s3_server, broker, tmp_path, "quiet", *options) as stream:
        with Steady(broker.producer(), stream.topic, _BUSY_PARTITIONS, RATE) as steady:
            stream.await_puts("quiet-alpha", BEGIN_SECONDS)
            begun = time.time()
            time.sleep(_BUSY_SECONDS)
        ended = time.time()
        left = stream.await_all(steady, OUT_OF_ORDERNESS + WINDOW_SECONDS + _FEW_SECONDS)
        lags = stream.lags("quiet-alpha")
        busy = [lag for end, lag in lags.items() if begun <= end < ended]
        assert len(busy) >= _BUSY_SECONDS // WINDOW_SECONDS - 1, lags
        assert median(busy) < OUT_OF_ORDERNESS + _FEW_SECONDS, lags
        check_law(left, steady)
