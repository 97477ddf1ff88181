"""Dead letters at the command line: read again, and how many of them a run may end well with."""

from pathlib import Path

import pytest

from pipeline.__main__ import main
from pipeline.options import parse_ratio
from pipeline.run import settle
from transforms.errors import JobError
from transforms.summarise import Summary

CONFIGURATION = """\
connections:
  - {name: acme, bucket: acme-bucket, region: us-east-1, expected_bucket_owner: "123456789012"}
destinations:
  - {name: acme-web, connection: acme, match: {write_key: k}}
"""
ONCE = ["--config=events.yaml", "--input=events.ndjson", "--ops_path=ops"]
AGAIN = ["--config=events.yaml", "--input=ops/dead_letters/**", "--ops_path=ops"]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "nobody's")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "none")
    Path("events.yaml").write_text(CONFIGURATION)
    Path("events.ndjson").write_bytes(b'oops\n{"writeKey":"stranger"}\n{"a":"\xff"}\n{}\n{}\n')


def written() -> set[str]:
    return {str(path) for path in Path("ops/dead_letters").rglob("*.gz")}


def test_dead_letters_are_read_again_from_the_ops_path_that_the_run_writes_to(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(ONCE) == 0
    first = {path: Path(path).read_bytes() for path in written()}
    capsys.readouterr()
    assert main(AGAIN) == 0
    assert (
        "events read 2 = matched 0 + unmatched 0 + opted out 0 + dead letters 2 (2 malformed)"
        in (capsys.readouterr().out)
    )
    assert len(written()) == 2
    assert {path: Path(path).read_bytes() for path in first} == first


def test_the_rest_of_the_ops_path_is_no_input(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(ONCE) == 0
    assert main(["--config=events.yaml", "--input=ops/**", "--ops_path=ops"]) == 2
    assert "lies in the ops path" in capsys.readouterr().err


def test_the_run_that_wrote_them_is_not_run_again_under_its_id(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main([*ONCE, "--run_id=abcd2345"]) == 0
    assert main([*AGAIN, "--run_id=abcd2345"]) == 2
    assert "was written by the run abcd2345" in capsys.readouterr().err


def test_too_many_dead_letters_are_exit_code_1_after_all_is_told(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main([*ONCE, "--max_dead_letter_ratio=0.39"]) == 1
    said = capsys.readouterr()
    assert "dead letters 2 (2 malformed)" in said.out
    error = " ".join(said.err[said.err.index("error:") :].split())
    assert error == (
        "error: 40.0000% of the records are dead letters, 2 of 5; --max_dead_letter_ratio allows"
        " 39.0000%: 2 malformed. What was deliverable is delivered. The dead letters are in"
        f" {Path('ops/dead_letters').resolve()}"
    )
    before = written()
    assert main([*ONCE, "--max_dead_letter_ratio=0.4"]) == 0
    assert written() == before  # the same run


def test_the_ratio_is_of_all_records_read() -> None:
    summary = Summary(read=10, matched=7, dead_letters={"too_deep": 1, "malformed": 2})
    assert settle(summary) == 0
    assert settle(summary, 0.3) == 0
    with pytest.raises(JobError, match=r"30\.0000%.* 3 of 10; .* 2 malformed, 1 too_deep\."):
        settle(summary, 0.29)
    assert settle(Summary(), 0) == 0
    with pytest.raises(JobError, match="do not add up"):
        settle(Summary(read=1), 0)


@pytest.mark.parametrize("text", ["-0.1", "1.01", "nan", "inf", "1%", ""])
def test_a_ratio_is_a_number_from_0_to_1(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert (parse_ratio("0"), parse_ratio("0.01"), parse_ratio("1")) == (0, 0.01, 1)
    assert main([*ONCE, f"--max_dead_letter_ratio={text}"]) == 2
    assert f"--max_dead_letter_ratio: {text!r} is no number from 0 to 1" in capsys.readouterr().err
    assert not Path("ops").exists()


def test_an_engine_elsewhere_cannot_keep_a_ratio(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [*ONCE, "--max_dead_letter_ratio=0.1", "--runner=FlinkRunner"]
    assert main(arguments) == 2
    assert "only a run on this machine knows its sums" in capsys.readouterr().err
