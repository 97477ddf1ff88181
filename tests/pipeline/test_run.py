"""How a run ends and what it says; runs against a real server are in `end_to_end`."""

from pathlib import Path

import pytest

from pipeline.__main__ import main
from pipeline.run import settle
from transforms.errors import JobError
from transforms.summarise import Summary

CONFIGURATION = """\
connections:
  - {name: acme, bucket: acme-bucket, region: us-east-1, expected_bucket_owner: "123456789012"}
destinations:
  - {name: acme-web, connection: acme, match: {write_key: k}}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("events.yaml").write_text(CONFIGURATION)
    Path("events.ndjson").write_bytes(b'{"writeKey":"stranger"}\n\noops\n')
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "nobody's")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "none")
    return tmp_path


def test_a_run_that_delivers_nothing_still_accounts_for_what_it_read(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--config=events.yaml", "--input=*.ndjson", "--ops_path=ops"]) == 0
    said = capsys.readouterr()
    assert (
        "events read 2 = matched 0 + unmatched 1 + opted out 0 + dead letters 1 (1 malformed)"
        in said.out
    )
    assert "30 B of 30 B read, 1 events" in said.err
    assert (folder / "ops" / "tallies").is_dir()


def test_without_credentials_nothing_is_read(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(folder / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(folder / "none"))
    assert main(["run", "--config=events.yaml", "--input=events.ndjson", "--ops_path=ops"]) == 2
    said = capsys.readouterr().err
    assert said.splitlines() == [
        "error: no AWS credentials: give them by the default chain, environment, files, or role"
    ]
    assert not Path("ops").exists()


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--input=events.ndjson", "--ops_path=ops"], "--config is missing"),
        (["--config=events.yaml", "--ops_path=ops"], "--input is missing"),
        (["--config=events.yaml", "--input=events.ndjson"], "--ops_path is missing"),
        (
            ["--config=events.yaml", "--input=events.ndjson", "--ops_path=s3://bucket/ops"],
            "--ops_path: on S3 it must be encrypted: name a connection",
        ),
        (
            ["--config=events.yaml", "--input=events.ndjson", "--ops_path=ops", "--unmatched=drop"],
            "--unmatched: 'drop' is neither count nor dead_letter",
        ),
        (["redrvie"], "'redrvie' is no option"),
    ],
)
def test_a_wrong_command_line_is_exit_code_2(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert said in captured.err
    assert captured.out == ""
    assert not Path("ops").exists(), "nothing is written where something is wrong"


@pytest.mark.usefixtures("folder")
def test_what_a_run_wrote_is_not_the_next_ones_input(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--config=events.yaml", "--input=**.ndjson*", "--ops_path=./ops/"]
    assert main(arguments) == 0
    Path("ops/again.ndjson").write_bytes(b"{}")
    assert main(arguments) == 2
    assert "lies in the ops path" in capsys.readouterr().err


@pytest.mark.usefixtures("folder")
def test_a_full_disk_is_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("transforms.spool.Spool._write", full)
    assert main(["--config=events.yaml", "--input=events.ndjson", "--ops_path=ops"]) == 1
    said = capsys.readouterr().err
    assert "No space left on device" in said
    assert "TMPDIR" in said
    assert "Traceback" not in said


def test_sums_that_do_not_add_up_fail_the_run() -> None:
    assert settle(Summary(read=1, matched=1)) == 0
    with pytest.raises(JobError, match="the sums do not add up: 2 records were read"):
        settle(Summary(read=2, matched=1))


@pytest.mark.usefixtures("folder")
def test_a_runner_that_does_not_exist_is_exit_code_2(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--config=events.yaml", "--input=events.ndjson", "--ops_path=ops"]
    assert main([*arguments, "--runner=FooRunner"]) == 2
    assert "error: --runner: Unexpected pipeline runner: FooRunner" in capsys.readouterr().err
    assert not Path("ops").exists()


def test_help_shows_our_options_and_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    said = capsys.readouterr().out
    for text in (
        "--config FILE",
        "--input GLOB",
        "--window DURATION",
        "exit codes",
        "schema",
        "kafka://…",
    ):
        assert text in said


def test_schema_and_version_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema"]) == 0
    assert '"destinations"' in capsys.readouterr().out
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.strip()[0].isdigit()
