"""Targets: from a destination's configuration, or one of our own, to the key of the shuffle."""

import msgspec

from transforms.connection import Connection
from transforms.deflate import crc32
from transforms.destination import Destination
from transforms.keys import digest_revision
from transforms.records import Target


def target_of(destination: Destination, connection: Connection, run: str) -> Target:
    """The target of a destination's events in a run; the shard is the block's to set."""
    return with_revision(
        Target(
            destination=destination.name,
            run=run,
            bucket=connection.bucket,
            owner=connection.expected_bucket_owner,
            prefix=destination.prefix,
            layout=destination.layout,
            compression=destination.compression,
            max_object_bytes=destination.max_object_bytes,
            shards=destination.shards,
        )
    )


def with_revision(target: Target) -> Target:
    """The target with the digest of all that decides its objects but destination, run and shard."""
    return msgspec.structs.replace(target, revision=digest_revision(target))


def shard_of(source: str, start: int, shards: int) -> int:
    """The shard of a block: the same however often, and by whomever, the block is read."""
    return crc32(f"{source}\n{start}".encode()) % shards


def with_run(target: Target, run: str | None) -> Target:
    """The target in the run that a block carries, if it carries one."""
    if run is None or run == target.run:
        return target
    return msgspec.structs.replace(target, run=run)


def with_shard(target: Target, source: str, start: int) -> Target:
    """The target of one block's pieces."""
    if target.shards == 1:
        return target
    return msgspec.structs.replace(target, shard=shard_of(source, start, target.shards))
