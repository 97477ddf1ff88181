"""Click-stream events as a platform's collectors write them, about 850 bytes each.

The same number and seed give the same bytes. What each destination must get is known from what an
event was made of; it is not read back from the lines.
"""

import gzip
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from datetime import datetime, timedelta, timezone
from itertools import count, islice
from pathlib import Path
from random import Random
from typing import IO, Final, NamedTuple, cast
from uuid import UUID

from examples.demo.expected import Expected
from examples.demo.senders import Facts, Sender, make_senders

_START: Final = datetime(2026, 11, 20, 9, 58, 20, tzinfo=timezone.utc)
_SPAN_SECONDS: Final = 65 * 60
_JITTER_SECONDS: Final = 2.0
_LATE_SHARE: Final = 0.01
_LATE_SECONDS: Final = 15 * 60  # a client that was offline sends what it kept
_SENDING_SECONDS: Final = 4.0
_MARGIN_SECONDS: Final = 60  # far more than jitter and sending ever take

_VISITORS: Final = 4000

# Every n-th line is a special one. The numbers are coprime to each other and to that of the files,
# so that each file has each kind.
_MALFORMED_EVERY: Final = 499
_OPTED_OUT_EVERY: Final = 331
_BLANK_EVERY: Final = 997

_FILES: Final = ("collector-1.ndjson", "collector-2.ndjson", "collector-3.ndjson.gz")


class Line(NamedTuple):
    """A line without its line feed, and the destinations that must get it."""

    content: bytes
    destinations: tuple[str, ...]


def generate(folder: Path, events: int, seed: int) -> Expected:
    """Writes three files into `folder`, one of them compressed.

    Args:
        folder: An existing folder.
        events: How many lines that are not blank, malformed ones among them.
        seed: Decides all of their content.

    Returns:
        What is to become of the lines.
    """
    expected = Expected(files=tuple(folder / name for name in _FILES))
    rng = Random(seed)  # noqa: S311 -- repeatable, not secret
    senders = make_senders(rng)
    lines = islice(make_lines(rng, senders, _Facts(rng, events).draw, expected), events)
    with ExitStack() as stack:
        files = [_open(path, stack) for path in expected.files]
        for index, line in enumerate(lines):
            blank = index % _BLANK_EVERY == _BLANK_EVERY - 1
            written = line.content + (b"\n\n" if blank else b"\n")
            files[index % len(files)].write(written)
            expected.blank += blank
            expected.raw_bytes += len(written)
    return expected


def _open(path: Path, stack: ExitStack) -> IO[bytes]:
    file = stack.enter_context(path.open("wb"))
    if path.suffix != ".gz":
        return file
    # Neither the file's name nor the time of day goes in: the bytes are the seed's alone.
    packed = stack.enter_context(gzip.GzipFile("", "wb", 1, file, mtime=0))
    return cast("IO[bytes]", packed)


def make_lines(
    rng: Random, senders: Sequence[Sender], draw: Callable[[int], Facts], expected: Expected
) -> Iterator[Line]:
    """Lines without end.

    Args:
        rng: Decides who sends what.
        senders: Who may.
        draw: Gives the n-th line what is its own.
        expected: What is to become of each line is counted here before it is given out.
    """
    for line in _lines(rng, senders, draw, expected):
        expected.read += 1
        for destination in line.destinations:
            expected.deliveries[destination].add(line.content)
        yield line


def _lines(
    rng: Random, senders: Sequence[Sender], draw: Callable[[int], Facts], expected: Expected
) -> Iterator[Line]:
    shares = [sender.share for sender in senders]
    known = [sender for sender in senders if any(names for _, names in sender.bodies)]
    for index in count():
        if index % _MALFORMED_EVERY == _MALFORMED_EVERY // 2:
            line = _event(rng, known[0], draw(index), opted_out=False)
            expected.malformed += 1
            yield Line(rng.choice(_MALFORMATIONS)(line.content), ())
        elif index % _OPTED_OUT_EVERY == _OPTED_OUT_EVERY // 2:
            expected.opted_out += 1
            yield _event(rng, rng.choice(known), draw(index), opted_out=True)
        else:
            (sender,) = rng.choices(senders, shares)
            line = _event(rng, sender, draw(index), opted_out=False)
            expected.matched += bool(line.destinations)
            expected.unmatched += not line.destinations
            yield line


def _event(rng: Random, sender: Sender, facts: Facts, *, opted_out: bool) -> Line:
    context = sender.contexts[int(rng.random() * len(sender.contexts))]
    body, destinations = sender.bodies[int(rng.random() * len(sender.bodies))]
    if opted_out:
        facts = facts._replace(integrations=sender.opted_out)
        destinations = ()
    line = sender.write(sender.write_key, facts, context, body.members)
    return Line(line.encode(), destinations)


_MALFORMATIONS: Final[tuple[Callable[[bytes], bytes], ...]] = (
    lambda line: line[: len(line) // 2],
    lambda line: line[:2] + b"\xff\xfe" + line[2:],
    lambda line: line[:-1] + b',"revenue":NaN}',
    lambda line: b"[" + line + b"]",
    lambda _: b"503 Service Unavailable",
)


class _Facts:
    """Draws what is an event's own: its sender's names and the three times of its way."""

    def __init__(self, rng: Random, events: int) -> None:
        self._rng = rng
        self._step = _SPAN_SECONDS / max(events, 1)
        self._visitors = [
            (str(UUID(int=rng.getrandbits(128))), f'"user-{n}"' if n % 3 == 0 else "null")
            for n in range(_VISITORS)
        ]
        # Rendering a time costs as much as all else: each second is rendered once.
        self._before = _LATE_SECONDS + _MARGIN_SECONDS
        first = _START - timedelta(seconds=self._before)
        self._seconds = [
            f"{first + timedelta(seconds=second):%Y-%m-%dT%H:%M:%S}"
            for second in range(self._before + _SPAN_SECONDS + _MARGIN_SECONDS)
        ]

    def draw(self, index: int) -> Facts:
        """The facts of the event at `index`."""
        draw = self._rng.random
        received = index * self._step + _JITTER_SECONDS * draw()
        sent = received - 0.4 * draw()
        waited = _LATE_SECONDS if draw() < _LATE_SHARE else _SENDING_SECONDS
        visitor, user = self._visitors[int(_VISITORS * draw() * draw())]
        return Facts(
            message=f"{self._rng.getrandbits(128):032x}",
            visitor=visitor,
            user=user,
            happened=self._time(sent - waited * draw()),
            sent=self._time(sent),
            received=self._time(received),
            integrations="{}",
        )

    def _time(self, seconds: float) -> str:
        milliseconds = int((seconds + self._before) * 1000)
        return f"{self._seconds[milliseconds // 1000]}.{milliseconds % 1000:03}"
