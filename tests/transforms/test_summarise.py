from collections.abc import Iterable

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.records import Receipt, Tally
from transforms.summarise import AddUp, Summary, of_receipt, of_tally


def tally(**changes: int) -> Tally:
    counted = Tally("f", 0, 10, 1, 6, 2, 1, {"malformed": 1}, {"acme": 6, "beta": 2})
    return msgspec.structs.replace(counted, **changes)


def receipt(destination: str, events: int, key: str = "k") -> Receipt:
    return Receipt(
        destination=destination,
        run="abcd2345",
        revision="wxyz",
        window_start=0,
        window_end=600,
        pane=0,
        shard=0,
        part=0,
        bucket="b",
        key=key,
        events=events,
        raw_bytes=100 * events,
        stored_bytes=10 * events,
        sha256="",
        status="delivered",
    )


def added_up(summaries: Iterable[Summary]) -> Summary:
    adder = AddUp()
    accumulator = adder.create_accumulator()
    for summary in summaries:
        accumulator = adder.add_input(accumulator, summary)
    return adder.extract_output(adder.merge_accumulators([Summary(), accumulator]))


def test_sums_come_from_tallies_and_receipts() -> None:
    receipts = [receipt("acme", 4), receipt("acme", 2), receipt("beta", 2)]
    summary = added_up([of_tally(tally()), *map(of_receipt, receipts)])
    assert (summary.read, summary.blank, summary.matched) == (10, 1, 6)
    assert (summary.unmatched, summary.opted_out) == (2, 1)
    assert summary.dead_letters == {"malformed": 1}
    assert (summary.pairs, summary.delivered) == (8, 8)
    acme = summary.deliveries["acme"]
    assert (acme.objects, acme.events, acme.raw_bytes, acme.stored_bytes) == (2, 6, 600, 60)
    assert summary.imbalance() is None


@pytest.mark.parametrize(
    ("summaries", "said"),
    [
        ([of_tally(tally())], "acme: 6 events matched, 0 delivered"),
        (
            [of_tally(tally()), of_receipt(receipt("acme", 7))],
            "acme: 6 events matched, 7 delivered",
        ),
        ([of_receipt(receipt("acme", 1))], "acme: 0 events matched, 1 delivered"),
        ([of_tally(tally(unmatched=3))], "10 records were read"),
    ],
)
def test_what_does_not_add_up_is_said(summaries: list[Summary], said: str) -> None:
    imbalance = added_up(summaries).imbalance()
    assert imbalance is not None
    assert said in imbalance


@given(st.lists(st.integers(0, 9), max_size=6))
def test_the_order_of_adding_does_not_matter(counts: list[int]) -> None:
    summaries = [of_receipt(receipt(f"d{n % 3}", n, f"k{n}")) for n in counts]
    forwards, backwards = added_up(summaries), added_up(reversed(summaries))
    assert forwards == backwards
    assert forwards.delivered == sum(counts)
