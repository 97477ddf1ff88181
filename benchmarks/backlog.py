"""`python -m benchmarks.backlog`: a full topic, drained by the whole job on real engines.

A real broker, a real S3 server, and the command as a user runs it. Streams, and a range of offsets,
which ends by itself, take turns; in each round the reference loop takes the same events from a
file, for it is what CPU seconds are held against.
"""

import argparse
import shutil
import sys
import time
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory, mkdtemp
from typing import Final, NamedTuple

from rich.console import Console

from benchmarks.drain import GAP_SECONDS, Drain, Drained
from benchmarks.engines import EngineName, running
from benchmarks.events import WINDOW_SECONDS, WINDOWS, write_events
from benchmarks.measure import measure
from benchmarks.outputs import Content, total
from benchmarks.tables import machine, markdown_table, mebibytes
from examples.demo.s3_server import S3Server
from examples.engines.kafka_broker import KafkaBroker
from examples.termination import end_in_order
from transforms.envelope import EnvelopeDecoder
from transforms.parse import DEFAULT_TIME_FIELDS

PARTITIONS: Final = 4
MOST_OF_REFERENCE: Final = 1.6
_STARTUP_EVENTS: Final = 10
_TOPIC: Final = "backlog"
_POLL_EVERY: Final = 1000
_MARGIN_SECONDS: Final = 30


class Way(NamedTuple):
    """One way to drain it."""

    engine: EngineName
    ends: bool

    @property
    def name(self) -> str:
        """What the table and `--way` call it."""
        return f"{self.engine}-{'range' if self.ends else 'stream'}"

    @property
    def options(self) -> list[str]:
        """What is set; all else is the job's own default."""
        return ["--stop_offset=latest"] if self.ends else []


WAYS: Final = (Way("flink", ends=False), Way("flink", ends=True), Way("prism", ends=False))


def main(arguments: Sequence[str]) -> int:
    """Drains in all ways and prints the tables.

    Returns:
        1 where a job failed, did not end, or did not deliver every event once.
    """
    options, extra = _options(arguments)
    ways = [way for way in WAYS if options.way in (None, way.name)]
    screen = Console(highlight=False, soft_wrap=True, width=160)
    with TemporaryDirectory(prefix="s3-event-logs-backlog-") as name:
        bench = _Bench(Path(name), options.events)
        results: dict[Way, list[Drained]] = {way: [] for way in ways}
        loops: list[float] = []
        with S3Server() as server, KafkaBroker() as broker:
            bench.fill(broker)
            for _ in range(options.rounds):
                loops.append(bench.reference())
                for way in ways:
                    try:
                        results[way].append(bench.drain(way, server, broker, extra))
                    except RuntimeError as error:
                        screen.print(f"error: {way.name}: {error}", style="red", markup=False)
                        return 1
                    _say(way, results[way][-1], loops[-1], options.events)
    screen.print(machine(), markup=False)
    _show(screen, results, loops, options.events)
    return 0


class _Bench:
    def __init__(self, folder: Path, events: int) -> None:
        self._folder = folder
        self._events = events
        # All windows are over, and no event is late: the topic's times are those of the events.
        now = int(time.time()) - _MARGIN_SECONDS
        end = datetime.fromtimestamp(now - now % WINDOW_SECONDS, timezone.utc)
        start = end - timedelta(seconds=WINDOWS * WINDOW_SECONDS)
        for count in (events, _STARTUP_EVENTS):
            write_events(folder / f"{count}.ndjson", count, start=start)
        self._content = total(self._file)

    @property
    def _file(self) -> Path:
        return self._folder / f"{self._events}.ndjson"

    def fill(self, broker: KafkaBroker) -> None:
        """Produces all events, at their own times, to all partitions in turn."""
        broker.create_topic(_TOPIC, PARTITIONS)
        producer = broker.producer(
            queue_buffering_max_messages=10**7,
            queue_buffering_max_kbytes=128 * 1024,
        )
        decode = EnvelopeDecoder(DEFAULT_TIME_FIELDS).decode
        with self._file.open("rb") as file:
            for number, line in enumerate(file):
                event_time = decode(line).time
                millis = int(event_time.timestamp() * 1000) if event_time else 0
                while True:
                    try:
                        producer.produce(
                            _TOPIC,
                            line.rstrip(b"\n"),
                            partition=number % PARTITIONS,
                            timestamp=millis,
                        )
                        break
                    except BufferError:
                        producer.poll(0.1)
                if number % _POLL_EVERY == 0:
                    producer.poll(0)
        producer.flush(120)

    def reference(self) -> float:
        """The reference loop's CPU seconds, start-up left out."""
        seconds = []
        for count in (self._events, _STARTUP_EVENTS):
            output = self._folder / "output"
            source = self._folder / f"{count}.ndjson"
            seconds.append(measure("benchmarks.reference_loop", [source, output]).cpu)
            shutil.rmtree(output)
        return seconds[0] - seconds[1]

    def drain(
        self, way: Way, server: S3Server, broker: KafkaBroker, extra: Sequence[str]
    ) -> Drained:
        """One drain, its result checked.

        Raises:
            RuntimeError: The job failed, or did not deliver every event once.
        """
        folder = Path(mkdtemp(prefix=f"{way.name}-", dir=self._folder))
        lower = folder.rename(folder.with_name(folder.name.lower().replace("_", "x")))
        with running(way.engine) as engine:
            job = Drain(lower, server, broker, _TOPIC, self._events)
            drained = job.run(engine, [*way.options, *extra], ends=way.ends)
        _check(drained.content, self._content)
        return drained


