"""Dead letters: the one place that makes them, so that none lacks its bytes and its position."""

from collections.abc import Mapping

import apache_beam as beam
import msgspec

from transforms.coders import BundleCoder
from transforms.records import Block, DeadLetter

Fault = tuple[str, str]
"""Why a record is a dead letter: the reason, and the detail for whoever reads it."""


class DeadLetters(list[DeadLetter]):
    """The dead letters of one block; where all of an input is refused, as many as it has records.

    A type of its own, so that Beam asks it for its size instead of pickling all of it to find out.
    """

    @property
    def size_bytes(self) -> int:
        """About the records' length."""
        return len(self) * len(self[0].record) if self else 0


beam.coders.registry.register_coder(DeadLetters, BundleCoder)


class DeadLetterLine(msgspec.Struct, frozen=True, omit_defaults=True):
    """A dead letter as one line of JSON: its fields, in this order, are those of the line.

    The record's bytes stand under `record` where they are valid UTF-8, so that a person can read
    them, and in base 64 under `record_base64` where they are not.
    """

    run: str
    source: str
    position: int
    stage: str
    reason: str
    detail: str
    record_time: int | None
    record: str | msgspec.UnsetType = msgspec.UNSET
    record_base64: bytes | msgspec.UnsetType = msgspec.UNSET


_encode = msgspec.json.Encoder().encode


def dead_letters(block: Block, stage: str, faults: Mapping[int, Fault]) -> list[DeadLetter]:
    """The dead letters of a block, in its order.

    Args:
        block: What was read.
        stage: The stage that found the faults.
        faults: By the record's index in the block, the fault found.
    """
    if not faults:
        return []
    positions, lines, time_of = block.record_positions(), block.lines, block.time_of
    return [
        DeadLetter(
            block.source,
            positions[index],
            stage,
            *faults[index],
            lines[index],
            time_of(index),
            block.run,
        )
        for index in sorted(faults)
    ]


def dead_letter_line(letter: DeadLetter, run: str) -> bytes:
    """A dead letter as one line of JSON, from which the record's bytes are recovered exactly."""
    about = (letter.source, letter.position, letter.stage, letter.reason, letter.detail)
    try:
        return _encode(DeadLetterLine(run, *about, letter.record_time, letter.record.decode()))
    except UnicodeDecodeError:
        line = DeadLetterLine(run, *about, letter.record_time, record_base64=letter.record)
        return _encode(line)
