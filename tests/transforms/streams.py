"""A stream of blocks through the whole graph, on a runner that lets a test say what time it is.

The runner is Beam's in-process one for `TestStream`. It fires nothing when a window expires, so
that late events must be waited for; it calls no custom coder; and it stalls where the first pane of
one target is late while late events of another wait in the same window: let those come apart.
"""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.direct.direct_runner import BundleBasedDirectRunner
from apache_beam.testing.test_pipeline import TestPipeline
from apache_beam.testing.test_stream import TestStream
from apache_beam.transforms.window import TimestampedValue

from pipeline.build import build
from pipeline.job import Job, Reading
from tests.recording import open_recording, recording
from tests.small_job import customers, manifests, ops_lines
from transforms.configuration import Configuration
from transforms.places import OpsPath
from transforms.records import Block
from transforms.store import Folder
from transforms.targets import shard_of
from transforms.window import (
    DEFAULT_ALLOWED_LATENESS_SECONDS,
    DEFAULT_LATE_FIRING_DELAY_SECONDS,
)

TEN = 1_795_168_800  # 2026-11-20T10:00:00Z, where a window begins
CLOSED = TEN + 601  # a second after its end: at its end, this runner still takes events as on time
EXPIRED = TEN + 600 + DEFAULT_ALLOWED_LATENESS_SECONDS
SOURCE = "clicks[3]"
AHEAD = -1

CONFIGURATION = Configuration.model_validate(
    {
        "connections": [
            {"name": "acme", "bucket": "acme-bucket", "region": "us-east-1"},
            {"name": "beta", "bucket": "beta-bucket", "region": "eu-west-1"},
        ],
        "destinations": [
            {
                "name": "acme-web",
                "connection": "acme",
                "prefix": "logs",
                "match": {"write_key": ["a", "both"]},
            },
            {
                "name": "beta-all",
                "connection": "beta",
                "match": {"write_key": ["b", "both"]},
                "compression": "none",
                "layout": "hive",
                "shards": 2,
            },
        ],
    }
)

Objects = dict[tuple[str, str], bytes]
"""By bucket and key, all that was put, in the order of the puts."""


def event(write_key: str, number: int, time: int | None = TEN) -> bytes:
    if time is None:
        return b'{"writeKey":"%s","n":%d}' % (write_key.encode(), number)
    said = dt.datetime.fromtimestamp(time, dt.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    return b'{"writeKey":"%s","receivedAt":"%s","n":%d}' % (
        write_key.encode(),
        said.encode(),
        number,
    )


def aligned(shard: int, shards: int = 2) -> int:
    """An aligned source position whose block belongs to a shard."""
    return next(start for start in range(99) if shard_of(SOURCE, start, shards) == shard)


class Stream:
    """What a source gives, and how far its watermark and the clock have come, in order."""

    def __init__(self) -> None:
        # Where the clock stands before the events' times, this runner takes any pane for early.
        stream = TestStream().advance_processing_time(TEN + 10**8)
        self._stream = stream.advance_watermark_to(TEN)
        self._watermark = TEN
        self._records = 0

    def block(self, *lines: bytes, record_time: int | None = AHEAD, start: int = 0) -> "Stream":
        """Reads a block whose records are a minute ahead of the watermark, or as new as is said."""
        first = self._records
        self._records += len(lines)
        positions = range(first, self._records)
        time = self._watermark + 60 if record_time == AHEAD else record_time
        block = Block(SOURCE, start, list(lines), first, time, positions, self._watermark)
        self._stream.add_elements([TimestampedValue(block, self._watermark)])
        return self

    def saved(self, path: Path, text: str | None) -> "Stream":
        """Somebody saves a file, or removes it, before the stream goes on."""
        self._stream.add_elements([TimestampedValue(_Saved(str(path), text), self._watermark)])
        return self

    def watermark(self, seconds: int) -> "Stream":
        self._stream.advance_watermark_to(seconds)
        self._watermark = seconds
        return self

    def wait(self, seconds: int = DEFAULT_LATE_FIRING_DELAY_SECONDS + 1) -> "Stream":
        self._stream.advance_processing_time(seconds)
        return self

    def through(self, job: Job) -> Objects:
        """All objects that the job puts, the operator's own too, in the order of their puts."""
        stream = self.wait().wait()._stream.advance_watermark_to_infinity()  # noqa: SLF001 - `wait` gives itself
        with pytest.MonkeyPatch.context() as patch, recording() as recorded:
            patch.setattr("pipeline.build.Read", lambda *_: _Given(stream))
            with TestPipeline(
                BundleBasedDirectRunner(), PipelineOptions(["--streaming"])
            ) as pipeline:
                build(pipeline, job, open_recording)
            return recorded.objects()


class _Given(beam.PTransform):
    def __init__(self, stream: TestStream) -> None:
        super().__init__()
        self._stream = stream

    def expand(self, begin: beam.pvalue.PBegin) -> beam.PCollection[Block]:
        return begin | self._stream | beam.ParDo(_SaveFiles()).with_output_types(Block)


class _Saved(NamedTuple):
    path: str
    text: str | None


class _SaveFiles(beam.DoFn):
    def process(self, given: "Block | _Saved") -> Iterator[Block]:
        if isinstance(given, Block):
            yield given
        elif given.text is None:
            Path(given.path).unlink()
        else:
            Path(given.path).write_text(given.text)


def job_of(configuration: Configuration = CONFIGURATION) -> Job:
    return Job(configuration, (), Reading(), "abcd2345", OpsPath(Folder("/ops")))


def contents(objects: Objects) -> dict[str, list[bytes]]:
    """By URL, the lines of each customer's object."""
    return {
        f"s3://{bucket}/{key}": body.splitlines()
        for (bucket, key), body in customers(objects).items()
    }


def listed(objects: Objects) -> dict[str, list[str]]:
    """By URL, what each manifest lists; fails unless all objects are listed, and once each."""
    by_manifest = {
        f"s3://{bucket}/{key}": [each["url"] for each in manifest["objects"]]
        for (bucket, key), manifest in manifests(objects).items()
    }
    all_listed = [url for urls in by_manifest.values() for url in urls]
    assert sorted(all_listed) == sorted(contents(objects))
    return by_manifest


def sums(objects: Objects) -> dict[str, int]:
    """The run's sums from its tallies and receipts; fails where they do not add up."""
    tallies: list[dict[str, Any]] = ops_lines(objects, "tallies")
    total = {
        name: sum(tally[name] for tally in tallies)
        for name in ("read", "matched", "unmatched", "opted_out")
    }
    total["dead_letters"] = sum(sum(tally["dead_letters"].values()) for tally in tallies)
    total["pairs"] = sum(sum(tally["pairs"].values()) for tally in tallies)
    receipts: list[dict[str, Any]] = ops_lines(objects, "receipts")
    for status in ("delivered", "parked"):
        total[status] = sum(each["events"] for each in receipts if each["status"] == status)
    assert total["read"] == (
        total["matched"] + total["unmatched"] + total["opted_out"] + total["dead_letters"]
    )
    assert total["dead_letters"] == len(ops_lines(objects, "dead_letters"))
    assert total["pairs"] == total["delivered"] + total["parked"]
    delivered = {(r["bucket"], r["key"]) for r in receipts if r["status"] == "delivered"}
    assert delivered == {place for place in objects if place[0] != "/ops"}
    return total
