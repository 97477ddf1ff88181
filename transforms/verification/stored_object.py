"""One object against what its manifest says of it."""

from collections.abc import Iterator

from transforms.manifests import Listed
from transforms.verification.content import Content
from transforms.verification.records import DefectKind

Fault = tuple[DefectKind, str, str]
"""What is wrong, what was expected, and what was found."""


def faults(listed: Listed, content: Content) -> Iterator[Fault]:
    """All that is wrong with an object, each thing named once, the weightiest first."""
    yield from _stored(listed, content)
    if content.damage and content.sha256 == listed.sha256:
        yield "damaged object", "an object that can be unpacked", content.damage
    if content.not_utf8:
        yield "not UTF-8", "lines of UTF-8", content.not_utf8
    if content.not_an_object:
        yield "not a JSON object", "lines of one JSON object each", content.not_an_object
    if content.ends_openly:
        yield "last line open", "a line feed after the last line", "none"
    if not content.damage:
        yield from _counted(listed, content)


def _stored(listed: Listed, content: Content) -> Iterator[Fault]:
    if content.sha256 != listed.sha256:
        damage = f"; it cannot be unpacked: {content.damage}" if content.damage else ""
        yield (
            "sha256 differs",
            f"{listed.sha256} of {listed.bytes:,} bytes",
            f"{content.sha256} of {content.stored_bytes:,} bytes{damage}",
        )
    elif content.stored_bytes != listed.bytes:
        yield "bytes differ", f"{listed.bytes:,} bytes", f"{content.stored_bytes:,} bytes"


def _counted(listed: Listed, content: Content) -> Iterator[Fault]:
    if content.events != listed.events:
        yield (
            "events differ",
            f"{listed.events:,} events in {listed.raw_bytes:,} raw bytes",
            f"{content.events:,} events in {content.raw_bytes:,} raw bytes",
        )
    elif content.raw_bytes != listed.raw_bytes:
        yield "raw bytes differ", f"{listed.raw_bytes:,} raw bytes", f"{content.raw_bytes:,}"
