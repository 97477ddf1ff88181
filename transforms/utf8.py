"""UTF-8, checked without making text of it."""

import struct
from typing import Final

import pyarrow as pa

_OFFSETS: Final = struct.Struct("<qq")  # where the one string of an array begins, and where it ends


def is_utf8(data: bytes) -> bool:
    """Whether the bytes are valid UTF-8 (RFC 3629)."""
    buffers = pa.py_buffer(_OFFSETS.pack(0, len(data))), pa.py_buffer(data)
    try:
        pa.LargeStringArray.from_buffers(1, *buffers).validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True
