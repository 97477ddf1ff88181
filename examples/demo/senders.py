"""Who sends the demo's events: browsers, apps and back ends, each with its own way of writing."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Final, NamedTuple

from examples.demo.bodies import (
    APP_WEIGHTS,
    SERVER_WEIGHTS,
    WEB_WEIGHTS,
    Body,
    Json,
    app_context,
    compact,
    make_bodies,
    server_context,
    spaced,
    web_context,
)
from examples.demo.customers import (
    APP_KEY,
    DESTINATIONS,
    PRESS_KEY,
    TRAVEL_KEY,
    UNKNOWN_KEYS,
    WEB_KEY,
)

# Few enough to be rendered quickly, and many enough that neighbours differ.
_BODIES: Final = 700
_CONTEXTS: Final = 1500


class Facts(NamedTuple):
    """What is an event's own; `user` and `integrations` are JSON already."""

    message: str
    visitor: str
    user: str
    happened: str
    sent: str
    received: str
    integrations: str


Write = Callable[[str, Facts, str, str], str]


@dataclass(frozen=True)
class Sender:
    """Events of one write key from one kind of client.

    Attributes:
        write_key: Whose events these are.
        share: How many of them there are, compared with other senders.
        write: Puts a line together from key, facts, context and body.
        contexts: Rendered contexts to choose from.
        bodies: Rendered bodies to choose from, with the names of the destinations that get them.
        opted_out: What `integrations` holds in an event that opts out.
    """

    write_key: str
    share: int
    write: Write
    contexts: list[str]
    bodies: list[tuple[Body, tuple[str, ...]]]
    opted_out: str


def make_senders(rng: Random) -> list[Sender]:
    """All senders, with what they have to say."""
    retired, staging = UNKNOWN_KEYS
    return [
        _web(rng, WEB_KEY, 34),
        _app(rng, APP_KEY, 14),
        _web(rng, PRESS_KEY, 22),
        _web(rng, TRAVEL_KEY, 12),
        _server(rng, TRAVEL_KEY, 15),
        _web(rng, retired, 2),
        _server(rng, staging, 1),
    ]


def _web(rng: Random, write_key: str, share: int) -> Sender:
    contexts = [compact(web_context(rng)) for _ in range(_CONTEXTS)]
    bodies = make_bodies(rng, WEB_WEIGHTS, compact, _BODIES)
    return _sender(write_key, share, _write_web, contexts, bodies)


def _app(rng: Random, write_key: str, share: int) -> Sender:
    contexts = [compact(app_context(rng)) for _ in range(_CONTEXTS)]
    bodies = make_bodies(rng, APP_WEIGHTS, compact, _BODIES)
    return _sender(write_key, share, _write_app, contexts, bodies)


def _server(rng: Random, write_key: str, share: int) -> Sender:
    contexts = [spaced(server_context(rng)) for _ in range(_CONTEXTS)]
    bodies = make_bodies(rng, SERVER_WEIGHTS, spaced, _BODIES)
    return _sender(write_key, share, _write_server, contexts, bodies)


def _sender(
    write_key: str, share: int, write: Write, contexts: list[str], bodies: list[Body]
) -> Sender:
    opt_out: Json = {"All": True, "S3 Event Logs": False}
    routed = [(body, _destinations(write_key, body)) for body in bodies]
    render = spaced if write is _write_server else compact
    return Sender(write_key, share, write, contexts, routed, render(opt_out))


def _destinations(write_key: str, body: Body) -> tuple[str, ...]:
    return tuple(
        destination.name
        for destination in DESTINATIONS
        if destination.takes(write_key, body.type, body.event)
    )


def _write_web(write_key: str, facts: Facts, context: str, body: str) -> str:
    return (
        f'{{"anonymousId":"{facts.visitor}","channel":"browser","context":{context},{body},'
        f'"integrations":{facts.integrations},"messageId":"ajs-next-{facts.message}",'
        f'"receivedAt":"{facts.received}Z","sentAt":"{facts.sent}Z",'
        f'"timestamp":"{facts.happened}Z","userId":{facts.user},"writeKey":"{write_key}"}}'
    )


def _write_app(write_key: str, facts: Facts, context: str, body: str) -> str:
    return (
        f'{{"messageId":"{facts.message}","timestamp":"{facts.happened}+00:00",{body},'
        f'"context":{context},"userId":{facts.user},"anonymousId":"{facts.visitor}",'
        f'"writeKey":"{write_key}","integrations":{facts.integrations},'
        f'"sentAt":"{facts.sent}Z","receivedAt":"{facts.received}Z"}}'
    )


def _write_server(write_key: str, facts: Facts, context: str, body: str) -> str:
    # Back ends send no receivedAt: the event's own timestamp decides.
    return (
        f'{{"writeKey": "{write_key}", "userId": {facts.user}, "timestamp": "{facts.happened}Z", '
        f'"context": {context}, {body}, "integrations": {facts.integrations}, '
        f'"messageId": "{facts.message}", "anonymousId": "{facts.visitor}", "version": 2}}'
    )
