"""The configuration's JSON Schema, and the reference page that is made from the same fields.

`python -m pipeline.schema` writes `docs/configuration.md` anew; a test holds it current.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from pydantic.fields import FieldInfo

from transforms.configuration import Configuration, Connection, Destination, Match, Ops
from transforms.refusals import Section
from transforms.units import format_size

EXAMPLE: Final = """\
# A connection is a bucket with its region and encryption; many destinations can use it.
connections:
  - name: acme-events
    bucket: acme-events
    region: us-east-1                      # exactly as AWS shows it
    server_side_encryption: AES256
    expected_bucket_owner: "111122223333"  # in quotes, or YAML reads a number

  - name: globex-events
    bucket: globex-events
    region: eu-west-1
    server_side_encryption: aws:kms
    kms_key_id: arn:aws:kms:eu-west-1:444455556666:key/1234abcd-12ab-34cd-56ef-1234567890ab
    bucket_key_enabled: true
    expected_bucket_owner: "444455556666"
    role_arn: arn:aws:iam::444455556666:role/event-writer
    external_id: globex-7f3c

  - name: operations
    bucket: our-operations
    region: us-east-1
    server_side_encryption: AES256
    expected_bucket_owner: "777788889999"

# A destination is a named stream of events into one connection under one prefix.
destinations:
  - name: acme-web
    connection: acme-events
    prefix: Astronomer-logs
    match:
      write_key: wk_acme_web

  - name: globex-orders
    connection: globex-events
    prefix: events/orders
    match:
      write_key: [wk_globex_web, wk_globex_ios]
      type: track
      event: [Order Completed, Order Refunded]
    compression: zstd
    max_object_bytes: 128MiB
    shards: 4
    layout: hive

# The operator's own place, for dead letters, receipts and tallies.
ops:
  connection: operations
  prefix: s3-event-logs
"""

_INTRODUCTION: Final = """\
# Configuration

<!-- Written by `python -m pipeline.schema` from the fields of the models: change those. -->

One YAML file names the buckets, the streams of events into them, and the operator's own place.
It is checked before anything is read: fields that are not known are refused, and every error is
shown at once, each with its line. `s3-event-logs schema` prints the JSON Schema for editors.

No credentials stand in this file. They come from the AWS default chain (environment, shared files,
the machine's or the pod's role), or from a connection's `role_arn`.
"""

_RELOAD: Final = """\
## Changing it under a stream

A bounded run reads the file once. The workers of a stream read it again every `--config_ttl`
(default 60 s), each by itself, so that for about so long some go by the old version and some by the
new one. No restart is needed:

- A new version holds for what is read after it came into force. Events that are packed already keep
  the keys that they had: a change in the middle of a window starts new objects beside the old ones
  and never mixes with them.
- Encryption headers, tags, role and endpoint are those of today's connection, for every put.
- What was packed for another bucket or `expected_bucket_owner` than the destination has now is
  parked as `destination changed`; what was packed for a destination that is no longer in the file,
  as `destination removed`. Nothing follows a name into another bucket.
- `enabled: false` lets through what is under way, and nothing more.
- A version that cannot be used is refused as a whole, in the words of the start-up check, at level
  ERROR in the workers' log, and counted in the metric `configuration:reload_failed`; what was in
  force stays so. The same holds where the file cannot be read. It is said again every five minutes.
- What a new version changes is said in one line of the log, and counted in the metric
  `configuration:reloaded`.
- A worker that starts, or starts again, reads the file before it takes any work. Where it cannot,
  it goes by the configuration that the job was submitted with, and says so.

Workers must find the file at the path or URL that the job was submitted with. Replace it in one
step (write another file and rename it; object stores and Kubernetes' ConfigMaps do so by
themselves): half a file can be a valid one, of fewer destinations. `ops` is not followed: to move
the operator's own place, start the job again. A change of it is warned of in the log.
"""

_TITLES: Final[dict[type[Section], str]] = {
    Configuration: "The file",
    Connection: "`connections[]`",
    Destination: "`destinations[]`",
    Match: "`destinations[].match`",
    Ops: "`ops`",
}


def json_schema() -> dict[str, Any]:
    """The configuration's JSON Schema, of the 2020-12 draft."""
    schema = Configuration.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def reference() -> str:
    """The configuration's reference page, in Markdown."""
    parts = [_INTRODUCTION, f"```yaml\n{EXAMPLE}```\n"]
    schemas = json_schema()
    for model, title in _TITLES.items():
        schema = schemas if model is Configuration else schemas["$defs"][model.__name__]
        rows = "\n".join(_rows(model, schema["properties"]))
        head = "| field | type | default | meaning | example |\n| --- | --- | --- | --- | --- |"
        parts.append(f"## {title}\n\n{model.__doc__}\n\n{head}\n{rows}\n")
    parts.append(_RELOAD)
    return "\n".join(parts)


def _rows(model: type[Section], properties: dict[str, Any]) -> Iterator[str]:
    for name, field in model.model_fields.items():
        cells = (
            f"`{name}`",
            _type(properties[name]),
            _default(name, field),
            field.description or "",
            _example(name, field),
        )
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _type(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        return f"[{_title(schema['$ref'])}](#{_anchor(schema['$ref'])})"
    if "enum" in schema:
        return " or ".join(f"`{value}`" for value in schema["enum"])
    if "anyOf" in schema:
        kinds = [_type(kind) for kind in schema["anyOf"] if kind.get("type") != "null"]
        return " or ".join(kinds)
    if schema["type"] == "array":
        return f"list of {_type(schema['items'])}"
    if schema["type"] == "integer" and schema.get("maximum", 0) < 2**20 and "minimum" in schema:
        return f"whole number, {schema['minimum']} to {schema['maximum']}"
    return _WORDS[schema["type"]]


_WORDS: Final = {
    "string": "text",
    "integer": "whole number",
    "boolean": "`true` or `false`",
    "object": "mapping of text to text",
}


def _title(ref: str) -> str:
    return ref.rpartition("/")[2].lower()


def _anchor(ref: str) -> str:
    titles = {model.__name__: title for model, title in _TITLES.items()}
    heading = titles[ref.rpartition("/")[2]].lower()
    return "".join(c for c in heading if c.isalnum())  # as GitHub makes them: without signs


def _default(name: str, field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    default = field.get_default(call_default_factory=True)
    if default == "":
        return "empty"
    if default in (None, {}):
        return "none"
    if name == "max_object_bytes":
        return f"`{format_size(default).replace('.0 ', '')}`"
    return f"`{json.dumps(default)}`" if isinstance(default, bool) else f"`{default}`"


def _example(name: str, field: FieldInfo) -> str:
    # JSON is YAML too: an example can be copied as it stands.
    example = (field.examples or [None])[0]
    text = example if isinstance(example, str) and name != "expected_bucket_owner" else None
    return f"`{name}: {text or json.dumps(example)}`"


def main() -> None:
    """Writes the reference page; from the project's folder."""
    Path("docs", "configuration.md").write_text(reference(), encoding="utf-8")


if __name__ == "__main__":
    main()
