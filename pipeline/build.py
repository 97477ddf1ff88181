"""The graph, on one screen.

read → parse → route → pack → window → group → assemble → put → receipt → manifest.

Between the source and the shuffle there are blocks, never single events. What is shuffled are
pieces, deflated, keyed by all that decides an object's key. The operator's own records (dead
letters, tallies, receipts) become pieces too, and go the same way into the ops path.
"""

import apache_beam as beam
from apache_beam.utils.shared import Shared

from pipeline.job import Job
from transforms import ops
from transforms.assemble import Assemble
from transforms.edition import Editions
from transforms.kafka.source import ReadKafka
from transforms.manifest import ManifestPanes
from transforms.pack import Pack
from transforms.parse import Parse
from transforms.places import StoreOpener, open_store
from transforms.put import Put
from transforms.quiet import QuietWindows
from transforms.quiet_stream import QuietStream
from transforms.read import Read
from transforms.receipts import AllReceipts
from transforms.route import Route
from transforms.stable import stable
from transforms.summarise import Summarise
from transforms.window import WindowByEventTime


def build(pipeline: beam.Pipeline, job: Job, opener: StoreOpener = open_store) -> None:
    """Adds a job's whole graph to a pipeline."""
    reading, editions, circuits = job.reading, job.editions(), Shared()
    seconds, lateness = reading.window_seconds, job.streaming.lateness
    late_seconds, receipts_late_seconds = job.windows_kept_seconds, job.receipts_kept_seconds
    gathered_seconds = job.late_firing_delay_seconds
    packed = (
        pipeline
        | "read" >> _read(job)
        | "parse" >> Parse(reading.time_fields, reading.max_event_bytes)
        | "route" >> Route(editions, reading.unmatched)
        | "pack" >> Pack(seconds, job.scratch, lateness, reading.span)
    )
    dead_letters = packed.dead_letters | "pack dead letters" >> ops.PackForOps(
        ops.pack_dead_letters, job.ops_target(ops.DEAD_LETTERS), job.scratch
    )
    tallies = packed.tallies | "pack tallies" >> ops.PackForOps(
        ops.pack_tally, job.ops_target(ops.TALLIES), job.scratch
    )

    # One sink, one path: what is ours is put by the code that delivers what is the customers'.
    def put() -> beam.PTransform:
        put = Put(editions, opener, job.ops, job.put_deadline_seconds, circuits)
        return stable(job.stable_input, put)

    settled = (
        (packed.pieces, dead_letters, tallies)
        | "all pieces" >> beam.Flatten()
        | "window" >> WindowByEventTime(seconds, late_seconds, gathered_seconds)
        | "group" >> beam.GroupByKey()
        | "assemble" >> Assemble()
        | "put" >> put()
        | "customers' receipts" >> beam.Filter(ops.is_for_a_customer)
    )
    # A manifest follows when its window has closed and all objects of the pane are settled.
    quiet = _quiet(job, editions, packed.pieces)
    listed = (
        (settled, quiet)
        | "manifest" >> ManifestPanes(editions, seconds, receipts_late_seconds, job.guarantee)
        | "put manifests" >> put()
    )
    receipts = (settled, listed) | "receipts" >> AllReceipts(seconds, receipts_late_seconds)
    (
        receipts
        | "pack receipts"
        >> ops.PackForOps(ops.pack_receipt, job.ops_target(ops.RECEIPTS), job.scratch)
        | "group receipts" >> beam.GroupByKey()
        | "assemble receipts" >> Assemble()
        | "put receipts" >> put()
    )
    if job.summary_path is not None:
        (packed.tallies, receipts) | "summarise" >> Summarise(job.summary_path)


def _read(job: Job) -> beam.PTransform:
    if job.kafka is None:
        return Read(job.files, job.reading.block_bytes, job.reading.avro_field)
    return ReadKafka(job.kafka.settings, job.kafka.partitions, job.run, job.kafka.missing, job.pace)


def _quiet(job: Job, editions: Editions, pieces: beam.PCollection) -> beam.PCollection:
    seconds = job.reading.window_seconds
    if job.is_stream:
        return pieces.pipeline | "quiet" >> QuietStream(editions, job.run, seconds)
    return pieces | "quiet" >> QuietWindows(job.edition.always_listed, seconds)
