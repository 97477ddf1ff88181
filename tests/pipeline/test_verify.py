import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline.__main__ import main
from pipeline.exit_codes import DONE, FAILED, PARKED
from pipeline.verify import settle
from pipeline.verify_options import plan_of
from pipeline.verify_report import Report, as_json, lines, print_report, verdict
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
        (["s3://bucket-a/x", "--jsn"], "--jsn is not known; nearest: '--json'"),
        (
            ["--config=x", "--destinaton", "a"],
            "--destinaton is not known; nearest: '--destination'",
        ),
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


def test_what_is_of_others_is_told_by_their_names_and_prefixes(tmp_path: Path) -> None:
    plan = plan_of([configuration(tmp_path)])
    logs, below, top = [place.scope.neighbours for place in plan.places]
    assert logs is not None
    assert below is not None
    assert top is not None
    assert logs.destinations == {"below": "two/", "top": "", "unlisted": ""}
    assert logs.folders == ("two/",)
    assert below.destinations == {"one": "", "two": "", "top": "", "unlisted": ""}
    assert below.folders == ()
    home = "logs/"
    assert top.destinations == {"one": home, "two": home, "below": "logs/two/", "unlisted": home}
    assert set(top.folders) == {"logs/", "logs/two/"}


def test_an_unread_place_is_never_all_well_in_the_verdict() -> None:
    report = Report([], [], [], unreadable=["s3://b/x: cannot list"])
    assert verdict(report).endswith("read: no defects, but 1 place could not be read")
    assert settle(report) == FAILED
    assert "1 defect, but" in verdict(Report([], [DEFECT], [], unreadable=["x"]))


def test_all_unreadable_is_still_one_document(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["verify", f"{tmp_path}/nowhere", "--json"]) == FAILED
    document = json.loads(capsys.readouterr().out)
    assert document["exit_code"] == FAILED
    assert document["unreadable"] == [f"{tmp_path}/nowhere: there is no such folder"]


def test_a_note_is_a_line_and_no_defect() -> None:
    report = Report([], [], [], notes=["no tallies of run R here: not compared"])
    assert list(lines(report)) == ["note: no tallies of run R here: not compared"]
    assert settle(report) == DONE


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
