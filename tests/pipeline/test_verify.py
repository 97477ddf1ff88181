from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline.__main__ import main
from pipeline.exit_codes import DONE, FAILED, PARKED
from pipeline.verify import settle
from pipeline.verify_options import plan_of
from pipeline.verify_report import Report, as_json, lines, print_report
from transforms.verification.records import Defect, Missing, Row

DEFECT = Defect("object removed", "acme", "s3://b/k", "an object of 5 events", "nothing")
MISSING = Missing("object", "acme", "s3://b/m", 4, "nothing")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "give either URLs"),
        (["s3://bucket-a/x", "--config=events.yaml"], "give either URLs"),
        (["s3://Bucket/x"], "is no bucket name"),
        (["gs://bucket/x"], "is neither s3://bucket/prefix nor a local folder"),
        (["s3://bucket-a/x", "--destination=a"], "--destination needs --config"),
        (["s3://bucket-a/x", "--run=R"], "--run: 'R' is no run's id"),
        (["s3://bucket-a/x", "--region=mars"], "--region: 'mars' is no AWS region"),
        (["s3://bucket-a/x", "--endpoint_url=http://s3.example.com"], "is not encrypted"),
        (["s3://bucket-a/x", "--jsn"], "unrecognized arguments: --jsn"),
        (["--config=nowhere.yaml"], "nowhere.yaml: cannot be read"),
    ],
)
def test_a_wrong_command_line_ends_with_two(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["verify", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: ")
    assert said in err


def test_help_is_of_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", "--help"]) == 0
    assert "s3:ListBucket and s3:GetObject" in capsys.readouterr().out


def configuration(folder: Path) -> str:
    def destination(name: str, prefix: str, **fields: Any) -> dict[str, Any]:  # noqa: ANN401
        match = {"write_key": "k"}
        return {"name": name, "connection": "acme", "prefix": prefix, "match": match, **fields}

    acme = {
        "name": "acme",
        "bucket": "acme-bucket",
        "region": "eu-west-1",
        "role_arn": "arn:aws:iam::111122223333:role/writer",
    }
    document = {
        "connections": [acme],
        "destinations": [
            destination("one", "logs"),
            destination("two", "logs/"),
            destination("below", "logs/two"),
            destination("top", ""),
            destination("unlisted", "logs", manifest="off"),
        ],
        "ops": {"path": "/ops"},
    }
    path = folder / "events.yaml"
    path.write_text(yaml.safe_dump(document))
    return f"--config={path}"


def test_destinations_that_share_a_prefix_are_verified_in_one_go(tmp_path: Path) -> None:
    plan = plan_of([configuration(tmp_path), "--run=abcd2345"])
    runs = frozenset({"abcd2345"})
    assert [(place.url, place.scope.destinations, place.scope.runs) for place in plan.places] == [
        ("s3://acme-bucket/logs", frozenset({"one", "two"}), runs),
        ("s3://acme-bucket/logs/two", frozenset({"below"}), runs),
        ("s3://acme-bucket", frozenset({"top"}), runs),
    ]
    assert [(row.destination, row.remark) for row in plan.unverified] == [
        ("unlisted", "not verified: its manifests are off")
    ]
    assert plan.ops is not None


def test_only_the_destinations_that_are_named_are_verified(tmp_path: Path) -> None:
    plan = plan_of([configuration(tmp_path), "--destination=two", "--destination=below"])
    assert [place.scope.destinations for place in plan.places] == [
        frozenset({"two"}),
        frozenset({"below"}),
    ]
    assert plan.unverified == []


def test_urls_are_compared_with_an_ops_path_only_where_one_is_named() -> None:
    assert plan_of(["s3://acme-bucket/logs"]).ops is None
    assert plan_of(["s3://acme-bucket/logs", "--ops_path=/ops"]).ops is not None


@pytest.mark.parametrize(
    ("defects", "missing", "code"),
    [
        ([], [], DONE),
        ([DEFECT], [], FAILED),
        ([DEFECT], [MISSING], FAILED),
        ([], [MISSING], PARKED),
    ],
)
def test_the_exit_code_tells_what_is_wrong_from_what_is_missing(
    defects: list[Defect], missing: list[Missing], code: int
) -> None:
    assert settle(Report([], defects, missing)) == code


def test_each_defect_and_each_missing_object_is_a_line() -> None:
    assert list(lines(Report([], [DEFECT], [MISSING]))) == [
        "defect: object removed: s3://b/k: expected an object of 5 events; found nothing",
        "missing: object: s3://b/m: 4 events; found nothing",
    ]


def test_ten_thousand_defects_do_not_flood_the_screen_but_are_in_the_document(
    capsys: pytest.CaptureFixture[str],
) -> None:
    report = Report([], [DEFECT] * 10_000, [])
    print_report(report)
    out = capsys.readouterr().out
    assert out.count("defect: ") == 1000
    assert "and 9,000 more; --json has all" in out
    assert as_json(report, FAILED).count("object removed") == 10_000


def test_brackets_in_a_place_are_shown_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    print_report(Report([Row("acme", "copy[red]", remark="cannot be read: [/x]")], [], []))
    out = capsys.readouterr().out
    assert "copy[red]" in out
    assert "cannot be read: [/x]" in out
