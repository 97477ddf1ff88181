"""The command line of `verify`: which places to check, against which ops path."""

import argparse
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

from pipeline.command_parser import Parser, UsageError, command_parser
from pipeline.ops_path import configuration_of, ops_path_of
from pipeline.values import Values
from transforms.bucket_rules import valid_bucket, valid_endpoint, valid_region
from transforms.configuration import Configuration, Destination
from transforms.connection import Connection
from transforms.folder_tree import FolderTree
from transforms.keys import valid_run
from transforms.object_tree import ObjectTree, TreeError
from transforms.places import OpsPath
from transforms.refusals import nearest, quote
from transforms.s3_bucket import owners_bucket
from transforms.verification.records import Neighbours, Row, Scope

_S3: Final = "s3://"
_USAGE: Final = """\
s3-event-logs verify URL [URL …] [--region REGION] [--endpoint_url ADDRESS] [option …]
       s3-event-logs verify --config FILE [--destination NAME …] [option …]"""
_ABOUT: Final = """\
Checks prefixes of buckets, or folders that are copies of them, against their manifests: that each
listed object is there, unchanged, whole, and holds as many events as it should; that each line is a
JSON object; and that nothing else lies there. Reads everything, changes nothing.

The credentials are those of the AWS default chain (AWS_PROFILE …), never a connection's role. They
need s3:ListBucket and s3:GetObject, as the bucket's owner has them."""
_CODES: Final = """\
exit codes: 0 nothing is wrong or missing; 1 something is wrong, or cannot be read; 2 the command
line or the configuration is wrong; 3 nothing is wrong, but refused objects are parked; 130
interrupted"""


_Home = tuple[str, str, str]
"""An endpoint, a bucket, and a folder in it that ends with a slash."""


class Place(NamedTuple):
    """One place to verify.

    Attributes:
        url: As people know it.
        tree: Opens it.
        scope: What of it.
    """

    url: str
    tree: Callable[[], ObjectTree]
    scope: Scope


class Plan(NamedTuple):
    """What is to be verified.

    Attributes:
        scope: The runs and destinations that the ops path is asked for.
        unverified: Destinations that cannot be verified, with the reason.
    """

    places: list[Place]
    ops: OpsPath | None
    scope: Scope
    unverified: list[Row]
    json: bool


def plan_of(arguments: Sequence[str]) -> Plan:
    """Checks a command line, and the configuration that it names.

    Raises:
        UsageError: With one line for each mistake.
    """
    parser = _parser()
    options, unknown = parser.parse_known_intermixed_args(list(arguments))
    if unknown := [text for text in unknown if text.startswith("-")]:
        raise UsageError(*(_unknown(text, parser) for text in unknown))
    values = Values()
    runs = [values.take("run", run, valid_run) for run in options.run]
    scope = Scope(None, frozenset(filter(None, runs)) or None)
    _refuse_mixtures(options, values)
    configuration = configuration_of(options.config, values) if options.config else None
    ops = None
    if options.ops_path or (configuration and configuration.ops):
        ops = ops_path_of(options.ops_path, configuration, values)
    places = _of_urls(options, scope, values)
    unverified: list[Row] = []
    if configuration:
        chosen = _chosen(configuration, options.destination, values)
        scope = Scope(frozenset(each.name for each in chosen), scope.runs)
        places, unverified = _of_configuration(configuration, chosen, scope)
    if values.mistakes:
        raise UsageError(*values.mistakes)
    return Plan(places, ops, scope, unverified, options.json)


def help_text() -> str:
    """What `verify --help` says."""
    return _parser().format_help()


def _parser() -> Parser:
    parser = command_parser(_USAGE, _ABOUT, _CODES)
    add = parser.add_argument
    add("url", nargs="*", metavar="URL", help="s3://bucket/prefix, or a local folder")
    add("--config", metavar="FILE", help="verify the prefixes of this configuration's destinations")
    add(
        "--destination",
        action="append",
        default=[],
        metavar="NAME",
        help="of the configuration, this one alone; repeatable",
    )
    add("--region", help="of the buckets (default: the environment's; S3 tells where one lies)")
    add("--endpoint_url", metavar="ADDRESS", help="another address for S3")
    add(
        "--ops_path",
        metavar="FOLDER",
        help="check also against the tallies, dead letters and parked objects there (default: the"
        " configuration's ops)",
    )
    add("--run", action="append", default=[], metavar="ID", help="this run alone; repeatable")
    add("--json", action="store_true", help="print one JSON document instead of a table")
    return parser


