"""The demo's customers: their buckets (connections) and what is delivered there (destinations)."""

from dataclasses import dataclass
from typing import Any, Final

WEB_KEY: Final = "mdw7fKq2Lw9ZpWeb"
APP_KEY: Final = "mdw7fKq2Lw9ZpApp"
PRESS_KEY: Final = "hrb1Xc8Vn4TsPress"
TRAVEL_KEY: Final = "ltn5Rj3By6GdTravel"
UNKNOWN_KEYS: Final = ("old0Retired00Key", "tst0Staging00Key")

_OWNER: Final = "000000000000"  # the server's one account


@dataclass(frozen=True)
class Connection:
    """A customer's bucket.

    Attributes:
        name: The connection's name.
        bucket: Its bucket.
        encryption: The server-side encryption to ask for, or `None`.
        encryption_demanded: The bucket's policy refuses puts without that header.
    """

    name: str
    bucket: str
    encryption: str | None
    encryption_demanded: bool = False


@dataclass(frozen=True)
class Destination:
    """A stream of events into one connection, under one prefix; an empty filter takes all."""

    name: str
    connection: str
    prefix: str
    write_keys: tuple[str, ...]
    types: tuple[str, ...] = ()
    events: tuple[str, ...] = ()

    def takes(self, write_key: str, kind: str, event: str | None) -> bool:
        """Whether an event is for this destination, said as plainly as it can be."""
        return (
            write_key in self.write_keys
            and (not self.types or kind in self.types)
            and (not self.events or event in self.events)
        )


CONNECTIONS: Final = (
    Connection("meadow", "meadow-shop-events", None),
    Connection("harbor", "harbor-press-raw", "AES256"),
    Connection("lantern", "lantern-travel-lake", "AES256", encryption_demanded=True),
)

DESTINATIONS: Final = (
    Destination("meadow-shop", "meadow", "Astronomer-logs", (WEB_KEY, APP_KEY)),
    # The shop's orders go to their own place too: these events match two destinations.
    Destination("meadow-orders", "meadow", "orders", (WEB_KEY,), ("track",), ("Order Completed",)),
    Destination("harbor-press", "harbor", "Astronomer-logs", (PRESS_KEY,)),
    Destination("lantern-travel", "lantern", "raw/click-stream", (TRAVEL_KEY,)),
)


def configuration(endpoint_url: str, region: str) -> dict[str, Any]:
    """What the job's configuration file says of these customers."""
    connections = [
        {
            "name": connection.name,
            "bucket": connection.bucket,
            "region": region,
            "expected_bucket_owner": _OWNER,
            "endpoint_url": endpoint_url,
        }
        | ({"server_side_encryption": connection.encryption} if connection.encryption else {})
        for connection in CONNECTIONS
    ]
    return {"connections": connections, "destinations": list(map(_destination, DESTINATIONS))}


def _destination(destination: Destination) -> dict[str, Any]:
    match = {
        "write_key": destination.write_keys,
        "type": destination.types,
        "event": destination.events,
    }
    return {
        "name": destination.name,
        "connection": destination.connection,
        "prefix": destination.prefix,
        "match": {field: list(names) for field, names in match.items() if names},
    }
