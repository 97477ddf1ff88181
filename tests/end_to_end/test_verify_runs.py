"""`verify --config` after real runs, with their configuration and their ops path."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from pipeline.__main__ import main
from tests.end_to_end.runs import Runs, lines_that_start, put_below, stored
from tests.small_prefix import FIRST

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@pytest.fixture
def configured(runs: Runs, _as_owner: None) -> Callable[..., int]:
    """`verify --config` with the configuration of `runs`."""

    def command(*arguments: str) -> int:
        path = runs.folder / "events.yaml"
        path.write_text(yaml.safe_dump(runs.configuration))
        return main(["verify", f"--config={path}", *arguments])

    return command


GOOD = [b'{"writeKey":"k","receivedAt":"2026-11-20T10:0%d:00Z","n":%d}' % (n, n) for n in range(9)]


def nested(runs: Runs) -> dict[str, Any]:
    """Another destination, below the first one's prefix, that gets the same events."""
    first: dict[str, Any] = runs.configuration["destinations"][0]
    return {**first, "name": "acme-copy", "prefix": "logs/copy", "compression": "zstd"}


def test_a_run_is_verified_with_its_configuration_and_its_ops_path(
    runs: Runs,
    configured: Callable[..., int],
    owner: "S3Client",
    capsys: pytest.CaptureFixture[str],
) -> None:
    runs.configuration["destinations"].append(nested(runs))
    runs.write("events.ndjson", b"not json\n" + b"\n".join(GOOD) + b"\n")
    done = runs("--input=events.ndjson")
    assert done.returncode == 0, done.stderr
    assert configured() == 0
    out = capsys.readouterr().out
    assert f"compared with the ops path {runs.folder}/ops/: nothing is wrong" in out
    assert [line.split()[5] for line in out.splitlines() if line.lstrip().startswith("acme")] == [
        "9",
        "9",
    ]
    # What is of no destination of the configuration is foreign, wherever below a prefix it lies.
    put_below(owner, runs.bucket, {"notes.txt": b"", FIRST.replace("acme-web", "nobody"): b""})
    capsys.readouterr()
    assert configured() == 1
    said = lines_that_start(capsys.readouterr().out, "defect: ")
    assert [line.split(": ")[1] for line in said] == ["unlisted object"] * 2
    assert configured("--destination=acme-copy") == 0
    endpoint = runs.configuration["connections"][0]["endpoint_url"]
    assert main(["verify", f"s3://{runs.bucket}", f"--endpoint_url={endpoint}"]) == 1
    assert "defect: unlisted object" in capsys.readouterr().out


def test_a_window_that_is_gone_with_its_manifest_is_found_by_the_tallies(
    runs: Runs,
    configured: Callable[..., int],
    owner: "S3Client",
    capsys: pytest.CaptureFixture[str],
) -> None:
    runs.write("events.ndjson", b"\n".join(GOOD) + b"\n")
    assert runs("--input=events.ndjson", "--run_id=abcd2345").returncode == 0
    for key in stored(owner, runs.bucket):
        owner.delete_object(Bucket=runs.bucket, Key=key)
    assert configured() == 1
    [line] = lines_that_start(capsys.readouterr().out, "defect: ")
    assert line == (
        "defect: events unaccounted for: run abcd2345: expected 9, by the tallies; found 0 in"
        " listed objects + 0 missing"
    )


def test_a_run_before_its_destination_moved_is_no_defect(
    runs: Runs, configured: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    runs.write("events.ndjson", b"\n".join(GOOD) + b"\n")
    assert runs("--input=events.ndjson", "--run_id=abcd2345").returncode == 0
    runs.configuration["destinations"][0]["prefix"] = "moved"
    assert runs("--input=events.ndjson", "--run_id=efgh2345").returncode == 0
    assert configured() == 0
    [line] = lines_that_start(capsys.readouterr().out, "note: ")
    assert line.startswith(
        f"note: not compared: run abcd2345 of acme-web lies elsewhere: s3://{runs.bucket}/logs/"
    )


def test_parked_objects_are_missing_and_known_to_the_ops_path(
    runs: Runs,
    configured: Callable[..., int],
    owner: "S3Client",
    capsys: pytest.CaptureFixture[str],
) -> None:
    owner.delete_bucket_policy(Bucket=runs.bucket)
    runs.write("events.ndjson", b"\n".join(GOOD) + b"\n")
    assert runs("--input=events.ndjson").returncode == 3
    assert configured() == 3
    out = capsys.readouterr().out
    assert "9 events" in lines_that_start(out, "missing: object: ")[0]
    assert "parked: AccessDenied" in lines_that_start(out, "missing: manifest: ")[0]
    [parked] = [
        path for path in (runs.folder / "ops/parked").rglob("*.avro") if "manifest" not in path.name
    ]
    parked.unlink()
    assert configured() == 1
    assert lines_that_start(capsys.readouterr().out, "defect: ")[0].startswith(
        "defect: missing object not parked: "
    )


def test_without_manifests_it_is_said_and_not_verified(
    runs: Runs, configured: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    runs.configuration["destinations"][0]["manifest"] = "off"
    runs.configuration["destinations"].append(nested(runs))
    runs.write("events.ndjson", b"\n".join(GOOD) + b"\n")
    assert runs("--input=events.ndjson").returncode == 0
    assert configured() == 0
    assert "not verified: its manifests are off" in capsys.readouterr().out


def test_a_destination_that_is_not_configured_is_named(
    configured: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert configured("--destination=acme-wob") == 2
    assert "--destination: none is named 'acme-wob'; nearest: 'acme-web'" in capsys.readouterr().err
