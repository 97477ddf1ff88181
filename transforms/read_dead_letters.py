"""Dead letters read again: once their cause is mended, they are input as anything else.

A file is known for one of ours by its name, which no customer's object can have: a destination's
name holds no underscore. Each of its lines becomes the record that was refused, with the bytes and
the record time that it had, and then takes the normal path.
"""

from collections.abc import Iterator
from itertools import groupby
from typing import Final

import msgspec

from transforms.dead_letters import DeadLetterLine
from transforms.object_names import read_name
from transforms.records import Block

_DESTINATION: Final = "dead_letters"

_decode = msgspec.json.Decoder(DeadLetterLine).decode


def is_dead_letter_file(path: str) -> bool:
    """Whether a file's name is that of a dead-letter object, packed or unpacked."""
    return writer_of(path) is not None


def writer_of(path: str) -> str | None:
    """The run that wrote a file of dead letters; `None` for any other file."""
    name = read_name(path)
    return name.run if name and name.destination == _DESTINATION else None


def unwrap(block: Block) -> Iterator[Block]:
    """The records that a block of dead-letter lines holds, with the lines' positions.

    They are one block, or several where the record time changes; each has the same start, and so
    the same shard. A line that is no dead letter stays as it is, with the file's own time.
    """
    if not block.lines:
        return
    times, records = zip(*(_unwrapped(line, block) for line in block.lines), strict=True)
    positions = block.record_positions()
    at = 0
    for time, same in groupby(times):
        end = at + len(list(same))
        yield msgspec.structs.replace(
            block,
            lines=list(records[at:end]),
            first=positions[at],
            record_time=time,
            positions=positions[at:end],
        )
        at = end


def _unwrapped(line: bytes, block: Block) -> tuple[int | None, bytes]:
    """A line's record time and its record."""
    try:
        letter = _decode(line)
    except (msgspec.DecodeError, RecursionError):
        return block.record_time, line
    if isinstance(letter.record, str):
        return letter.record_time, letter.record.encode()
    if isinstance(letter.record_base64, bytes):
        return letter.record_time, letter.record_base64
    return block.record_time, line  # it says what became of a record, but does not hold it
