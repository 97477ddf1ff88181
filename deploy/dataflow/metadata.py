"""The parameters of the flex template, made of the options of `run`.

    python -m deploy.dataflow.metadata > deploy/dataflow/metadata.json

What the fields mean: the type TemplateMetadata of Dataflow's API, version v1b3.
"""

import argparse
import json
import re
import sys
from collections.abc import Iterator
from typing import Any, Final

from pipeline.options import EventLogsOptions
from pipeline.stream_options import StreamOptions

_REQUIRED: Final = frozenset({"config", "input"})
_NOT_THERE: Final = frozenset({"max_dead_letter_ratio"})  # of a run on one machine alone
# A console shows a file's parameter with a browser for buckets.
_FILES_TO_READ: Final = frozenset({"config"})
_CHOICES: Final = re.compile(r"[a-z_]+(\|[a-z_]+)+")
_PATTERNS: Final = {
    "DURATION": r"[0-9]{1,9}[smhd]",
    "SIZE": r"[0-9]{1,15} ?([kKMG]i?)?B?",
    "FOLDER": r"(gs|s3)://.+",
    "ID": r"[a-z0-9]{8}",
}
_WORDS: Final = {"id": "id", "avro": "Avro", "kafka": "Kafka", "ttl": "TTL"}


def metadata() -> dict[str, Any]:
    """The template's description, as `gcloud dataflow flex-template build` takes it."""
    return {
        "name": "s3-event-logs",
        "description": (
            "Delivers each customer's raw click-stream events, from files or Kafka, into the"
            " customer's own Amazon S3 bucket."
        ),
        # The shuffle before a put must keep what it has once let through.
        "supportsAtLeastOnce": False,
        "supportsExactlyOnce": True,
        "parameters": [_parameter(each) for each in _options() if each.dest not in _NOT_THERE],
    }


def _options() -> Iterator[argparse.Action]:
    parser = argparse.ArgumentParser(add_help=False)
    for options in (EventLogsOptions, StreamOptions):
        options._add_argparse_args(parser)  # noqa: SLF001 - the hook that Beam gives
    yield from parser._actions  # noqa: SLF001 - argparse has no other list of them


def _parameter(option: argparse.Action) -> dict[str, Any]:
    shape = str(option.metavar)
    choices = shape.split("|") if _CHOICES.fullmatch(shape) else []
    parameter: dict[str, Any] = {
        "name": option.dest,
        "label": _label(option.dest),
        "helpText": str(option.help),
        "paramType": _type(option.dest, choices),
        "isOptional": option.dest not in _REQUIRED,
    }
    if choices:
        parameter["enumOptions"] = [{"value": choice} for choice in choices]
    if shape in _PATTERNS:
        parameter["regexes"] = [f"^{_PATTERNS[shape]}$"]
    if option.default is not None:
        parameter["defaultValue"] = option.default
    return parameter


def _type(name: str, choices: list[str]) -> str:
    if choices:
        return "ENUM"
    return "GCS_READ_FILE" if name in _FILES_TO_READ else "TEXT"


def _label(name: str) -> str:
    first, *others = name.split("_")
    return " ".join([_WORDS.get(first, first.capitalize()), *(_WORDS.get(o, o) for o in others)])


if __name__ == "__main__":
    json.dump(metadata(), sys.stdout, indent=2)
    sys.stdout.write("\n")
