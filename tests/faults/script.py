"""Which request meets which fault: rules, and the script that goes through them."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final, TypeAlias

from hypothesis import strategies as st

from tests.faults.answers import Answer


class Reach(Enum):
    """How far a request comes before its fault."""

    HEAD = auto()
    HALF = auto()  # of its body
    ALL = auto()
    STORED = auto()  # the real server has it, and has answered


class End(Enum):
    """What becomes of the connection then."""

    CLOSE = auto()
    RESET = auto()
    HANG = auto()
    CUT_ANSWER = auto()


class Behaviour(Enum):
    """A connection that fails, the mildest first: hypothesis shrinks towards them."""

    CLOSE = (Reach.ALL, End.CLOSE)
    RESET_BEFORE = (Reach.HEAD, End.RESET)
    RESET = (Reach.HALF, End.RESET)
    LOST_ANSWER = (Reach.STORED, End.RESET)
    """The object is there, and the client does not know."""
    TRUNCATE_ANSWER = (Reach.STORED, End.CUT_ANSWER)
    """The status line and half of the headers; the object is there."""
    HANG = (Reach.ALL, End.HANG)
    HANG_BEFORE_BODY = (Reach.HEAD, End.HANG)
    LOST_THEN_HANG = (Reach.STORED, End.HANG)

    def __init__(self, reach: Reach, end: End) -> None:
        self.reach = reach
        self.end = end


@dataclass(frozen=True)
class Slow:
    """Waits before the request is read and forwarded."""

    seconds: float

    @property
    def name(self) -> str:
        """As it is recorded."""
        return "SLOW"


@dataclass(frozen=True)
class Trickle:
    """Forwards at once, and hands the answer on byte by byte, so that no read times out."""

    seconds_a_byte: float = 0.05

    @property
    def name(self) -> str:
        """As it is recorded."""
        return "TRICKLE"


Fault: TypeAlias = Answer | Behaviour | Slow | Trickle

FAULTS: Final[tuple[Fault, ...]] = (*Answer, Slow(0.05), Trickle(0.0005), *Behaviour)
"""One of each, the mildest first; those that take time take little."""


@dataclass(frozen=True)
class Rule:
    """A fault, and the requests that meet it.

    Attributes:
        fault: What happens to them.
        bucket: Only requests to this one.
        key: Only requests whose key has this in it.
        times: How many requests it hits; None: all.
        skip: How many matching requests it lets pass before the first.
        rate: The probability that it hits a matching request.
        seed: What decides at that rate; the same seed and order of requests decide the same.
    """

    fault: Fault
    bucket: str | None = None
    key: str = ""
    times: int | None = None
    skip: int = 0
    rate: float = 1.0
    seed: int = 0


class Script:
    """Rules in order, and how far each is used up. Not for several threads at once.

    A request meets the first rule that matches, is not used up, and neither skips it nor lets it
    pass by its rate; a request that a rule lets pass goes on to the next rule.
    """

    def __init__(self, rules: Sequence[Rule] = ()) -> None:
        self._armed = [_Armed(rule) for rule in rules]

    def fault(self, bucket: str, key: str) -> Fault | None:
        """The fault that the next request meets, which counts; None: it is forwarded."""
        return next((one.rule.fault for one in self._armed if one.hits(bucket, key)), None)


class _Armed:
    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self._skips = rule.skip
        self._left = rule.times
        self._random = random.Random(rule.seed)

    def hits(self, bucket: str, key: str) -> bool:
        rule = self.rule
        if rule.bucket not in (None, bucket) or rule.key not in key or self._left == 0:
            return False
        if self._skips:
            self._skips -= 1
            return False
        if rule.rate < 1 and self._random.random() >= rule.rate:
            return False
        if self._left is not None:
            self._left -= 1
        return True


def scripts(
    buckets: Sequence[str], faults: Sequence[Fault] = FAULTS
) -> st.SearchStrategy[list[Rule]]:
    """Random scripts of up to four rules, each over one of the buckets or over all.

    Shrinks to fewer rules, milder faults, the first bucket, and hits that are few and early.
    """
    rules = st.builds(
        Rule,
        fault=st.sampled_from(faults),
        bucket=st.sampled_from([*buckets, None]),
        times=st.sampled_from([*range(1, 7), None]),
        skip=st.integers(0, 3),
    )
    return st.lists(rules, max_size=4)
