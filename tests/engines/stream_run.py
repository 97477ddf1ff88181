"""Records in a real topic, the small stream over them, and what it delivered."""

import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from examples.engines.kafka_broker import KafkaBroker
from examples.engines.process import Process

_ROOT = Path(__file__).parents[2]


class StreamRun:
    """A topic of its own and the folder that `small_stream` writes into.

    Args:
        broker: Where the topic is made.
        folder: For what is delivered, and for what the submitting programs say.
        partitions: How many the topic has.
    """

    def __init__(self, broker: KafkaBroker, folder: Path, partitions: int = 2) -> None:
        self.name = folder.name
        self.fed = 0
        self._broker = broker
        self._topic = broker.create_topic(self.name, partitions)
        self._partitions = partitions
        self._folder = folder
        self._output = folder / "delivered"
        self._output.mkdir()
        self._programs: list[Process] = []

    def feed(self, count: int) -> None:
        """Produces so many more records, of the last second."""
        producer = self._broker.producer()
        start = int(time.time() * 1000) - 1000
        for number in range(count):
            producer.produce(
                self._topic,
                b'{"n":%d}' % (self.fed + number),
                partition=number % self._partitions,
                timestamp=start + number * 1000 // count,
            )
        producer.flush(30)
        self.fed += count

    def submit(self, options: Sequence[str]) -> Process:
        """Starts the program that submits it; its name is the job's."""
        command = [
            *(sys.executable, "-m", "tests.engines.small_stream"),
            f"--servers={self._broker.address}",
            f"--topic={self._topic}",
            f"--output={self._output}",
            f"--job_name={self.name}",
        ]
        program = Process([*command, *options], self._folder / "program.log", _ROOT)
        self._programs.append(program)
        return program

    def delivered(self) -> Counter[int]:
        """The number of each delivered record, and how often it was."""
        files = [path for path in self._output.iterdir() if not path.name.startswith(".")]
        lines = (line for path in files for line in path.read_bytes().splitlines())
        return Counter(int(line[5:-1]) for line in lines)

    def await_all(self, seconds: float = 60) -> None:
        """Waits until all that was fed is delivered.

        Raises:
            AssertionError: It was not, in time.
        """
        deadline = time.monotonic() + seconds
        while len(found := self.delivered()) < self.fed:
            words = f"{len(found)} of {self.fed} came:\n{self.said()[-3000:]}"
            assert time.monotonic() < deadline, words
            time.sleep(0.2)

    def said(self) -> str:
        """What the programs said."""
        path = self._folder / "program.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def close(self) -> None:
        """Ends the programs hard."""
        for program in self._programs:
            program.kill()
