"""This project's own graph, whole, on the in-process runner; folders stand in for buckets.

Nothing is left out: dead letters, tallies, receipts and the summary are written as in any run, and
pieces are spooled, as `run` has them on one machine.
"""

import sys
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

from benchmarks.events import DESTINATIONS
from benchmarks.measure import Figures, report
from pipeline.build import build
from pipeline.job import Job, Reading, mint_run
from transforms.configuration import Configuration
from transforms.folder import FolderStore
from transforms.match import match_files
from transforms.places import OpsPath, Place
from transforms.store import Folder, Store
from transforms.summarise import Summary, read_summary


def deliver(source: Path, folder: Path) -> Figures:
    """Delivers a file of events into one folder for each customer, below `folder`.

    Returns:
        The raw bytes that were delivered, and the bytes that pack handed to group.
    """
    with TemporaryDirectory(prefix="s3-event-logs-") as scratch:
        summary = _run(_job(source, folder, scratch), folder)
        packed = sum(file.stat().st_size for file in Path(scratch).glob("*.pieces"))
    imbalance = summary.imbalance()
    if imbalance is not None:
        raise RuntimeError(f"the sums do not add up: {imbalance}")
    raw = sum(delivery.raw_bytes for delivery in summary.deliveries.values())
    return {"raw_bytes": raw, "packed_bytes": packed}


def _job(source: Path, folder: Path, scratch: str) -> Job:
    files = tuple(match_files([str(source)]))
    return Job(
        configuration=_configuration(),
        files=files,
        reading=Reading(),
        run=mint_run(files, Reading()),
        # Beside the customers' folders, not among them.
        ops=OpsPath(Folder(str(folder.with_name(f"{folder.name}-ops")))),
        scratch=scratch,
    )


def _configuration() -> Configuration:
    connections = [
        {"name": name, "bucket": f"{name}-events", "region": "us-east-1"}
        for name in DESTINATIONS.values()
    ]
    destinations = [
        {"name": name, "connection": name, "prefix": "raw", "match": {"write_key": write_key}}
        for write_key, name in DESTINATIONS.items()
    ]
    return Configuration.model_validate({"connections": connections, "destinations": destinations})


def _run(job: Job, folder: Path) -> Summary:
    pipeline = beam.Pipeline(FnApiRunner(), options=PipelineOptions([]))
    build(pipeline, job, partial(open_folder, str(folder)))
    pipeline.run().wait_until_finish()
    return read_summary(f"{job.scratch}/summary.json")


def open_folder(root: str, place: Place) -> Store:
    """A folder named like the bucket, where a place is one."""
    folder = place if isinstance(place, Folder) else Folder(f"{root}/{place.bucket}")
    return FolderStore(folder)


if __name__ == "__main__":
    report(deliver(Path(sys.argv[1]), Path(sys.argv[2])))
