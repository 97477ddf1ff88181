"""Dead letters: the one place that makes them, so that none lacks its bytes and its position."""

from collections.abc import Mapping

import msgspec

from transforms.records import Block, DeadLetter

Fault = tuple[str, str]
"""Why a record is a dead letter: the reason, and the detail for whoever reads it."""


def dead_letters(block: Block, stage: str, faults: Mapping[int, Fault]) -> list[DeadLetter]:
    """The dead letters of a block, in its order.

    Args:
        block: What was read.
        stage: The stage that found the faults.
        faults: By the record's index in the block, the fault found.
    """
    if not faults:
        return []
    positions = block.record_positions()
    return [
        DeadLetter(block.source, positions[index], stage, *faults[index], block.lines[index])
        for index in sorted(faults)
    ]


def dead_letter_line(letter: DeadLetter, run: str) -> bytes:
    """A dead letter as one line of JSON, from which the record's bytes are recovered exactly.

    They stand under `record` where they are valid UTF-8, so that a person can read them, and in
    base 64 under `record_base64` where they are not.
    """
    document: dict[str, object] = {
        "run": run,
        "source": letter.source,
        "position": letter.position,
        "stage": letter.stage,
        "reason": letter.reason,
        "detail": letter.detail,
    }
    try:
        document["record"] = letter.record.decode()
    except UnicodeDecodeError:
        document["record_base64"] = letter.record
    return msgspec.json.encode(document)
