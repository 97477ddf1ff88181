"""The benchmark's input: events of about 850 bytes for 20 destinations, over 12 windows.

The same number, seed and start give the same bytes. Every event is valid and goes to one
destination: what is compared is the cost of the way that almost all events take.
"""

from bisect import bisect
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from itertools import accumulate
from pathlib import Path
from random import Random
from typing import Final, NamedTuple
from uuid import UUID

from examples.demo.bodies import (
    APP_WEIGHTS,
    SERVER_WEIGHTS,
    WEB_WEIGHTS,
    app_context,
    compact,
    make_bodies,
    server_context,
    spaced,
    web_context,
)

WINDOWS: Final = 12
WINDOW_SECONDS: Final = 600
START: Final = datetime(2026, 11, 20, 10, tzinfo=timezone.utc)
DESTINATIONS: Final = {f"benchKey{n:02}Xc8Vn4Ts": f"customer-{n:02}" for n in range(20)}
"""By write key, the name of the destination."""

_SHAPE: Final = 1.16  # Pareto's: a fifth of the customers send most of the events
_INTEGRATIONS_SHARE: Final = 0.1
_JITTER_SECONDS: Final = 4.0
_SENDING_SECONDS: Final = 2.0
_SPAN_SECONDS: Final = WINDOWS * WINDOW_SECONDS
_SECONDS: Final = range(-int(_SENDING_SECONDS), _SPAN_SECONDS)
_VISITORS: Final = 4000
_PARTS: Final = 700  # few enough to be rendered quickly, enough that neighbours differ

_COMPACT: Final = (
    '{{"anonymousId":"{visitor}","channel":"{channel}","context":{context},{body},'
    '{integrations}"messageId":"ajs-next-{message:032x}","receivedAt":"{received}Z",'
    '"sentAt":"{sent}Z","timestamp":"{sent}Z","userId":null,"writeKey":"{write_key}"}}\n'
)
_SPACED: Final = (
    '{{"writeKey": "{write_key}", "userId": "{visitor}", "timestamp": "{sent}+00:00", '
    '"context": {context}, {body}, {integrations}"messageId": "{message:032x}", '
    '"channel": "{channel}", "receivedAt": "{received}Z", "version": 2}}\n'
)
_INTEGRATIONS: Final = '"integrations":{"All":true,"Mixpanel":{"distinctId":"3f0a"},"Braze":false},'


class _Sender(NamedTuple):
    """One kind of client: how it writes a line, and what it has to say."""

    channel: str
    line: str
    contexts: list[str]
    bodies: list[str]


def write_events(path: Path, count: int, seed: int = 1, start: datetime = START) -> None:
    """Writes events in the order of their times, but for a few seconds' jitter.

    Args:
        path: The file, plain line-separated JSON.
        count: How many events.
        seed: Decides all of their content, but for their times.
        start: Of the first window.
    """
    rng = Random(seed)  # noqa: S311 - repeatable, not secret
    with path.open("w", encoding="utf-8", newline="\n", buffering=2**20) as file:
        file.writelines(_lines(rng, count, start))


def _lines(rng: Random, count: int, start: datetime) -> Iterator[str]:
    senders = _senders(rng)
    keys = list(DESTINATIONS)
    shares = list(accumulate((rank + 1) ** -_SHAPE for rank in range(len(keys))))
    visitors = [str(UUID(int=rng.getrandbits(128))) for _ in range(_VISITORS)]
    seconds = {each: f"{start + timedelta(seconds=each):%Y-%m-%dT%H:%M:%S}" for each in _SECONDS}
    draw, bits = rng.random, rng.getrandbits
    for index in range(count):
        rank = bisect(shares, draw() * shares[-1])
        sender = senders[rank % len(senders)]
        received = _milliseconds(index * _SPAN_SECONDS / count + _JITTER_SECONDS * (draw() - 0.5))
        sent = received - int(1000 * _SENDING_SECONDS * draw())
        yield sender.line.format(
            write_key=keys[rank],
            channel=sender.channel,
            context=sender.contexts[int(draw() * _PARTS)],
            body=sender.bodies[int(draw() * _PARTS)],
            integrations=_INTEGRATIONS if draw() < _INTEGRATIONS_SHARE else "",
            message=bits(128),
            visitor=visitors[int(_VISITORS * draw() * draw())],
            # Rendering a time costs as much as all else: each second is rendered once.
            sent=f"{seconds[sent // 1000]}.{sent % 1000:03}",
            received=f"{seconds[received // 1000]}.{received % 1000:03}",
        )


def _milliseconds(seconds: float) -> int:
    """A time of receipt within the windows, whatever the jitter."""
    return min(max(int(seconds * 1000), 0), _SPAN_SECONDS * 1000 - 1)


def _senders(rng: Random) -> list[_Sender]:
    """Browsers, apps and back ends; customers have one or the other in turn."""
    kinds = (
        ("browser", _COMPACT, web_context, WEB_WEIGHTS, compact),
        ("server", _SPACED, server_context, SERVER_WEIGHTS, spaced),
        ("mobile", _COMPACT, app_context, APP_WEIGHTS, compact),
    )
    return [
        _Sender(
            channel,
            line,
            [render(context(rng)) for _ in range(_PARTS)],
            [body.members for body in make_bodies(rng, weights, render, _PARTS)],
        )
        for channel, line, context, weights, render in kinds
    ]
