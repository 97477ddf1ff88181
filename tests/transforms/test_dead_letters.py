import base64
import json

from hypothesis import given
from hypothesis import strategies as st

from transforms.dead_letters import dead_letter_line
from transforms.records import DeadLetter


@given(st.binary() | st.text().map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_a_record_is_recovered_exactly_whatever_its_bytes(record: bytes) -> None:
    letter = DeadLetter("a.ndjson", 17, "parse", "malformed", "Expecting value", record)
    line = dead_letter_line(letter, "abcd2345")
    assert b"\n" not in line
    document = json.loads(line)
    recovered = (
        document["record"].encode()
        if "record" in document
        else base64.b64decode(document["record_base64"])
    )
    assert recovered == record


def test_a_line_says_where_why_and_in_which_run() -> None:
    letter = DeadLetter("a.ndjson", 17, "parse", "malformed", "Expecting value", b"not json")
    assert json.loads(dead_letter_line(letter, "abcd2345")) == {
        "run": "abcd2345",
        "source": "a.ndjson",
        "position": 17,
        "stage": "parse",
        "reason": "malformed",
        "detail": "Expecting value",
        "record": "not json",
    }
