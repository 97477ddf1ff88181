"""summarise: tallies and receipts → the sums that a run answers for.

They come from data that the engine counts once, whatever it retries; not from counters, which count
attempts.
"""

from collections.abc import Iterable

import apache_beam as beam
import msgspec
from apache_beam.io.filesystems import FileSystems
from apache_beam.transforms.window import GlobalWindows
from apache_beam.typehints.decorators import no_annotations

from transforms.records import Receipt, Tally


class Delivery(msgspec.Struct):
    """The sums of one destination; `parked` are objects of both kinds, `reason` is one's of them.

    The sums of what was delivered are those of events' objects: manifests hold none.
    """

    objects: int = 0
    events: int = 0
    raw_bytes: int = 0
    stored_bytes: int = 0
    manifests: int = 0
    parked: int = 0
    parked_manifests: int = 0
    parked_events: int = 0
    matched: int = 0
    example: str = ""
    reason: str = ""

    def add(self, other: "Delivery") -> None:
        """Adds another's sums; of the texts the first by name, whatever the order of adding."""
        self.objects += other.objects
        self.events += other.events
        self.raw_bytes += other.raw_bytes
        self.stored_bytes += other.stored_bytes
        self.manifests += other.manifests
        self.parked += other.parked
        self.parked_manifests += other.parked_manifests
        self.parked_events += other.parked_events
        self.matched += other.matched
        self.example = min(filter(None, (self.example, other.example)), default="")
        self.reason = min(filter(None, (self.reason, other.reason)), default="")


class Summary(msgspec.Struct):
    """The sums of a run: `matched` counts events, and a delivery's `matched` pairs."""

    read: int = 0
    blank: int = 0
    matched: int = 0
    unmatched: int = 0
    opted_out: int = 0
    outside: int = 0
    dead_letters: dict[str, int] = {}
    deliveries: dict[str, Delivery] = {}

    def add(self, other: "Summary") -> None:
        """Adds another's sums."""
        self.read += other.read
        self.blank += other.blank
        self.matched += other.matched
        self.unmatched += other.unmatched
        self.opted_out += other.opted_out
        self.outside += other.outside
        for reason, count in other.dead_letters.items():
            self.dead_letters[reason] = self.dead_letters.get(reason, 0) + count
        for name, delivery in other.deliveries.items():
            self.deliveries.setdefault(name, Delivery()).add(delivery)

    @property
    def pairs(self) -> int:
        """Matched pairs of event and destination."""
        return sum(delivery.matched for delivery in self.deliveries.values())

    @property
    def delivered(self) -> int:
        """Pairs whose event is in an object that was put."""
        return sum(delivery.events for delivery in self.deliveries.values())

    @property
    def parked(self) -> int:
        """Objects that were refused, manifests among them, and wait in the ops path."""
        return sum(delivery.parked for delivery in self.deliveries.values())

    @property
    def parked_events(self) -> int:
        """Pairs whose event is in an object that is parked."""
        return sum(delivery.parked_events for delivery in self.deliveries.values())

    def imbalance(self) -> str | None:
        """What does not add up, or `None`."""
        dead = sum(self.dead_letters.values())
        parts = (self.matched, self.unmatched, self.opted_out, self.outside, dead)
        if self.read != sum(parts):
            return f"{self.read} records were read, and the tallies account for another number"
        for name, delivery in sorted(self.deliveries.items()):
            if delivery.matched != delivery.events + delivery.parked_events:
                return (
                    f"{name}: {delivery.matched} events matched, {delivery.events} delivered,"
                    f" {delivery.parked_events} parked"
                )
        return None


def of_tally(tally: Tally) -> Summary:
    """The sums of one block's tally."""
    return Summary(
        tally.read,
        tally.blank,
        tally.matched,
        tally.unmatched,
        tally.opted_out,
        tally.outside,
        dict(tally.dead_letters),
        {name: Delivery(matched=events) for name, events in tally.pairs.items()},
    )


def of_receipt(receipt: Receipt) -> Summary:
    """The sums of one object."""
    if receipt.status == "parked":
        delivery = Delivery(
            parked=1,
            parked_manifests=int(receipt.kind == "manifest"),
            parked_events=receipt.events,
            reason=receipt.reason,
        )
    elif receipt.kind == "manifest":
        delivery = Delivery(manifests=1)
    else:
        delivery = Delivery(
            objects=1,
            events=receipt.events,
            raw_bytes=receipt.raw_bytes,
            stored_bytes=receipt.stored_bytes,
            example=receipt.key,
        )
    return Summary(deliveries={receipt.destination: delivery})


class AddUp(beam.CombineFn):
    """Adds summaries up."""

    def create_accumulator(self) -> Summary:
        """Nothing yet."""
        return Summary()

    def add_input(self, accumulator: Summary, element: Summary) -> Summary:
        """One summary more."""
        accumulator.add(element)
        return accumulator

    def merge_accumulators(self, accumulators: Iterable[Summary]) -> Summary:
        """Several in one."""
        total = Summary()
        for accumulator in accumulators:
            total.add(accumulator)
        return total

    def extract_output(self, accumulator: Summary) -> Summary:
        """The sums."""
        return accumulator


class Summarise(beam.PTransform):
    """Tallies and receipts of a bounded run → one file of JSON with the run's `Summary`.

    Args:
        path: The file, on any of Beam's filesystems.
    """

    def __init__(self, path: str) -> None:
        super().__init__()
        self._path = path

    @no_annotations  # Beam has no hint for a tuple of collections
    def expand(
        self, counted: tuple[beam.PCollection[Tally], beam.PCollection[Receipt]]
    ) -> beam.PCollection[None]:
        """Adds everything up and writes it."""
        tallies, receipts = counted
        # What is flattened must be windowed alike.
        summaries = (
            tallies
            | "tallies" >> beam.Map(of_tally)
            | "all of time" >> beam.WindowInto(GlobalWindows()),
            receipts
            | "receipts" >> beam.Map(of_receipt)
            | "all of their time" >> beam.WindowInto(GlobalWindows()),
        )
        return (
            summaries
            | beam.Flatten()
            | beam.CombineGlobally(AddUp())
            | beam.Map(write_summary, self._path)
        )


def write_summary(summary: Summary, path: str) -> None:
    """Writes a summary as JSON."""
    with FileSystems.create(path) as file:
        file.write(msgspec.json.encode(summary))


def read_summary(path: str) -> Summary:
    """Reads it again.

    Raises:
        BeamIOError, OSError: There is none: the run did not come to its end.
    """
    with FileSystems.open(path) as file:
        return msgspec.json.decode(file.read(), type=Summary)
