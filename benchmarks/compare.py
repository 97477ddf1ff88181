"""Runs the programs in turn, round after round, and checks what they delivered."""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Final, NamedTuple

from benchmarks.events import write_events
from benchmarks.measure import Run, measure
from benchmarks.outputs import delivered, total

STARTUP_EVENTS: Final = 10
"""Few enough to cost nothing next to the start of a program, which they stand for."""

Announce = Callable[[str], None]


class Program(NamedTuple):
    """A program to be measured.

    Attributes:
        name: What the table calls it.
        module: What is run, with the input and a folder for the output.
        share: The part of the events that it is given; a slow one gets fewer.
    """

    name: str
    module: str
    share: float = 1.0


REFERENCE: Final = Program("reference loop", "benchmarks.reference_loop")
PIPELINE: Final = Program("this pipeline", "benchmarks.this_pipeline")
FILE_SINK: Final = Program("fileio.WriteToFiles", "benchmarks.write_to_files", 0.2)
PROGRAMS: Final = (REFERENCE, PIPELINE, FILE_SINK)

PARTS: Final = ("split", "decode", "deflate")
_PARTS_MODULE: Final = "benchmarks.parts"


class Result(NamedTuple):
    """What a program's rounds came to.

    Attributes:
        events: How many it was given in each.
        runs: On those.
        startups: On `STARTUP_EVENTS` events, each next to the run of its round.
    """

    events: int
    runs: list[Run]
    startups: list[Run]

    @property
    def seconds(self) -> list[float]:
        """CPU seconds for an event, start-up left out, by round."""
        pairs = zip(self.runs, self.startups, strict=True)
        return [(run.cpu - startup.cpu) / self.events for run, startup in pairs]

    @property
    def wall(self) -> float:
        """Seconds from start to end; the median."""
        return median(run.wall for run in self.runs)

    @property
    def peak(self) -> float:
        """The largest resident set in bytes; the median."""
        return median(run.peak for run in self.runs)


class Comparison(NamedTuple):
    """Results by program, and by part of the loop its CPU seconds for an event in each round."""

    results: dict[Program, Result]
    parts: dict[str, list[float]]


def compare(folder: Path, events: int, rounds: int, announce: Announce) -> Comparison:
    """Measures all programs, interleaved, so that a busy machine is busy for each of them.

    Args:
        folder: An empty folder; files of events are made in it, and outputs, which are removed.
        events: How many events there are for a program with a share of 1.
        rounds: How many times each is run.
        announce: Told what is being done.

    Raises:
        RuntimeError: A program failed, or did not deliver every event once.
    """
    announce("writing the events")
    startup_input = _input(folder, STARTUP_EVENTS)
    inputs = {each: _input(folder, round(events * each.share)) for each in PROGRAMS}
    results = {each: Result(round(events * each.share), [], []) for each in PROGRAMS}
    parts: list[Run] = []
    for number in range(rounds):
        for program in PROGRAMS:
            announce(f"round {number + 1} of {rounds}: {program.name}")
            results[program].startups.append(_run(program, startup_input, folder))
            results[program].runs.append(_run(program, inputs[program], folder))
        announce(f"round {number + 1} of {rounds}: {', '.join(PARTS)} alone")
        parts.append(measure(_PARTS_MODULE, [inputs[REFERENCE]]))
    alone = {part: [run.figures[part] / events for run in parts] for part in PARTS}
    return Comparison(results, alone)


def grow(folder: Path, sizes: Sequence[int], announce: Announce) -> list[Result]:
    """Measures this pipeline once on each number of events, of which none is few."""
    results = []
    for events in sizes:
        announce(f"{events:,} events")
        run = _run(PIPELINE, _input(folder, events), folder)
        results.append(Result(events, [run], []))
    return results


def _input(folder: Path, events: int) -> Path:
    path = folder / f"{events}.ndjson"
    if not path.exists():
        write_events(path, events)
    return path


def _run(program: Program, source: Path, folder: Path) -> Run:
    output = folder / "output" / "customers"
    run = measure(program.module, [source, output])
    contents = delivered(output).values()
    found = sum(each.events for each in contents), sum(each.check for each in contents)
    shutil.rmtree(output.parent)
    if found != total(source):
        raise RuntimeError(f"{program.name} did not deliver every event of {source.name} once")
    return run
