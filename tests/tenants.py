"""Three hundred tenants of one bucket, with write keys, prefixes and events that mean mischief.

Whose an event is, is told here by the standard library alone.
"""

import gzip
import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

RUN: Final = "tenants1"

WRITE_KEYS: Final = [
    "wk_acme",
    "wk_аcme",  # noqa: RUF001 - its a is Cyrillic
    "wk_acmé",  # one character, and in the next line two
    "wk_acme\N{COMBINING ACUTE ACCENT}",
    "WK_ACME",
    "Wk_acme",
    "wk_acme ",
    " wk_acme",
    "wk_acme\N{NO-BREAK SPACE}",
    "wk_acme\N{ZERO WIDTH SPACE}",
    "wk_acme\N{RIGHT-TO-LEFT OVERRIDE}",
    "\N{ZERO WIDTH SPACE}",
    "\N{BYTE ORDER MARK}wk_acme",
    "wk_ﬁ",
    "wk_fi",
    "wk_\N{KELVIN SIGN}",
    "wk_K",
    "wk_k",
    "wk_ß",
    "wk_ss",
    "wk_acme\\u0000",  # six characters that look like one
    "\\u0077k_acme",
    "wk_acme/",
    "../wk_acme",
    "../../etc/passwd",
    "a/b/../../wk_acme",
    "/",
    ".",
    "..",
    "__proto__",
    "constructor",
    "writeKey",
    "null",
    "None",
    "0",
    "*",
    "%2e%2e%2f",
    "wk_acme' OR '1'='1",
    '"},{"writeKey":"wk_acme',
    "${jndi:ldap://wk_acme}",
    "{destination}",
    "s3://customers/a/b/",
    "\N{PILE OF POO}",
    "wk_" + "x" * 5_000,
    "wk_" + "x" * 4_999,
]

PREFIXES: Final = [
    "",
    "a",
    "a/b",
    "a/b/2026",
    "a/2026/11/20/10",
    "a b/c ",
    "A",
    "日誌/événements",
    "e\N{COMBINING ACUTE ACCENT}",
    "é",
    "100%/+&=?#*'()[]{}!~^;,:@$|<>",
    "...",
    "%2e%2e",
    "_a_p0",
    "date=2026-11-20/hour=10",
]

# None of these is anybody's.
STRANGERS: Final = [
    "wk_acme\0",
    "wk_acme\n",
    "\nwk_acme",
    "wk_acme\r",
    "wk_acme\t",
    "wk_acm",
    "wk_acmee",
    "wK_acme",
    "wk_ACME",
    "wk_ａcme",  # noqa: RUF001 - its a is of double width
    "",
    " ",
    None,
    0,
    True,
    ["wk_acme"],
    {"writeKey": "wk_acme"},
]


class Tenant(NamedTuple):
    name: str
    prefix: str
    write_key: str


# Names that begin alike, prefixes that lie in each other, and many that share one.
TENANTS: Final = [
    Tenant(f"acme-{number}" if number else "acme", PREFIXES[number % len(PREFIXES)], write_key)
    for number, write_key in enumerate([*WRITE_KEYS, *(f"wk_{n}" for n in range(300))][:300])
]


def configuration(connection: Mapping[str, Any]) -> dict[str, Any]:
    """All tenants in the bucket of one connection."""
    return {
        "connections": [dict(connection)],
        "destinations": [
            {
                "name": tenant.name,
                "connection": connection["name"],
                "prefix": tenant.prefix,
                "match": {"write_key": tenant.write_key},
            }
            for tenant in TENANTS
        ],
    }


def spellings(write_key: object) -> Iterator[str]:
    """The same write key in JSON, as clients may write it."""
    yield json.dumps(write_key, ensure_ascii=False)
    if isinstance(write_key, str):
        yield json.dumps(write_key)
        units = write_key.encode("utf-16-be")
        escapes = (f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))
        yield f'"{"".join(escapes)}"'


def mischief(number: int) -> str:
    """What an event says of others: their keys, their prefixes, and where objects should go."""
    other, further = TENANTS[number % 300], TENANTS[number * 7 % 300]
    return json.dumps(
        {
            "n": number,
            "WriteKey": other.write_key,
            "destination": other.name,
            "prefix": f"{other.prefix}/../{further.prefix}",
            "key": f"{other.prefix}/2026/11/20/10/{other.name}_20261120T100000Z.ndjson.gz\0\r\n",
            "context": {"writeKey": further.write_key, "bucket": "s3://elsewhere/"},
            "__proto__": {"writeKey": other.write_key},
            "text": f'"}}\n{{"writeKey":{json.dumps(further.write_key)}}}',
        },
        ensure_ascii=number % 2 == 0,
    )[1:]


def events() -> list[bytes]:
    """Events of all tenants in turn, in all spellings, and those of strangers in between."""
    keys: list[object] = [tenant.write_key for tenant in TENANTS]
    written = [text for key in keys + STRANGERS for text in spellings(key)]
    start = '{"receivedAt":"2026-11-20T10:00:00Z",'
    found = [f'{start}"writeKey":{key},{mischief(n)}' for n, key in enumerate(written)]
    # Said twice, the last one counts, as JavaScript has it; half an emoji takes the other parser.
    pairs = list(zip(written, written[5:], strict=False))[:99]
    found += [f'{start}"writeKey":{one},"writeKey":{two},"n":-1}}' for one, two in pairs]
    found += [f'{start}"writeKey":{one},"n":"\\ud83d","writeKey":{two}}}' for one, two in pairs]
    order = sorted(found, key=lambda event: hashlib.md5(event.encode()).digest())  # noqa: S324
    return [event.encode() for event in order]


def owned(lines: Iterable[bytes]) -> dict[str, list[bytes]]:
    """By a tenant's name, its events, in their order; by an empty one those of nobody."""
    names = {tenant.write_key: tenant.name for tenant in TENANTS}
    found: dict[str, list[bytes]] = {}
    for line in lines:
        key = json.loads(line)["writeKey"]
        name = names.get(key, "") if isinstance(key, str) else ""
        found.setdefault(name, []).append(line)
    return found


def assert_each_has_its_own(
    bucket: str, objects: Mapping[str, bytes], lines: Sequence[bytes]
) -> None:
    """Each tenant has one object of exactly its events and one manifest of it; nobody has more."""
    owners, left = owned(lines), dict(objects)
    for tenant in TENANTS:
        stem = (
            f"{tenant.name}_20261120T100000Z_20261120T101000Z_{RUN}-",
            "_p0",
        )
        folder = f"{tenant.prefix}/2026/11/20/10/".removeprefix("/")
        key = _only(left, folder + stem[0], f"{stem[1]}_00000-of-00001.ndjson.gz")
        manifest_key = _only(left, f"{folder}_{stem[0]}", f"{stem[1]}.manifest.json")
        body, manifest = left.pop(key), json.loads(left.pop(manifest_key))
        assert gzip.decompress(body).split(b"\n") == [*owners[tenant.name], b""], tenant
        assert manifest["destination"] == tenant.name
        [listed] = manifest["objects"]
        assert listed["url"] == f"s3://{bucket}/{key}"
        assert [entry["url"] for entry in manifest["entries"]] == [listed["url"]]
        assert listed["sha256"] == hashlib.sha256(body).hexdigest()
        assert listed["events"] == len(owners[tenant.name])
    assert left == {}


def _only(objects: Iterable[str], start: str, end: str) -> str:
    name = re.compile(f"{re.escape(start)}[a-z2-7]{{4}}{re.escape(end)}")
    [found] = [key for key in objects if name.fullmatch(key)]
    return found
