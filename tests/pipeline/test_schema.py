"""The JSON Schema and the reference page say what the models do."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from pipeline.configuration_file import load_configuration
from pipeline.schema import EXAMPLE, json_schema, main, reference
from transforms.configuration import Configuration, Connection, Destination, Match, Ops, warnings
from transforms.refusals import Section

PAGE = Path(__file__).parents[2] / "docs" / "configuration.md"

CONNECTION = {
    "name": "acme-events",
    "bucket": "acme-events",
    "region": "us-east-1",
    "server_side_encryption": "aws:kms",
    "role_arn": "arn:aws:iam::111122223333:role/event-writer",
}
DESTINATION = {"name": "web", "connection": "acme-events", "match": {"write_key": "wk"}}
ENOUGH: dict[type[Section], dict[str, Any]] = {
    Configuration: {"connections": [CONNECTION], "destinations": [DESTINATION]},
    Connection: CONNECTION,
    Destination: DESTINATION,
    Match: {"write_key": "wk"},
    Ops: {"connection": "acme-events"},
}
FIELDS = [(model, name) for model in ENOUGH for name in model.model_fields]


def test_the_reference_page_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == reference(), "run: python -m pipeline.schema"


def test_the_reference_page_is_written_by_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "docs").mkdir()
    monkeypatch.chdir(tmp_path)
    main()
    assert (tmp_path / "docs" / "configuration.md").read_text(encoding="utf-8") == reference()


def test_the_pages_example_is_loaded_without_a_warning(tmp_path: Path) -> None:
    (block,) = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert block == EXAMPLE
    (tmp_path / "example.yaml").write_text(block)
    loaded = load_configuration(str(tmp_path / "example.yaml"))
    assert [destination.name for destination in loaded.destinations] == [
        "acme-web",
        "globex-orders",
    ]
    assert loaded.destinations[1].max_object_bytes == 134217728
    assert warnings(loaded) == []


@pytest.mark.parametrize(("model", "name"), FIELDS)
def test_every_field_has_a_meaning_and_an_example_that_is_accepted(
    model: type[Section], name: str
) -> None:
    field = model.model_fields[name]
    assert field.description
    assert field.description.endswith(".")
    assert field.examples
    for example in field.examples:
        given = {**ENOUGH[model], name: example}
        if (model, name) == (Ops, "path"):
            del given["connection"]
        assert model.model_validate(given)


@pytest.mark.parametrize(("model", "name"), FIELDS)
def test_every_field_has_its_row_on_the_page(model: type[Section], name: str) -> None:
    (row,) = re.findall(rf"^\| `{name}` \| .*$", section_of(model), re.MULTILINE)
    field = model.model_fields[name]
    assert row.count(" | ") == 4
    assert field.description
    assert field.description in row
    assert ("| required |" in row) is field.is_required()


def section_of(model: type[Section]) -> str:
    (section,) = (part for part in reference().split("\n## ") if f"\n\n{model.__doc__}\n" in part)
    return section


def test_links_on_the_page_lead_to_its_headings() -> None:
    headings = re.findall(r"^## (.*)$", reference(), re.MULTILINE)
    anchors = {re.sub(r"[^a-z ]", "", heading.lower()).replace(" ", "-") for heading in headings}
    links = re.findall(r"\]\(#(.*?)\)", reference())
    assert len(links) == 4
    assert set(links) <= anchors


def test_the_schema_describes_every_field_and_refuses_unknown_ones() -> None:
    schema = json_schema()
    assert json.loads(json.dumps(schema)) == schema
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    sections = {"Configuration": schema, **schema["$defs"]}
    assert set(sections) == {model.__name__ for model in ENOUGH}
    for model in ENOUGH:
        section = sections[model.__name__]
        assert section["additionalProperties"] is False
        assert set(section["properties"]) == set(model.model_fields)
        for described in section["properties"].values():
            assert described["description"]
            assert described["examples"]


def test_the_schema_takes_what_the_loader_takes() -> None:
    destination = json_schema()["$defs"]["Destination"]["properties"]
    assert [kind["type"] for kind in destination["max_object_bytes"]["anyOf"]] == [
        "integer",
        "string",
    ]
    match = json_schema()["$defs"]["Match"]["properties"]
    assert [kind["type"] for kind in match["write_key"]["anyOf"]] == ["string", "array"]
    assert json_schema()["properties"]["destinations"]["minItems"] == 1
