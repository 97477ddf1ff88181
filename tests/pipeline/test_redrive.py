"""The command line of `redrive` and what it says; redriving on a real server is in `end_to_end`."""

import os
from pathlib import Path

import msgspec
import pytest

from pipeline.__main__ import main
from pipeline.redrive_options import Command, command_of
from pipeline.redrive_report import End, print_parked, print_redriven, reasons
from tests.parking import DENIED, SLOW, Ops, parked_part
from transforms.folder_tree import FolderTree
from transforms.parked_files import ParkedFile, find_parked
from transforms.redrive_groups import Outcome
from transforms.store import Failure

CONFIGURATION = """\
connections:
  - {name: acme, bucket: acme-bucket, region: us-east-1, expected_bucket_owner: "123456789012"}
destinations:
  - {name: acme, connection: acme, match: {write_key: k}}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("events.yaml").write_text(CONFIGURATION)
    Path("ops").mkdir()
    return tmp_path


def test_a_command_line_is_parsed_once() -> None:
    given = "--config=c.yaml --ops_path=/ops --destination=a --destination b --every 5m"
    assert command_of([*given.split(), "--allow_new_bucket=a", "--put_deadline=2m"]) == Command(
        config="c.yaml",
        ops_path="/ops",
        destinations=("a", "b"),
        new_buckets=frozenset({"a"}),
        dry_run=False,
        every_seconds=300,
        deadline_seconds=120,
    )


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("--ops_path=ops", ["--config is missing"]),
        ("--config=events.yaml", ["--ops_path is missing"]),
        ("--config=none.yaml", ["none.yaml: cannot be read"]),
        ("--every=5 --put_deadline=x", ["--every: '5' is not a", "--put_deadline: 'x' is not a"]),
        ("--dry_run --every=5m", ["--dry_run and --every do not go together"]),
        ("--dryrun", ["--dryrun is not known; nearest: '--dry_run'"]),
        ("parked/x.avro", ["'parked/x.avro' is no option"]),
        ("--config", ["argument --config: expected one argument"]),
        ("--config=events.yaml --ops_path=s3://b", ["--ops_path: on S3 it must be encrypted"]),
        (
            "--config=events.yaml --ops_path=ops --allow_new_bucket=acmee",
            ["--allow_new_bucket: no destination is named 'acmee'; nearest: 'acme'"],
        ),
        (
            "--config=events.yaml --ops_path=ops --destination=acmee",
            ["--destination: no destination is named 'acmee'; nearest: 'acme'"],
        ),
    ],
)
def test_every_mistake_is_said_and_nothing_is_done(
    arguments: str, said: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["redrive", *arguments.split()]) == 2
    lines = capsys.readouterr().err.splitlines()
    for words in said:
        assert any(line.startswith(f"error: {words}") for line in lines), lines
    assert os.listdir("ops") == []  # noqa: PTH208 - by name


@pytest.mark.usefixtures("folder")
def test_where_nothing_is_parked_all_is_well(capsys: pytest.CaptureFixture[str]) -> None:
    for more in ([], ["--dry_run"], ["--destination=acme"]):
        assert main(["redrive", "--config=events.yaml", "--ops_path=ops", *more]) == 0
        assert capsys.readouterr().out.startswith("nothing is parked in /")


@pytest.mark.usefixtures("folder")
def test_an_ops_path_that_is_not_there_is_not_taken_for_an_empty_one(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["redrive", "--config=events.yaml", "--ops_path=opps"]) == 1
    assert "/opps: there is no such folder" in capsys.readouterr().err
    assert not Path("opps").exists()


@pytest.mark.usefixtures("folder")
def test_rounds_go_on_after_one_in_which_the_ops_path_could_not_be_read(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Ops(Path("ops")).park(parked_part("beta"))
    look, rounds = Path.stat, list[float]()

    def stat(path: Path, *, follow_symlinks: bool = True) -> os.stat_result:
        if path.suffix == ".avro" and not rounds:
            raise OSError(5, "Input/output error", str(path))
        return look(path, follow_symlinks=follow_symlinks)

    def sleep(seconds: float) -> None:
        rounds.append(seconds)
        if len(rounds) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(Path, "stat", stat)
    monkeypatch.setattr("pipeline.redrive.time.sleep", sleep)
    assert main(["redrive", "--config=events.yaml", "--ops_path=ops", "--every=5m"]) == 130
    said = capsys.readouterr()
    assert "cannot be listed: Input/output error" in said.err
    assert "destination removed" in said.out


def test_the_help_names_every_option(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["redrive", "--help"]) == 0
    said = capsys.readouterr().out
    for name in ("config", "ops_path", "destination", "dry_run", "every", "allow_new_bucket"):
        assert f"--{name}" in said


def parked_files(folder: Path) -> list[ParkedFile]:
    ops = Ops(folder / "ops")
    ops.park(parked_part("acme", 0), SLOW)
    ops.park(parked_part("acme", 1), DENIED)
    ops.park(parked_part("beta", 2))
    return sorted(find_parked(FolderTree(str(ops.folder))), key=lambda file: file.name)


def row(said: str, name: str) -> list[str]:
    [found] = [line.split() for line in said.splitlines() if line.split()[:1] == [name]]
    return found


def test_a_table_counts_what_was_redriven_and_what_is_left(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one, two, three = parked_files(folder)
    unsent = msgspec.structs.replace(DENIED, attempts=0)
    ends = [
        End(one, Outcome.REDRIVEN),
        End(two, Outcome.PARKED, unsent),
        End(three, Outcome.REDRIVEN),
    ]
    print_redriven(ends, "/ops/")
    said = capsys.readouterr().out
    assert row(said, "acme") == ["acme", "2", "2", "1", "1", "1", "1"]
    assert row(said, "beta") == ["beta", "1", "1", "1", "1", "0", "0"]
    assert (
        "redriven 2 objects, 2 events; still parked in /ops/: 1 object, 1 event\n"
        "still parked: acme: 1 object, 1 event: "
    ) in said


def test_what_was_not_tried_is_counted_with_the_one_that_was(folder: Path) -> None:
    one, two, three = parked_files(folder)
    unsent = msgspec.structs.replace(DENIED, attempts=0)
    changed = Failure("destination changed", False, False, "It stays.", attempts=0)  # noqa: FBT003
    lines = reasons(
        [
            End(one, Outcome.PARKED, unsent),
            End(two, Outcome.PARKED, DENIED),
            End(three, Outcome.PARKED, changed),
        ]
    )
    assert lines == [
        f"still parked: acme: 2 objects, 2 events: {DENIED}",
        "still parked: beta: 1 object, 1 event: destination changed\n  It stays.",
    ]


def test_a_dry_run_tells_what_would_be_put_and_what_not(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one, two, three = parked_files(folder)
    damage = Failure("is damaged", transient=False, answered=False, attempts=0)
    damaged = msgspec.structs.replace(three, parked=None)
    ends = [
        End(one, Outcome.WAITING),
        End(two, Outcome.PARKED, DENIED),
        End(damaged, Outcome.DAMAGED, damage),
    ]
    print_parked(ends, "/ops/")
    said = capsys.readouterr().out
    assert row(said, "acme")[-4:] == ["2026-11-20T10:00:00Z", "1", "1", "0"]
    assert row(said, "beta")[-3:] == ["0", "0", "1"]
    assert "parked in /ops/: 3 objects, 2 events; nothing was put" in said
    assert f"damaged: {three.name}: is damaged" in said
