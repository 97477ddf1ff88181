"""Places: where objects go, and the stores that put them there."""

from collections.abc import Callable

import msgspec

from transforms.connection import Connection
from transforms.folder import FolderStore
from transforms.s3 import S3Store, put_parameters
from transforms.store import Folder, Store

Place = Connection | Folder
StoreOpener = Callable[[Place], Store]


class OpsPath(msgspec.Struct, frozen=True):
    """The operator's own place, and the prefix below which everything lies there."""

    place: Place
    prefix: str = ""

    def key(self, name: str) -> str:
        """The key of one of the operator's own objects."""
        return f"{self.prefix}/{name}" if self.prefix else name


def open_store(place: Place) -> Store:
    """The store for a place."""
    return FolderStore(place) if isinstance(place, Folder) else S3Store(place)


def url_of(ops: OpsPath) -> str:
    """Where the operator's own place is, for people."""
    place = ops.place
    start = place.path if isinstance(place, Folder) else f"s3://{place.bucket}"
    return f"{start}/{ops.prefix}" if ops.prefix else start


def bucket_and_owner(place: Place) -> tuple[str, str | None]:
    """What an object must never follow a reused name away from."""
    if isinstance(place, Folder):
        return place.path, None
    return place.bucket, place.expected_bucket_owner


def headers_of(place: Place) -> dict[str, str]:
    """What is sent with every object beside its content, by S3's parameter names; no secrets."""
    if isinstance(place, Folder):
        return {}
    return {name: str(value) for name, value in put_parameters(place).items() if name != "Bucket"}