def _check(found: Content, wanted: Content) -> None:
    if found != wanted:
        raise RuntimeError(f"{found.events:,} of {wanted.events:,} events, or others, delivered")


def _options(arguments: Sequence[str]) -> tuple[argparse.Namespace, list[str]]:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.backlog",
        description=__doc__,
        epilog="All else is given to the job.",
    )
    parser.add_argument("--events", type=int, default=1_000_000, help="how many (%(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="how many (%(default)s)")
    parser.add_argument("--way", choices=[way.name for way in WAYS], help="only this one")
    return parser.parse_known_args(arguments)


def _say(way: Way, drained: Drained, loop: float, events: int) -> None:
    cpu = {name: round(used.cpu * 1e6 / events, 1) for name, used in drained.usage.items()}
    print(  # noqa: T201 - how far it is
        f"{way.name}: read {drained.read:.1f} s, stored {drained.stored:.1f}, listed"
        f" {drained.listed:.1f}, ended {drained.ended}; CPU {cpu}, of the loop's"
        f" {drained.usage['job'].cpu / loop:.2f}; gaps {[round(gap, 1) for gap in drained.gaps]}",
        file=sys.stderr,
        flush=True,
    )


def _show(
    screen: Console, results: dict[Way, list[Drained]], loops: Sequence[float], events: int
) -> None:
    speed = markdown_table(
        "way", "read, events/s", "stored, events/s", "listed after s", "gaps s", "longest", "ended"
    )
    names = ("job", "engine", "broker", "S3 server")
    cpu = markdown_table("way", *names, "job, of the loop's", *(f"{name}, peak" for name in names))
    for way, rounds in results.items():
        ended = [each.ended for each in rounds if each.ended is not None]
        speed.add_row(
            way.name,
            f"{median(events / each.read for each in rounds):,.0f}",
            f"{median(events / each.stored for each in rounds):,.0f}",
            f"{median(each.listed for each in rounds):.1f}",
            f"{median(sum(each.gaps) for each in rounds):.1f}",
            f"{median(max(each.gaps, default=0) for each in rounds):.1f}",
            f"{median(ended):.1f} s" if ended else "",
        )
        used = {name: [each.usage[name] for each in rounds] for name in names}
        ratio = median(each.cpu / loop for each, loop in zip(used["job"], loops, strict=True))
        cpu.add_row(
            way.name,
            *(f"{median(each.cpu for each in used[name]) * 1e6 / events:.1f}" for name in names),
            f"{ratio:.2f}",
            *(mebibytes(median(each.peak for each in used[name])) for name in names),
        )
    screen.print(speed)
    screen.print("CPU seconds per million events, and peak:")
    screen.print(cpu)
    screen.print(f"reference loop: {median(loops) * 1e6 / events:.2f} CPU s per million")
    screen.print(f"gaps: between two blocks, longer than {GAP_SECONDS:.0f} s", markup=False)


if __name__ == "__main__":
    end_in_order()
    sys.exit(main(sys.argv[1:]))
