"""A pipeline of another team's, which delivers each shop's orders to the shop's own bucket.

It reads and routes by itself and uses this project for one step only: `WriteToS3Destinations`.

    python -m examples.library.orders --orders='orders/*.csv' --config=shops.yaml --run_id=20261120
"""

import argparse
import csv
import json
import sys
from collections.abc import Sequence
from datetime import datetime

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.transforms.window import FixedWindows, TimestampedValue

from pipeline.configuration_file import load_configuration
from transforms import Configuration, WriteToS3Destinations, Written


def as_event(row: str) -> TimestampedValue:
    """A line `2026-11-20T10:00:00+00:00,shop,sku,price` as (destination's name, event), in time."""
    time, shop, sku, price = next(csv.reader([row]))
    order = {"type": "order", "time": time, "sku": sku, "price": float(price)}
    return TimestampedValue(
        (shop, json.dumps(order).encode()), datetime.fromisoformat(time).timestamp()
    )


def deliver(
    pipeline: beam.Pipeline, orders: str, configuration: Configuration, run: str
) -> Written:
    """The whole pipeline: the orders, in hours, each to its shop's bucket."""
    written: Written = (
        pipeline
        | "read" >> beam.io.ReadFromText(orders)
        | "as events" >> beam.Map(as_event)
        | "hours" >> beam.WindowInto(FixedWindows(3600))
        | "deliver" >> WriteToS3Destinations(configuration, run)
    )
    return written


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the pipeline and prints what was written."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    for name in ("--orders", "--config", "--run_id"):
        parser.add_argument(name, required=True)
    ours, beams = parser.parse_known_args(arguments)
    configuration = load_configuration(ours.config)
    with beam.Pipeline(options=PipelineOptions(beams)) as pipeline:
        written = deliver(pipeline, ours.orders, configuration, ours.run_id)
        written.receipts | "say where" >> beam.Map(lambda r: print(r.bucket, r.key, r.events))  # noqa: T201
        written.rejected | "say why" >> beam.Map(lambda r: print("rejected:", *r))  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1:])
