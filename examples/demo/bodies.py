"""The parts of events that many of them share: contexts, and what is peculiar to each type.

They are rendered once and put together many times: an event then costs a few microseconds.
"""

import json
from collections.abc import Callable
from random import Random
from typing import Any, Final, NamedTuple

from examples.demo.vocabulary import (
    BRANDS,
    CAMPAIGNS,
    CATEGORIES,
    CITIES,
    DEVICES,
    NAMES,
    PATHS,
    TITLES,
    TRACKED,
    USER_AGENTS,
)

Json = dict[str, Any]
Render = Callable[[Json], str]

_TYPES: Final = ("track", "page", "screen", "identify", "group", "alias")
WEB_WEIGHTS: Final = (46, 40, 0, 9, 3, 2)
APP_WEIGHTS: Final = (48, 0, 40, 8, 3, 1)
SERVER_WEIGHTS: Final = (80, 0, 0, 12, 6, 2)

_ODD: Final = 0.02
"""The share of bodies that hold what may mislead a careless reader of events."""


class Body(NamedTuple):
    """What is peculiar to an event's type, as the members of a JSON object without its braces."""

    type: str
    event: str | None
    members: str


def compact(value: Json) -> str:
    """JSON as browsers write it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def spaced(value: Json) -> str:
    """JSON as Python writes it: with spaces, and all text beyond ASCII escaped."""
    return json.dumps(value)


def make_bodies(rng: Random, weights: tuple[int, ...], render: Render, count: int) -> list[Body]:
    """Bodies of all types that `weights` asks for, each at least once."""
    wanted = [kind for kind, weight in zip(_TYPES, weights, strict=True) if weight]
    kinds = wanted + rng.choices(_TYPES, weights, k=count - len(wanted))
    return [_body(rng, kind, render) for kind in kinds]


def _body(rng: Random, kind: str, render: Render) -> Body:
    event = rng.choice(TRACKED) if kind == "track" else None
    members = {"type": kind} | ({"event": event} if event else {}) | _MEMBERS[kind](rng)
    return Body(kind, event, render(members)[1:-1])


def _track(rng: Random) -> Json:
    properties: Json = {
        "currency": rng.choice(("EUR", "USD", "JPY", "BRL")),
        "products": [_product(rng) for _ in range(rng.choice((1, 1, 1, 2)))],
        "cart_id": f"{rng.getrandbits(48):012x}",
        "coupon": rng.choice((None, "HERBST-10", "ÉTÉ")),
    }
    if rng.random() < _ODD:
        # Neither decides anything here: only the event's own members do.
        properties["debug"] = {"writeKey": "copied", "integrations": {"S3 Event Logs": False}}
        properties["order_number"] = rng.getrandbits(80)  # beyond 64 bits
        properties["note"] = 'line separator \u2028, quote ", NUL \u0000'
    return {"properties": properties}


def _product(rng: Random) -> Json:
    return {
        "product_id": f"P-{rng.randrange(10**6):06}",
        "name": rng.choice(TITLES),
        "brand": rng.choice(BRANDS),
        "category": rng.choice(CATEGORIES),
        "price": round(rng.uniform(1, 400), 2),
        "quantity": rng.randint(1, 4),
    }


def _page(rng: Random) -> Json:
    path = _path(rng)
    properties: Json = {
        "path": path,
        "title": rng.choice(TITLES),
        "url": f"https://shop.example{path}",
        "referrer": rng.choice(("", "https://search.example/", "https://news.example/a/481")),
        "width": rng.choice((390, 1280, 1512, 1920)),
        "experiments": {"nav": rng.choice("ab"), "price-badge": rng.choice("abc")},
    }
    return {"name": rng.choice(CATEGORIES), "properties": properties}


def _screen(rng: Random) -> Json:
    properties = {"title": rng.choice(TITLES), "tab": rng.randrange(5), "dark_mode": True}
    return {"name": rng.choice(("Home", "Product", "Basket")), "properties": properties}


def _identify(rng: Random) -> Json:
    locale, _, city = rng.choice(CITIES)
    traits = {
        "name": rng.choice(NAMES),
        "email": f"u{rng.randrange(10**6)}@mail.example",
        "address": {"city": city, "country": locale[-2:]},
        "createdAt": f"20{rng.randint(14, 25)}-0{rng.randint(1, 9)}-1{rng.randint(0, 9)}T08:30:00Z",
        "plan": rng.choice(("free", "team", None)),
    }
    return {"traits": traits}


def _group(rng: Random) -> Json:
    traits = {"name": rng.choice(BRANDS), "employees": rng.randrange(4, 4000), "industry": "retail"}
    return {"groupId": f"g-{rng.randrange(10**5)}", "traits": traits}


def _alias(rng: Random) -> Json:
    return {"previousId": f"{rng.getrandbits(128):032x}"}


_MEMBERS: Final[dict[str, Callable[[Random], Json]]] = {
    "track": _track,
    "page": _page,
    "screen": _screen,
    "identify": _identify,
    "group": _group,
    "alias": _alias,
}


def web_context(rng: Random) -> Json:
    """What a browser's library says of itself and its page."""
    locale, zone, _ = rng.choice(CITIES)
    path = _path(rng)
    context: Json = {
        "ip": _address(rng),
        "library": {"name": "analytics.js", "version": f"4.{rng.randrange(30)}.0"},
        "locale": locale,
        "page": {"path": path, "url": f"https://shop.example{path}", "search": ""},
        "timezone": zone,
        "userAgent": rng.choice(USER_AGENTS),
    }
    if rng.random() < 0.4:  # noqa: PLR2004 -- a share like any other
        context["campaign"] = {"name": rng.choice(CAMPAIGNS), "medium": "e-mail", "source": "crm"}
    return context


def app_context(rng: Random) -> Json:
    """What an app's library says of its device."""
    locale, zone, _ = rng.choice(CITIES)
    maker, model, system, version = rng.choice(DEVICES)
    return {
        "app": {"name": "Meadow", "version": f"7.{rng.randrange(12)}.1", "build": "2026.11"},
        "device": {"id": f"{rng.getrandbits(64):016x}", "manufacturer": maker, "model": model},
        "ip": _address(rng),
        "library": {"name": "analytics-mobile", "version": "5.2.1"},
        "locale": locale,
        "network": {"cellular": rng.random() < _ODD, "wifi": True, "carrier": "Télécom"},
        "os": {"name": system, "version": version},
        "screen": {"density": 3, "height": 852, "width": 393},
        "timezone": zone,
    }


def server_context(rng: Random) -> Json:
    """What a back end's library says."""
    library = {"name": "analytics-python", "version": f"2.3.{rng.randrange(5)}"}
    return {"library": library, "ip": _address(rng), "traits": {"name": rng.choice(NAMES)}}


def _path(rng: Random) -> str:
    return rng.choice(PATHS).format(n=rng.randrange(10**5))


def _address(rng: Random) -> str:
    return f"203.0.113.{rng.randrange(256)}"  # a range for documentation, RFC 5737
