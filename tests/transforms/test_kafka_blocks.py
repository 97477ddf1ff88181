import itertools
from collections.abc import Sequence

from confluent_kafka import TIMESTAMP_CREATE_TIME, TIMESTAMP_NOT_AVAILABLE, Message
from hypothesis import given
from hypothesis import strategies as st

from transforms.kafka.blocks import BlockCutter, Common, Records, records_of
from transforms.records import Block

SOURCE = "clicks/3"


def records(offsets: Sequence[int], size: int = 1) -> Records:
    values = [str(offset).encode().ljust(size, b"x") for offset in offsets]
    return Records(offsets, values, [offset * 1000 for offset in offsets])


def blocks(
    batches: Sequence[Records], block_records: int = 10, block_bytes: int = 10**6
) -> list[Block]:
    cutter = BlockCutter(Common(SOURCE, "run00000", 42), block_records, block_bytes)
    cut = [each for batch in batches for each in cutter.add(batch)]
    return [cutter.block(each) for each in [*cut, *cutter.rest()]]


def test_a_block_ends_with_its_aligned_range() -> None:
    cut = blocks([records(range(7, 25))])
    assert [(block.start, block.first, len(block.lines)) for block in cut] == [
        (0, 7, 3),
        (10, 10, 10),
        (20, 20, 5),
    ]


def test_a_block_names_its_partition_and_run_and_what_the_runner_knew() -> None:
    (block,) = blocks([records([10, 11])])
    assert (block.source, block.run, block.watermark) == ("clicks/3", "run00000", 42)


def test_a_range_that_is_complete_is_not_held_back() -> None:
    cutter = BlockCutter(Common(SOURCE, "run00000", 42), 10, 10**6)
    (complete,) = cutter.add(records(range(10)))
    assert complete.offsets == range(10)
    assert list(cutter.rest()) == []


def test_a_block_that_grows_too_long_is_several_of_the_same_range() -> None:
    cut = blocks([records(range(10), 100)], block_bytes=300)
    assert {block.start for block in cut} == {0}
    assert [len(block.lines) for block in cut] == [2, 3, 2, 3]


def test_a_record_that_is_longer_than_a_block_is_one_by_itself() -> None:
    cut = blocks([records([0, 1, 2], 500)], block_bytes=300)
    assert [block.first for block in cut] == [0, 1, 2]


def test_offsets_have_gaps_where_transactions_end_and_logs_are_compacted() -> None:
    cut = blocks([records([3, 4, 7]), records([9, 31, 32])])
    assert [[*block.record_positions()] for block in cut] == [[3, 4, 7, 9], [31, 32]]
    assert [block.start for block in cut] == [0, 30]


def test_offsets_without_gaps_take_no_memory() -> None:
    (block,) = blocks([records(range(3)), records(range(3, 6))])
    assert block.positions == range(6)


def test_each_record_has_its_own_time_in_whole_seconds() -> None:
    (block,) = blocks([Records([0, 1, 2], [b"a", b"b", b"c"], [-1, 1_999, 500])])
    assert block.record_times == [None, 1, 0]
    assert block.record_time == 1


def test_a_partition_without_times_has_none() -> None:
    (block,) = blocks([Records([0, 1], [b"a", b"b"], [-1, -1])])
    assert block.record_time is None


def test_a_tombstone_is_told_from_an_empty_value() -> None:
    (block,) = blocks([Records([0, 1, 2], [b"", None, b"c"], [0, 0, 0])])
    assert block.lines == [b"", b"", b"c"]
    assert block.tombstones == [1]


@given(
    gaps=st.lists(st.integers(1, 7), min_size=1, max_size=60),
    cuts=st.lists(st.integers(1, 12), min_size=60, max_size=60),
    pauses=st.sets(st.integers(0, 60)),
    block_bytes=st.integers(1, 200),
)
def test_however_a_stream_is_cut_starts_and_records_are_the_same(
    gaps: list[int], cuts: list[int], pauses: set[int], block_bytes: int
) -> None:
    offsets = [*itertools.accumulate(gaps)]
    batches = []
    for size in cuts:
        taken, offsets = offsets[:size], offsets[size:]
        if taken:
            batches.append(records(taken))
    whole = records([*itertools.chain.from_iterable(batch.offsets for batch in batches)])

    cut: list[Block] = []
    waiting: list[Records] = []
    for number, batch in enumerate(batches):
        waiting.append(batch)
        if number in pauses:
            cut += blocks(waiting, block_bytes=block_bytes)
            waiting = []
    cut += blocks(waiting, block_bytes=block_bytes)

    assert [offset for block in cut for offset in block.record_positions()] == whole.offsets
    assert [line for block in cut for line in block.lines] == whole.values
    for block in cut:
        assert {offset // 10 * 10 for offset in block.record_positions()} == {block.start}
        assert len(block.lines) == 1 or sum(map(len, block.lines)) <= block_bytes


def test_of_a_message_value_offset_and_time_are_taken() -> None:
    messages = [
        Message("t", 0, 5, value=b"a", timestamp=(TIMESTAMP_CREATE_TIME, 1_500)),
        Message("t", 0, 7, value=None, timestamp=(TIMESTAMP_NOT_AVAILABLE, -1)),
    ]
    assert records_of(messages) == Records([5, 7], [b"a", None], [1_500, -1])
    assert records_of(messages[:1]).offsets == range(5, 6)
