import base64
import json

from apache_beam.coders import registry
from hypothesis import given
from hypothesis import strategies as st

from transforms.coders import BundleCoder
from transforms.dead_letters import DeadLetters, dead_letter_line
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
    letter = DeadLetter("a.ndjson", 17, "parse", "malformed", "Expecting value", b"not json", 9)
    assert json.loads(dead_letter_line(letter, "abcd2345")) == {
        "run": "abcd2345",
        "source": "a.ndjson",
        "position": 17,
        "stage": "parse",
        "reason": "malformed",
        "detail": "Expecting value",
        "record_time": 9,
        "record": "not json",
    }


def test_a_line_says_that_there_is_no_record_time() -> None:
    letter = DeadLetter("t", 0, "window", "no_time", "", b"{}", None)
    assert json.loads(dead_letter_line(letter, "abcd2345"))["record_time"] is None


def test_of_very_many_dead_letters_the_size_is_known_without_pickling_them() -> None:
    class Unpicklable(DeadLetter, frozen=True):
        def __reduce__(self) -> str:
            raise AssertionError("it was pickled")

    letters = DeadLetters([Unpicklable("a", 0, "parse", "malformed", "", b"12345")] * 3)
    coder = registry.get_coder(DeadLetters)
    assert isinstance(coder, BundleCoder)
    assert coder.estimate_size(letters) == 15
    assert coder.estimate_size(DeadLetters()) == 0
