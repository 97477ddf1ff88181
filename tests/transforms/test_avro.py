import datetime as dt
import io
import json
import uuid
from decimal import Decimal
from importlib.util import find_spec
from typing import Any

import fastavro
import pytest
from fastavro._read_py import block_reader as python_reader
from hypothesis import given
from hypothesis import strategies as st

from transforms.avro import read_avro
from transforms.errors import ReadError
from transforms.lines import Stretch

ZSTD = "compression.zstd" if find_spec("compression") else "backports"


def event_schema(payload: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
    fields = [{"name": "topic", "type": "string"}, {"name": "payload", "type": payload}]
    return {"type": "record", "name": "Event", "fields": fields}


def avro_file(
    schema: Any,  # noqa: ANN401 - any JSON
    records: list[Any],
    codec: str = "null",
    sync_interval: int = 60,
) -> bytes:
    file = io.BytesIO()
    fastavro.writer(file, schema, records, codec=codec, sync_interval=sync_interval)
    return file.getvalue()


def events(values: list[Any], payload: Any = "bytes", codec: str = "null") -> bytes:  # noqa: ANN401
    records = [{"topic": "clicks", "payload": value} for value in values]
    return avro_file(event_schema(payload), records, codec)


def read(content: bytes, field: str | None = "payload", block_bytes: int = 2**20) -> list[Stretch]:
    return list(read_avro(io.BytesIO(content), "/in/a.avro", block_bytes, field))


def lines(content: bytes, field: str | None = "payload") -> list[bytes]:
    return [line for stretch in read(content, field) for line in stretch.lines]


@given(st.lists(st.binary(max_size=30), max_size=40), st.integers(1, 50))
def test_records_are_cut_as_if_they_were_lines(values: list[bytes], block_bytes: int) -> None:
    expected: dict[int, Stretch] = {}
    at = 0
    for number, value in enumerate(values):
        start = at - at % block_bytes
        expected.setdefault(start, Stretch(start, number, [])).lines.append(value)
        at += len(value) + 1

    assert read(events(values), "payload", block_bytes) == list(expected.values())


@pytest.mark.parametrize(
    "payload",
    [
        "bytes",
        "string",
        ["null", "bytes"],
        ["string", "null"],
        ["bytes", "string"],
        {"type": "string", "avro.java.string": "String"},
        ["null", {"type": "string", "avro.java.string": "String"}],
    ],
)
def test_the_field_may_be_bytes_or_string_or_a_union_of_them(payload: Any) -> None:  # noqa: ANN401
    value = b'{"a":\n"\xc3\xa9"}\r\n'
    text = value if "bytes" in str(payload) else value.decode()

    assert lines(events([text], payload)) == [value]


def test_a_null_is_an_empty_line() -> None:
    assert lines(events([None, b"{}", None], ["null", "bytes"])) == [b"", b"{}", b""]


def test_invalid_utf_8_in_a_string_stays_as_it_is_for_parse_to_refuse() -> None:
    content = events(["ab"], "string").replace(b"\x04ab", b"\x04\xff\xfe")

    assert lines(content) == [b"\xff\xfe"]


@pytest.mark.parametrize(
    ("codec", "library"),
    [
        ("null", "io"),
        ("deflate", "zlib"),
        ("bzip2", "bz2"),
        ("xz", "lzma"),
        ("snappy", "cramjam"),
        ("zstandard", ZSTD),
    ],
)
def test_each_codec_is_read(codec: str, library: str) -> None:
    pytest.importorskip(library)
    values = [b'{"n":%d}' % number for number in range(100)]

    assert lines(events(values, codec=codec)) == values


@pytest.mark.parametrize("codec", ["deflate", "bzip2", "xz"])
def test_damaged_compression_is_an_error(codec: str) -> None:
    content = bytearray(events([b"x" * 100], codec=codec))
    content[-40] ^= 0xFF

    with pytest.raises(ReadError, match=r"/in/a.avro: cannot read record 0, in the Avro block at "):
        read(bytes(content))


def test_a_codec_that_nobody_has_is_an_error_that_says_so() -> None:
    content = events([b"{}"]).replace(b"\x14avro.codec\x08null", b"\x14avro.codec\x0anosuch"[:-1])

    with pytest.raises(ReadError, match=r"/in/a.avro: .*codec.*nosuc") as it:
        read(content)
    assert "write the file with the codec deflate or null" in str(it.value)


@pytest.mark.skipif(find_spec("lz4") is not None, reason="lz4 is installed")
def test_a_codec_whose_library_is_missing_is_an_error_that_names_the_library() -> None:
    content = events([b"{}"]).replace(b"\x14avro.codec\x08null", b"\x14avro.codec\x06lz4")

    with pytest.raises(ReadError, match=r"/in/a.avro: .* you need to install .*lz4"):
        read(content)


def test_a_record_becomes_json_in_the_schemas_order() -> None:
    schema = {
        "type": "record",
        "name": "Event",
        "fields": [
            {"name": "writeKey", "type": "string"},
            {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
            {"name": "local", "type": {"type": "long", "logicalType": "local-timestamp-micros"}},
            {"name": "day", "type": {"type": "int", "logicalType": "date"}},
            {
                "name": "price",
                "type": {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2},
            },
            {"name": "id", "type": {"type": "string", "logicalType": "uuid"}},
            {"name": "raw", "type": "bytes"},
            {"name": "ratio", "type": "double"},
            {"name": "none", "type": ["null", "long"]},
            {
                "name": "context",
                "type": {"type": "map", "values": {"type": "array", "items": "long"}},
            },
        ],
    }
    utc = dt.timezone.utc
    record = {
        "writeKey": "wk\n\u00e9",
        "at": dt.datetime(2026, 11, 20, 10, 0, 0, 5000, tzinfo=utc),
        "local": dt.datetime(2026, 11, 20, 10, 0),  # noqa: DTZ001 - has none
        "day": dt.date(2026, 11, 20),
        "price": Decimal("10.50"),
        "id": uuid.UUID("6f1c3f0e-5f5b-4b57-9d0c-0d8a3f0e5f5b"),
        "raw": b"\x00\xff",
        "ratio": float("nan"),
        "none": None,
        "context": {"n": [2**63 - 1]},
    }

    (line,) = lines(avro_file(schema, [record]), None)

    assert line.decode() == (
        '{"writeKey":"wk\\n\u00e9","at":"2026-11-20T10:00:00.005000Z",'
        '"local":"2026-11-20T10:00:00","day":"2026-11-20","price":"10.50",'
        '"id":"6f1c3f0e-5f5b-4b57-9d0c-0d8a3f0e5f5b","raw":"AP8=","ratio":null,"none":null,'
        '"context":{"n":[9223372036854775807]}}'
    )


def test_records_of_a_union_become_json_too() -> None:
    kinds = [
        {"type": "record", "name": name, "fields": [{"name": name.lower(), "type": "int"}]}
        for name in ("Page", "Track")
    ]

    content = avro_file(kinds, [("Track", {"track": 1}), ("Page", {"page": 2})])

    assert list(map(json.loads, lines(content, None))) == [{"track": 1}, {"page": 2}]


def test_a_string_that_is_not_utf_8_cannot_become_json_and_names_its_record() -> None:
    content = events(["ok", "ab"], "string").replace(b"\x04ab", b"\x04\xff\xfe")

    with pytest.raises(ReadError, match=r"cannot read record 1, .*utf-8"):
        lines(content, None)


@pytest.mark.parametrize(
    ("payload", "shown"),
    [
        ("long", '"long"'),
        (["null", "bytes", "long"], r'\["null","bytes","long"\]'),
        ("null", '"null"'),
        ({"type": "bytes", "logicalType": "decimal", "precision": 4}, "decimal"),
        ({"type": "array", "items": "bytes"}, "array"),
    ],
)
def test_a_field_of_another_type_is_refused(payload: Any, shown: str) -> None:  # noqa: ANN401
    with pytest.raises(
        ReadError, match=rf"/in/a.avro: field 'payload' .*'Event' is .*{shown}"
    ) as it:
        read(events([], payload))
    assert "expected bytes or string, or a union of these and null" in str(it.value)


def test_a_field_that_is_missing_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(ReadError, match=r"/in/a.avro: .* has no field 'value'") as it:
        read(events([b"{}"]), "value")
    assert str(it.value).endswith("there are: topic, payload.")


@pytest.mark.parametrize("field", [None, "payload"])
def test_a_file_of_something_else_than_records_is_refused(field: str | None) -> None:
    with pytest.raises(ReadError, match=r'/in/a.avro: its Avro schema .* but "string"'):
        read(avro_file("string", ["{}"]), field)


@pytest.mark.parametrize(
    "content", [b"", b"Ob", b'{"type":"track"}\n', b"\x1f\x8b\x08" + b"x" * 99]
)
def test_a_file_that_is_not_avro_is_refused(content: bytes) -> None:
    with pytest.raises(ReadError, match=r"/in/a.avro: is no Avro .* does not begin with Obj"):
        read(content)


def test_a_file_without_records_holds_none() -> None:
    assert read(events([])) == []


@pytest.mark.parametrize("codec", ["null", "deflate"])
def test_a_cut_file_is_an_error_unless_it_is_cut_between_blocks(codec: str) -> None:
    values = [b"%d" % number * 20 for number in range(20)]
    content = events(values, codec=codec)
    borders = {block.offset for block in fastavro.block_reader(io.BytesIO(content))}

    assert len(borders) > 3
    for cut in range(len(content)):
        if cut not in borders:
            with pytest.raises(ReadError, match=r"/in/a.avro"):
                read(content[:cut])


@pytest.mark.parametrize("reader", [fastavro.block_reader, python_reader])
def test_a_file_cut_within_the_number_that_begins_a_block_is_an_error(
    reader: type[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fastavro, "block_reader", reader)
    records = [{"topic": "", "payload": b""}] * 200  # 100 in a block: a number of two bytes
    content = avro_file(event_schema("bytes"), records, sync_interval=200)
    *_, last = (block.offset for block in fastavro.block_reader(io.BytesIO(content)))

    with pytest.raises(
        ReadError, match=f"cannot read record 100, in the Avro block at byte {last}"
    ):
        read(content[: last + 1])


@pytest.mark.parametrize(("end", "cause"), [(b"", "sync marker"), (b"?", "sync marker")])
def test_the_error_names_the_record_and_the_block_that_are_damaged(end: bytes, cause: str) -> None:
    content = events([b"first" * 20, b"second" * 20])
    offset = [block.offset for block in fastavro.block_reader(io.BytesIO(content))][1]

    with pytest.raises(ReadError, match=rf"cannot read record 1, .* at byte {offset}: .*{cause}"):
        read(content[:-1] + end)


@given(st.data())
def test_no_damage_ends_in_another_error(data: st.DataObject) -> None:
    codec = data.draw(st.sampled_from(["null", "deflate"]))
    content = bytearray(events([b"some content"] * 9, codec=codec))
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))

    try:
        read(bytes(content))
    except ReadError as error:
        assert "/in/a.avro" in str(error)  # noqa: PT017 - an error is allowed, not due
