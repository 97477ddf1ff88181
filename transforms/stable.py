"""stable: a step whose input is the same, byte for byte, however often it is replayed.

What was put must be put again under the same key with the same bytes. Where a replay may group
pieces or receipts into other panes, the parts made of them are therefore made durable before the
first put: on Flink they wait for the checkpoint that holds them (Beam's `@RequiresStableInput`), on
Dataflow a shuffle keeps them.
"""

from collections.abc import Iterator
from typing import Any, Final, Literal

import apache_beam as beam
from apache_beam.portability import common_urns
from apache_beam.portability.api import beam_runner_api_pb2

StableInput = Literal["off", "checkpoint", "shuffle"]
"""How an engine makes the input of a put durable; `off` for not at all."""

_REQUIREMENT: Final = common_urns.requirements.REQUIRES_STABLE_INPUT.urn


def stable(how: StableInput, step: beam.PTransform) -> beam.PTransform:
    """The step, with its input made durable.

    Args:
        how: What the engine has for it.
        step: What comes after.
    """
    return step if how == "off" else _Stable(how, step)


class _Stable(beam.PTransform):
    def __init__(self, how: StableInput, step: beam.PTransform) -> None:
        super().__init__()
        self._how = how
        self._step = step

    def expand(self, parts: beam.PCollection[Any]) -> beam.PCollection[Any]:
        if self._how == "shuffle":
            return parts | "stable" >> beam.Reshuffle() | self._step
        kept = _StableParDo(_Same()).with_output_types(parts.element_type)
        return parts | "stable" >> kept | self._step


class _Same(beam.DoFn):
    def process(self, element: object) -> Iterator[object]:
        yield element


class _StableParDo(beam.ParDo):
    """A ParDo that asks the engine for stable input, for which the SDK has no word."""

    def to_runner_api_parameter(self, context: Any, **extra: Any) -> tuple[str, Any]:  # noqa: ANN401 - Beam's own
        urn, payload = super().to_runner_api_parameter(context, **extra)
        assert isinstance(payload, beam_runner_api_pb2.ParDoPayload)  # noqa: S101 - what it is
        payload.requires_stable_input = True
        context.add_requirement(_REQUIREMENT)
        return urn, payload
