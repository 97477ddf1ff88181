"""What is redriven together: the parked objects of one pane, and the manifest that lists them."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto

from transforms.manifests import make_manifest, manifest_part
from transforms.parked import Parked
from transforms.parked_files import ParkedFile
from transforms.places import Place, bucket_and_owner
from transforms.records import Receipt, Target
from transforms.store import Failure, PutRequest


class Outcome(Enum):
    """What became of a parked object."""

    WAITING = auto()
    REDRIVEN = auto()
    PARKED = auto()  # it still is
    DAMAGED = auto()  # and still parked
    GONE = auto()  # another redrive has moved it


@dataclass(eq=False)
class Redriven:
    """A parked object on its way.

    Attributes:
        parked: What is known of it.
        otherwise: What becomes of it where it is not redriven.
        failure: Why it is not, if it is not.
    """

    file: ParkedFile
    parked: Parked
    outcome: Outcome = Outcome.WAITING
    otherwise: Outcome = Outcome.PARKED
    failure: Failure | None = None

    @property
    def destination(self) -> str:
        """Whose object it is."""
        return self.file.destination

    def request(self, body: bytes) -> PutRequest:
        """The put that was refused, once more."""
        parked = self.parked
        digest = bytes.fromhex(parked.sha256)
        return PutRequest(parked.destination, parked.key, body, parked.content_type, digest)


@dataclass(eq=False)
class Group:
    """Objects that one manifest lists.

    Attributes:
        open: How many of them have not been answered yet.
    """

    objects: list[Redriven] = field(default_factory=list)
    open: int = 0

    @property
    def destination(self) -> str:
        """Whose objects they are."""
        return self.objects[0].destination

    @property
    def is_of_manifests(self) -> bool:
        """Whether they are manifests themselves, which no manifest lists."""
        return self.objects[0].parked.kind == "manifest"


def refusal(parked: Parked, place: Place | None) -> Failure | None:
    """Why an object must not be put where its destination's name leads today, or `None`."""
    if place is None:
        return _refused("destination removed", "The configuration has none of this name any more.")
    today = bucket_and_owner(place)
    if today == (parked.bucket, parked.owner):
        return None
    return _refused(
        "destination changed",
        f"This was parked for {_named(parked.bucket, parked.owner)}, and stays out of"
        f" {_named(*today)}, unless --allow_new_bucket={parked.destination} insists.",
    )


def is_of_another_bucket(parked: Parked, place: Place) -> bool:
    """Whether this is a manifest whose URLs lead into another bucket than this place's."""
    return parked.kind == "manifest" and parked.bucket != bucket_and_owner(place)[0]


def queue_up(files: Iterable[ParkedFile]) -> list[tuple[Redriven, Group]]:
    """Objects in the order in which they are to be tried, each with its group.

    What may pass by itself comes first. Then what was never sent, since those before it failed;
    what was refused itself comes last, so that an object that can never be put holds up none.
    """
    groups: dict[tuple[object, ...], Group] = {}
    ordered = []
    for one in sorted(_readable(files), key=_turn):
        group = groups.setdefault(_pane(one.parked), Group())
        group.objects.append(one)
        group.open += 1
        ordered.append((one, group))
    return ordered


def redriven_manifest(delivered: Sequence[Parked], place: Place) -> PutRequest:
    """The put of a manifest that lists these objects of one pane.

    Args:
        delivered: What got through.
        place: Where it was put.
    """
    one = delivered[0]
    bucket, owner = bucket_and_owner(place)
    target = Target(
        destination=one.destination,
        run=one.run,
        bucket=bucket,
        owner=owner,
        prefix=one.prefix,
        layout=one.layout,
        compression=one.compression,
        shards=one.shards,
        revision=one.revision,
    )
    receipts = [receipt_of(each, bucket) for each in delivered]
    manifest = make_manifest(target, one.window, one.pane, receipts, redriven=True)
    part = manifest_part(target, one.window, manifest)
    digest = hashlib.sha256(part.body).digest()
    return PutRequest(one.destination, part.key, part.body, "application/json", digest)


def receipt_of(parked: Parked, bucket: str) -> Receipt:
    """The receipt of an object that was parked, and is delivered now, into this bucket."""
    return Receipt(
        destination=parked.destination,
        run=parked.run,
        revision=parked.revision,
        window_start=parked.window_start,
        window_end=parked.window_end,
        pane=parked.pane,
        shard=parked.shard,
        part=parked.part,
        bucket=bucket,
        key=parked.key,
        events=parked.events,
        raw_bytes=parked.raw_bytes,
        stored_bytes=parked.stored_bytes,
        sha256=parked.sha256,
        status="delivered",
        kind=parked.kind,
    )


def _refused(what: str, advice: str) -> Failure:
    return Failure(what, transient=False, answered=False, advice=advice, attempts=0)


def _named(bucket: str, owner: str | None) -> str:
    return f"bucket {bucket} of " + (f"account {owner}" if owner else "whichever account")


def _readable(files: Iterable[ParkedFile]) -> Iterator[Redriven]:
    for file in files:
        if file.parked is not None:
            yield Redriven(file, file.parked)


def _turn(one: Redriven) -> tuple[bool, bool, str]:
    return not one.parked.transient, one.parked.attempts > 0, one.parked.key


def _pane(parked: Parked) -> tuple[object, ...]:
    if parked.kind == "manifest":
        return (parked.destination, parked.bucket, parked.owner, parked.key)
    return (
        parked.destination,
        parked.bucket,
        parked.owner,
        parked.window,
        parked.run,
        parked.revision,
        parked.pane,
    )
