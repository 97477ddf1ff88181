"""What a new configuration changes, in words for the operator's log."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from transforms.configuration import Configuration
from transforms.connection import Connection
from transforms.destination import Destination

_MOST_NAMES: Final = 5


def changes(before: Configuration, after: Configuration) -> str:
    """One line, e.g. `added: acme-ios; disabled: beta-all`; empty where nothing changes."""
    old = {each.name: each for each in before.destinations}
    new = {each.name: each for each in after.destinations}
    kept = [name for name in old if name in new]
    turned = [name for name in kept if old[name].enabled != new[name].enabled]
    differing = [name for name in kept if _differ(old[name], new[name])]
    return "; ".join(
        filter(
            None,
            (
                _listed("added", [name for name in new if name not in old]),
                _listed("removed", [name for name in old if name not in new]),
                _listed("enabled", [name for name in turned if new[name].enabled]),
                _listed("disabled", [name for name in turned if old[name].enabled]),
                _listed("changed", differing),
                _listed("changed connections", list(_changed_connections(before, after))),
            ),
        )
    )


def ops_changed(before: Configuration, after: Configuration) -> bool:
    """Whether the operator's own place is another, or is written to in another way."""
    return before.ops != after.ops or _ops_connection(before) != _ops_connection(after)


def _differ(old: Destination, new: Destination) -> bool:
    return old != new.model_copy(update={"enabled": old.enabled})


def _changed_connections(before: Configuration, after: Configuration) -> Iterator[str]:
    old: Mapping[str, Connection] = {each.name: each for each in before.connections}
    for each in after.connections:
        if each.name in old and each != old[each.name]:
            yield each.name


def _ops_connection(configuration: Configuration) -> Connection | None:
    ops = configuration.ops
    if ops is None or ops.connection is None:
        return None
    return configuration.connection_of(ops)


def _listed(word: str, names: Sequence[str]) -> str:
    if not names:
        return ""
    more = len(names) - _MOST_NAMES
    rest = f" and {more:,} more" if more > 0 else ""
    return f"{word}: {', '.join(names[:_MOST_NAMES])}{rest}"
