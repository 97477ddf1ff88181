from pathlib import Path

import pytest

from benchmarks import reference_loop, this_pipeline, write_to_files
from benchmarks.events import DESTINATIONS, WINDOWS, write_events
from benchmarks.outputs import Content, delivered, total

EVENTS = 3000


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("benchmark") / "events.ndjson"
    write_events(path, EVENTS)
    return path


def test_all_three_programs_deliver_the_same_lines_to_each_destination_and_window(
    source: Path, tmp_path: Path
) -> None:
    reference_loop.deliver(source, tmp_path / "loop")
    this_pipeline.deliver(source, tmp_path / "pipeline")
    write_to_files.deliver(source, tmp_path / "files")
    loop = delivered(tmp_path / "loop")
    assert loop == delivered(tmp_path / "pipeline")
    assert loop == delivered(tmp_path / "files")
    assert {destination for destination, _ in loop} == set(DESTINATIONS.values())
    assert len({window for _, window in loop}) == WINDOWS
    everything = loop.values()
    found = Content(sum(each.events for each in everything), sum(each.check for each in everything))
    assert found == total(source)


def test_the_input_is_the_same_every_time_and_about_850_bytes_an_event(
    source: Path, tmp_path: Path
) -> None:
    write_events(tmp_path / "again.ndjson", EVENTS)
    content = source.read_bytes()
    assert (tmp_path / "again.ndjson").read_bytes() == content
    assert content.count(b"\n") == EVENTS
    assert 800 < len(content) / EVENTS < 900


def test_lines_that_are_lost_doubled_or_changed_do_not_go_unnoticed(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    sums = []
    for lines in (b"a\nb\n", b"a\n", b"a\nb\nb\n", b"a\nc\n", b"b\na\n"):
        path.write_bytes(lines)
        sums.append(total(path))
    whole, *others, turned = sums
    assert turned == whole
    assert whole not in others
