"""What is said where an engine is not there: one or two lines, and no traceback."""

from pathlib import Path

import pytest

from examples.engines.process import free_port
from pipeline.__main__ import main

CONFIGURATION = """\
connections:
  - {name: acme, bucket: acme-bucket, region: us-east-1, expected_bucket_owner: "123456789012"}
destinations:
  - {name: acme-web, connection: acme, match: {write_key: k}}
"""
RUN = ["--config=events.yaml", "--input=events.ndjson", "--ops_path=ops"]


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("events.yaml").write_text(CONFIGURATION)
    Path("events.ndjson").write_bytes(b'{"writeKey":"stranger"}\n')
    monkeypatch.setattr("pipeline.submission._ANSWER_SECONDS", 1.0)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--runner=PortableRunner"], "--job_endpoint is missing"),
        (
            ["--runner=PortableRunner", f"--job_endpoint=localhost:{free_port()}"],
            "no job server answered within 1 seconds: check the address",
        ),
        (
            ["--runner=PrismRunner", "--prism_location=nowhere"],
            "--prism_location=nowhere: there is no such file",
        ),
    ],
)
def test_an_engine_that_is_not_there_is_exit_code_2_and_nothing_is_written(
    options: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*RUN, *options]) == 2
    shown = capsys.readouterr().err
    assert shown.startswith("error: --")
    assert said in shown
    assert "Traceback" not in shown
    assert not Path("ops").exists()


def test_an_engine_that_cannot_be_fetched_is_exit_code_1_with_what_to_do(
    capsys: pytest.CaptureFixture[str],
) -> None:
    elsewhere = "--prism_location=https://127.0.0.1:1/prism.zip"
    assert main([*RUN, "--runner=PrismRunner", elsewhere]) == 1
    shown = capsys.readouterr().err
    assert "error: PrismRunner did not take the job: " in shown
    assert "--prism_location=FILE names a Prism that is there already." in shown
    assert "Traceback" not in shown