def _unknown(text: str, parser: Parser) -> str:
    name = text.partition("=")[0]
    return f"{name} is not known{nearest(name, parser.names)}"


def _refuse_mixtures(options: argparse.Namespace, values: Values) -> None:
    if bool(options.url) == bool(options.config):
        values.mistakes.append("give either URLs (s3://bucket/prefix, a folder) or --config=FILE")
    elif options.config and (options.region or options.endpoint_url):
        values.mistakes.append("--region and --endpoint_url stand in the configuration already")
    elif options.url and options.destination:
        values.mistakes.append("--destination needs --config")


def _of_urls(options: argparse.Namespace, scope: Scope, values: Values) -> list[Place]:
    region = values.take("region", options.region, valid_region)
    endpoint = values.take("endpoint_url", options.endpoint_url, valid_endpoint)
    places = []
    for url in dict.fromkeys(options.url):
        try:
            places.append(Place(url, _opener(url, region, endpoint), scope))
        except ValueError as error:  # noqa: PERF203 - a few
            values.mistakes.append(f"{url}: {error}")
    return places


def _opener(url: str, region: str | None, endpoint: str | None) -> Callable[[], ObjectTree]:
    if url.startswith(_S3):
        bucket, _, prefix = url.removeprefix(_S3).partition("/")
        return partial(owners_bucket, valid_bucket(bucket), prefix, region, endpoint)
    if "://" in url:
        raise ValueError("is neither s3://bucket/prefix nor a local folder")
    return partial(_local, url)


def _local(path: str) -> ObjectTree:
    if not Path(path).is_dir():
        what = "is a file, not a folder" if Path(path).exists() else "there is no such folder"
        raise TreeError(f"{path}: {what}")
    return FolderTree(path)


def _chosen(configuration: Configuration, names: list[str], values: Values) -> list[Destination]:
    every = {each.name: each for each in configuration.destinations}
    for name in names:
        if name not in every:
            hint = nearest(name, list(every))
            values.mistakes.append(f"--destination: none is named {quote(name)}{hint}")
    return [each for each in every.values() if not names or each.name in names]


def _of_configuration(
    configuration: Configuration, chosen: Sequence[Destination], scope: Scope
) -> tuple[list[Place], list[Row]]:
    """A place for each prefix, since several destinations may share one; and what has no manifests.

    Another destination may nest below: its objects are told by their names and its own prefix.
    """
    unverified = []
    shared: dict[tuple[str, str], list[Destination]] = {}
    for each in chosen:
        connection = configuration.connection_of(each)
        url = f"{_S3}{connection.bucket}/{each.prefix}".rstrip("/")
        if each.manifest == "off":
            unverified.append(Row(each.name, url, remark="not verified: its manifests are off"))
        else:
            shared.setdefault((url, connection.endpoint_url or ""), []).append(each)
    every = configuration.destinations
    read = [each.name for sharing in shared.values() for each in sharing]
    places = []
    for (url, _), sharing in shared.items():
        connection = configuration.connection_of(sharing[0])
        opener = partial(
            owners_bucket,
            connection.bucket,
            sharing[0].prefix,
            connection.region,
            connection.endpoint_url,
            connection.expected_bucket_owner,
        )
        names = frozenset(each.name for each in sharing)
        homes = {each.name: _home(configuration.connection_of(each), each.prefix) for each in every}
        own = _home(connection, sharing[0].prefix)
        neighbours = Neighbours(
            {
                name: folder
                for name, home in homes.items()
                if name not in names and (folder := _below(own, home)) is not None
            },
            tuple(folder for name in read if (folder := _below(own, homes[name]))),
        )
        places.append(Place(url, opener, Scope(names, scope.runs, neighbours)))
    return places, unverified


def _home(connection: Connection, prefix: str) -> _Home:
    prefix = prefix.rstrip("/")
    folder = f"{prefix}/" if prefix else ""
    return connection.endpoint_url or "", connection.bucket, folder


def _below(own: _Home, other: _Home) -> str | None:
    """What of a place is another's: a folder below it, all of it (``), or nothing."""
    if own[:2] != other[:2]:
        return None
    if own[2].startswith(other[2]):
        return ""
    return other[2].removeprefix(own[2]) if other[2].startswith(own[2]) else None
