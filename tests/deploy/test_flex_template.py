"""The flex template's description: as it is made now, and as Dataflow's API understands it."""

import json
import re
from pathlib import Path
from typing import Any

from deploy.dataflow.metadata import metadata
from pipeline.command_line import split_command_line

COMMITTED = Path("deploy/dataflow/metadata.json")
REMAKE = "make deploy/dataflow/metadata.json"

PARAMETERS: list[dict[str, Any]] = metadata()["parameters"]
# Of the type ParameterMetadata; tests/engines compares them with the API's own client.
FIELDS = {
    "name",
    "label",
    "helpText",
    "paramType",
    "isOptional",
    "regexes",
    "enumOptions",
    "defaultValue",
}
TYPES = {"TEXT", "GCS_READ_FILE", "ENUM"}


def test_the_file_is_what_the_options_make_now() -> None:
    assert json.loads(COMMITTED.read_text()) == metadata(), f"it is stale: {REMAKE}"


def test_parameters_have_the_fields_of_the_format_and_no_others() -> None:
    for parameter in PARAMETERS:
        assert set(parameter) <= FIELDS
        assert {"name", "label", "helpText", "paramType", "isOptional"} <= set(parameter)
        assert parameter["paramType"] in TYPES


def test_each_parameter_has_a_name_and_a_label_of_its_own() -> None:
    for field in ("name", "label"):
        assert len({parameter[field] for parameter in PARAMETERS}) == len(PARAMETERS)


def test_only_what_a_run_cannot_do_without_is_required() -> None:
    required = [each["name"] for each in PARAMETERS if not each["isOptional"]]
    assert required == ["config", "input"]


def test_a_default_passes_its_own_check() -> None:
    for parameter in PARAMETERS:
        default = parameter.get("defaultValue")
        patterns = [re.compile(pattern) for pattern in parameter.get("regexes", ())]
        assert default is None or all(pattern.fullmatch(default) for pattern in patterns)
        choices = [option["value"] for option in parameter.get("enumOptions", ())]
        assert default is None or not choices or default in choices


def test_the_choices_of_a_parameter_are_listed() -> None:
    (unmatched,) = (each for each in PARAMETERS if each["name"] == "unmatched")
    assert unmatched["enumOptions"] == [{"value": "count"}, {"value": "dead_letter"}]


def test_the_checks_take_what_the_options_take() -> None:
    patterns = {each["name"]: each["regexes"][0] for each in PARAMETERS if "regexes" in each}
    good = {
        "window": ["30s", "10m", "1h", "2d"],
        "max_event_bytes": ["512", "64kB", "1MiB", "64 MiB", "1GB"],
        "ops_path": ["gs://bucket/ops", "s3://bucket/ops"],
        "run_id": ["abcd2345"],
    }
    bad = {
        "window": ["10", "ten", "1w"],
        "max_event_bytes": ["1 TiB", "much"],
        "ops_path": ["ops", "./ops"],
        "run_id": ["ABCD2345", "abc"],
    }
    for name, texts in good.items():
        assert all(re.fullmatch(patterns[name], text) for text in texts), name
    for name, texts in bad.items():
        assert not any(re.fullmatch(patterns[name], text) for text in texts), name


def test_the_command_knows_every_parameter() -> None:
    ours, theirs = split_command_line([f"--{each['name']}=x" for each in PARAMETERS])
    assert theirs == []
    assert all(getattr(ours, each["name"]) for each in PARAMETERS)
