"""The operator's own records: dead letters, tallies and receipts, on their way to the ops path.

They are packed into pieces for built-in destinations, and from there on are windowed, grouped,
assembled and put by the code that delivers customers' events. Their names hold an underscore, which
a customer's destination cannot.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Final, Generic, TypeVar

import apache_beam as beam
import msgspec

from transforms.dead_letters import dead_letter_line
from transforms.keys import REVISION_CHARACTERS, digest
from transforms.pack import TargetedPiece, make_piece
from transforms.places import OpsPath, bucket_and_owner
from transforms.records import DeadLetter, Receipt, Tally, Target
from transforms.spool import SpoolingDoFn
from transforms.targets import with_run

DEAD_LETTERS: Final = "dead_letters"
RECEIPTS: Final = "receipts"
TALLIES: Final = "tallies"
OPS_DESTINATIONS: Final = (DEAD_LETTERS, RECEIPTS, TALLIES)

T = TypeVar("T")


def ops_target(name: str, run: str, ops: OpsPath, configured: str) -> Target:
    """The target of a built-in destination, below the ops path's prefix.

    Its revision is a digest of all that is configured: the same input with another configuration
    has other tallies and receipts, which must not take the place of these.
    """
    bucket, owner = bucket_and_owner(ops.place)
    folder = ops.key(name)
    revision = digest(REVISION_CHARACTERS, bucket, owner, folder, configured)
    return Target(name, run, bucket, owner, folder, revision=revision)


def pack_dead_letters(letters: Sequence[DeadLetter], target: Target) -> TargetedPiece:
    """Packs the dead letters of one block, of which there is at least one."""
    target = with_run(target, letters[0].run)
    lines = [dead_letter_line(letter, target.run) for letter in letters]
    return target, make_piece(letters[0].source, letters[0].position, lines)


def pack_tally(tally: Tally, target: Target) -> TargetedPiece:
    """Packs the tally of one block."""
    target = with_run(target, tally.run)
    line = msgspec.json.encode(msgspec.structs.replace(tally, run=target.run))
    return target, make_piece(tally.source, tally.first, [line])


def pack_receipt(receipt: Receipt, target: Target) -> TargetedPiece:
    """Packs one receipt; a key takes the place of the source position."""
    source = f"{receipt.bucket}/{receipt.key}"
    target = with_run(target, receipt.run)
    return target, make_piece(source, 0, [msgspec.json.encode(receipt)])


def is_for_a_customer(settled: tuple[Target, Receipt]) -> bool:
    """Whether a receipt is for a customer's object, not for one of ours."""
    return settled[1].destination not in OPS_DESTINATIONS


class PackForOps(beam.PTransform):
    """Records → pieces of a built-in destination.

    Args:
        packer: One of the functions above.
        target: The built-in destination's target.
        spool_folder: Where pieces wait on the local disk; `None` shuffles them whole.
    """

    def __init__(
        self,
        packer: Callable[[T, Target], TargetedPiece],
        target: Target,
        spool_folder: str | None = None,
    ) -> None:
        super().__init__()
        self._packer = packer
        self._target = target
        self._spool_folder = spool_folder

    def expand(self, records: beam.PCollection[T]) -> beam.PCollection[TargetedPiece]:
        """Applies the packer to each record; its window and timestamp stay."""
        packed = beam.ParDo(_PackRecord(self._packer, self._target, self._spool_folder))
        return records | packed.with_output_types(TargetedPiece)


class _PackRecord(SpoolingDoFn, Generic[T]):
    def __init__(
        self,
        packer: Callable[[T, Target], TargetedPiece],
        target: Target,
        spool_folder: str | None,
    ) -> None:
        super().__init__(spool_folder)
        self._packer = packer
        self._target = target

    def process(self, record: T) -> Iterator[TargetedPiece]:
        target, piece = self._packer(record, self._target)
        yield target, self.keep(piece)
