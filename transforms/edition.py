"""An edition: one configuration with what the stages need of it, each thing made once.

Stages ask for the edition of now. In a bounded run it is always the same one; in a stream it may
be a later one each time (see `live`).
"""

import pickle
import zlib
from collections.abc import Mapping
from functools import cached_property, lru_cache
from typing import Any, Protocol, runtime_checkable

import msgspec

from transforms.configuration import Configuration
from transforms.destination import Destination
from transforms.places import Place
from transforms.records import Target
from transforms.routing_table import RoutingTable
from transforms.targets import target_of


class Edition(msgspec.Struct, frozen=True, dict=True):
    """A configuration in a run.

    Attributes:
        configuration: Connections and destinations.
        run: The run's id, part of every key.
        own: By name, the places of the built-in destinations, which are no configuration's to move.
        only: The names of the destinations that the run is for; none named are all.
    """

    configuration: Configuration
    run: str
    own: Mapping[str, Place] = {}
    only: tuple[str, ...] = ()

    def now(self) -> "Edition":
        """Itself: a configuration that is read once."""
        return self

    def after(self, configuration: Configuration) -> "Edition":
        """The same run's edition of another configuration."""
        return msgspec.structs.replace(self, configuration=configuration)

    @cached_property
    def destinations(self) -> tuple[Destination, ...]:
        """All destinations; those that the run is not for are not enabled."""
        return tuple(
            each
            if not self.only or each.name in self.only
            else each.model_copy(update={"enabled": False})
            for each in self.configuration.destinations
        )

    @cached_property
    def targets(self) -> tuple[Target, ...]:
        """The destinations' targets, in the configuration's order."""
        configuration = self.configuration
        return tuple(
            target_of(destination, configuration.connection_of(destination), self.run)
            for destination in configuration.destinations
        )

    @cached_property
    def enabled(self) -> dict[str, Target]:
        """By name, the targets of the destinations that get anything."""
        pairs = zip(self.destinations, self.targets, strict=True)
        return {each.name: target for each, target in pairs if each.enabled}

    @cached_property
    def always_listed(self) -> tuple[Target, ...]:
        """The targets of the destinations that want a manifest of every window."""
        return tuple(
            self.enabled[each.name]
            for each in self.destinations
            if each.enabled and each.manifest == "always"
        )

    @cached_property
    def table(self) -> RoutingTable:
        """Which events go to which of the targets."""
        return RoutingTable(self.destinations, self.targets)

    @cached_property
    def places(self) -> dict[str, Place]:
        """By name, where each destination's objects go, the built-in ones included."""
        configuration = self.configuration
        places: dict[str, Place] = {
            each.name: configuration.connection_of(each) for each in configuration.destinations
        }
        return places | dict(self.own)

    def lists(self, name: str) -> bool:
        """Whether a destination gets manifests.

        One that the configuration does not know any more gets them, to be parked with its objects.
        """
        return name not in self._unlisted

    @cached_property
    def _unlisted(self) -> frozenset[str]:
        every = self.configuration.destinations
        return frozenset(each.name for each in every if each.manifest == "off")

    @cached_property
    def _pickled(self) -> bytes:
        return zlib.compress(pickle.dumps(msgspec.structs.astuple(self)), 1)

    def __reduce__(self) -> tuple[Any, ...]:
        # Several stages carry it: pickled once, and small in each of them.
        return _unpickled, (self._pickled,)


@runtime_checkable  # Beam checks the arguments of its functions
class Editions(Protocol):
    """What knows the edition that is in force; picklable, asked from any thread."""

    def now(self) -> Edition:
        """The edition in force."""


@lru_cache(maxsize=1)  # a worker serves one job, whose stages share the edition of its start
def _unpickled(pickled: bytes) -> Edition:
    return Edition(*pickle.loads(zlib.decompress(pickled)))  # noqa: S301 - what was pickled here
