"""The command, but that it puts manifests without stable input: only a test wants that.

`python -m tests.engines.hasty_manifests run option …`
"""

from typing import Any, Final

import apache_beam as beam

from pipeline import build
from pipeline.__main__ import command
from transforms.stable import StableInput, stable

_MANIFESTS: Final = "manifest/"


class _StableButForManifests(beam.PTransform):
    def __init__(self, how: StableInput, step: beam.PTransform) -> None:
        super().__init__()
        self._how = how
        self._step = step

    def expand(self, parts: beam.PCollection[Any]) -> beam.PCollection[Any]:
        of_manifests = parts.producer.full_label.startswith(_MANIFESTS)
        return parts | (self._step if of_manifests else stable(self._how, self._step))


if __name__ == "__main__":
    build.stable = _StableButForManifests  # type: ignore[attr-defined] # imported there
    command()
