"""Coders of the records that travel between the stages, and Beam's knowledge of them.

Importing this module registers them; it is imported where records first enter a pipeline.
"""

import pickle
from typing import Any, Generic, Protocol, TypeVar

import apache_beam as beam
import msgspec

from transforms.records import Block, Part, Piece, Receipt, Target

S = TypeVar("S", bound=msgspec.Struct)


class Sized(Protocol):
    """A record that knows its size."""

    @property
    def size_bytes(self) -> int:
        """About how many bytes the record takes."""


class StructCoder(beam.coders.Coder, Generic[S]):
    """MessagePack for one record type that travels; deterministic: no sets, no mappings in it."""

    def __init__(self, record: type[S]) -> None:
        self._record = record
        self._decoder = msgspec.msgpack.Decoder(record)

    @classmethod
    def from_type_hint(cls, typehint: type[S], registry: object) -> "StructCoder[S]":  # noqa: ARG003 - Beam's signature
        """The coder of a record type, as Beam's registry asks for it."""
        return cls(typehint)

    def encode(self, value: S) -> bytes:
        """The record as one MessagePack array."""
        return msgspec.msgpack.encode(value)

    def decode(self, encoded: bytes) -> S:
        """The record again."""
        return self._decoder.decode(encoded)

    def is_deterministic(self) -> bool:
        """True: equal records have equal bytes, as the key of a shuffle must."""
        return True

    def to_type_hint(self) -> type[S]:
        """The record type, for Beam's type inference."""
        return self._record

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), (self._record,))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, StructCoder) and self._record is other._record

    def __hash__(self) -> int:
        return hash((type(self), self._record))


class BundleCoder(beam.coders.Coder):
    """For large records that stay within a bundle, handed from stage to stage as they are.

    Beam still asks now and then how large an element is, and finds out by encoding it where a coder
    cannot say. A runner that should part the stages gets them pickled.
    """

    def encode(self, value: object) -> bytes:
        """The record, pickled."""
        return pickle.dumps(value, pickle.HIGHEST_PROTOCOL)

    def decode(self, encoded: bytes) -> Any:  # noqa: ANN401 - whatever was encoded
        """The record again."""
        return pickle.loads(encoded)  # noqa: S301 - what this coder wrote

    def estimate_size(self, value: Sized) -> int:
        """The record's own word for its size, in bytes."""
        return value.size_bytes

    def is_deterministic(self) -> bool:
        """False: it is no coder for keys."""
        return False


class SizedStructCoder(StructCoder[S]):
    """The same for a large record, which knows its size: Beam need not encode it to find out."""

    def estimate_size(self, value: Any) -> int:  # noqa: ANN401 - a record of the coder's type
        """The record's own word for its size, in bytes."""
        size: int = value.size_bytes
        return size


for _shuffled in (Target, Piece, Receipt):
    beam.coders.registry.register_coder(_shuffled, StructCoder)
# Parts wait in checkpoints, which may be read by the next version.
beam.coders.registry.register_coder(Part, SizedStructCoder)
beam.coders.registry.register_coder(Block, BundleCoder)
