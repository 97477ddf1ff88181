"""Records of an Avro object container file (Avro 1.12 specification, "Object Container Files").

Either one field of each record holds the event's JSON, or each record is turned into JSON. Records
count as if they were lines: block k holds those that would start in [k·B, (k+1)·B) of a file in
which every record is followed by a line feed, and a record's position is its number, from 0.

A record turned into JSON is encoded by msgspec: UTF-8, fields in the schema's order, `timestamp-*`
and `date` as RFC 3339, `decimal` as a string with all its digits, `bytes` and `fixed` as base64,
`uuid` as a string, NaN and infinities as null.
"""

from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, Final

import fastavro
import msgspec

from transforms.errors import ReadError
from transforms.lines import Stretch

Schema = Any
"""A schema as fastavro has parsed it: JSON, with the type `record` in full."""


_TEXT: Final = ("bytes", "string")


def read_avro(
    file: BinaryIO, name: str, block_bytes: int, field: str | None = None
) -> Iterator[Stretch]:
    """The records of an Avro file by the stretch of `block_bytes` they start in.

    An Avro block, as large as its writer made it, is in memory as a whole.

    Args:
        file: The file, at its beginning.
        name: The file, for messages.
        block_bytes: The length of a stretch.
        field: A field of type `bytes` or `string`, or a union of these and null, that holds the
            event; null gives an empty line, which counts as blank. A value's bytes stay as they
            are, line feeds and invalid UTF-8 too. `None`: the record itself is the event.

    Raises:
        ReadError: The file is not Avro, is damaged or cut short, is packed by a codec that is not
            installed, or has no such field. A file cut exactly between two Avro blocks cannot be
            told from a whole one.
    """
    start, first, lines = 0, 0, list[bytes]()
    number = offset = 0
    for values in _blocks(file, name, field):
        for value in values:
            if offset >= start + block_bytes:
                if lines:
                    yield Stretch(start, first, lines)
                start, first, lines = offset - offset % block_bytes, number, []
            lines.append(value)
            number += 1
            offset += len(value) + 1
    if lines:
        yield Stretch(start, first, lines)


def _blocks(file: BinaryIO, name: str, field: str | None) -> Iterator[list[bytes]]:
    """The lines of each of the file's own blocks."""
    reader = _opened(file, name, field)
    line_of = _line_of(reader.writer_schema, name, field)
    end, number, lines = file.tell(), 0, list[bytes]()
    while True:
        try:
            block = next(reader, None)
            if block is None:
                break
            lines = []
            lines.extend(map(line_of, block))
        except ReadError:
            raise  # of the storage, not of the content
        except Exception as error:  # fastavro raises whatever it stumbles over
            raise _damaged(name, end, number + len(lines), error) from error
        end = block.offset + block.size
        number += len(lines)
        yield lines
        lines = []
    # Without its C part, fastavro takes a number that is cut short for the end of the file.
    if file.tell() != end:
        raise _damaged(name, end, number, EOFError("the file ends in the middle of a block"))


def _opened(file: BinaryIO, name: str, field: str | None) -> fastavro.block_reader:
    # Bytes that are not UTF-8 come back as they were; as JSON, though, there is no way to say them.
    errors = "strict" if field is None else "surrogateescape"
    if not fastavro.is_avro(file):
        raise _not_avro(name, "it does not begin with Obj and 01")
    file.seek(0)
    try:
        return fastavro.block_reader(file, handle_unicode_errors=errors)
    except ReadError:
        raise
    except Exception as error:  # see above
        raise _not_avro(name, f"its header is damaged ({_cause(error)})") from error


def _line_of(schema: Schema, name: str, field: str | None) -> Callable[[Any], bytes]:
    """What makes a record's line, if the schema has it."""
    kinds = schema if isinstance(schema, list) else [schema]
    if not all(isinstance(kind, dict) and kind.get("type") == "record" for kind in kinds):
        raise ReadError(
            f"{name}: its Avro schema is not a record's, but {_brief(schema)}.\n"
            "Each event must be one record."
        )
    if field is None:
        return msgspec.json.Encoder().encode
    for kind in kinds:
        types = {each["name"]: each["type"] for each in kind["fields"]}
        if field not in types:
            raise ReadError(
                f"{name}: its Avro schema {kind['name']!r} has no field {field!r}.\n"
                f"Name the one that holds the event's JSON; there are: {', '.join(types)}."
            )
        if not _is_text(types[field]):
            raise ReadError(
                f"{name}: field {field!r} of its Avro schema {kind['name']!r} is "
                f"{_brief(types[field])}; expected bytes or string, or a union of these and null.\n"
                "Name another field, or none to have the whole record turned into JSON."
            )

    def line_of(record: dict[str, Any]) -> bytes:
        value: bytes | str | None = record[field]
        if value is None:
            return b""
        return value.encode("utf-8", "surrogateescape") if isinstance(value, str) else value

    return line_of


def _is_text(kind: Schema) -> bool:
    if isinstance(kind, list):
        return any(map(_is_text, kind)) and all(k == "null" or _is_text(k) for k in kind)
    if isinstance(kind, dict):
        # Java writers add properties of their own; a logical type gives no bytes or text.
        return "logicalType" not in kind and kind["type"] in _TEXT
    return kind in _TEXT


def _not_avro(name: str, cause: str) -> ReadError:
    return ReadError(
        f"{name}: is no Avro object container file: at byte 0 {cause}.\n"
        "Give the file the ending of what it holds, or write or copy it again."
    )


def _damaged(name: str, offset: int, number: int, error: Exception) -> ReadError:
    cause = _cause(error)
    remedy = "The file is damaged or cut short: write or copy it again."
    if "codec" in cause and not isinstance(error, UnicodeError):
        remedy = "Install what it names, or write the file with the codec deflate or null."
    return ReadError(
        f"{name}: cannot read record {number}, in the Avro block at byte {offset}: {cause}.\n"
        f"{remedy}"
    )


def _cause(error: Exception) -> str:
    return f"{type(error).__name__} {error}".strip()


def _brief(schema: Schema) -> str:
    text = msgspec.json.encode(schema).decode()
    return text if len(text) <= 80 else f"{text[:77]}..."  # noqa: PLR2004 - a line's worth
