"""A command line of `run`, parted into our options and Beam's."""

import argparse
import difflib
from collections.abc import Iterator, Sequence
from typing import Final

import apache_beam.runners.portability.portable_runner  # noqa: F401 - its options join Beam's
from apache_beam.options.pipeline_options import PipelineOptions

from pipeline.command_parser import Parser, UsageError
from pipeline.engine import is_local
from pipeline.options import EventLogsOptions
from pipeline.stream_options import StreamOptions

_SLIP: Final = 0.85  # how alike a name must be to an option of ours to be taken for a slip in it
_OURS: Final = (EventLogsOptions, StreamOptions)


def split_command_line(arguments: Sequence[str]) -> tuple[argparse.Namespace, list[str]]:
    """Parts our options from Beam's.

    Returns:
        Our options, as texts, and what goes to Beam.

    Raises:
        UsageError: An option is known to neither, lacks its value, or is no option at all.
    """
    own = _Parser(*_OURS)
    ours, rest = own.parse_known_args(list(arguments))
    beam = _Parser(*(o for o in PipelineOptions.__subclasses__() if o not in _OURS))
    beams, unknown = beam.parse_known_args(rest)
    mistakes = list(_mistakes(unknown, own, beam, strict=is_local(beams.runner)))
    if beams.direct_running_mode == "multi_threading":
        mistakes.append(
            "--direct_running_mode=multi_threading loses elements in Beam's own runner; use"
            " multi_processing"
        )
    if beams.direct_num_workers < 0:
        mistakes.append("--direct_num_workers must be 0, for one a core, or more")
    if mistakes:
        raise UsageError(*mistakes)
    return ours, rest


class _Parser(Parser):
    def __init__(self, *options: type[PipelineOptions]) -> None:
        super().__init__(allow_abbrev=False, add_help=False, conflict_handler="resolve")
        for kind in options:
            kind._add_argparse_args(self)  # noqa: SLF001 - the hook that Beam gives


def _mistakes(
    unknown: Sequence[str], own: _Parser, beam: _Parser, *, strict: bool
) -> Iterator[str]:
    """What is wrong with arguments that neither parser knows.

    Engines have options that the SDK does not know: where the job goes to one, only what looks like
    a slip in an option of ours is refused here.
    """
    value_expected = False
    for text in unknown:
        name, equals, _ = text.partition("=")
        if not text.startswith("--"):
            if not value_expected:
                yield f"{text!r} is no option; files are given as --input={text}"
            value_expected = False
            continue
        value_expected = not equals
        slip = difflib.get_close_matches(name, own.names, 1, _SLIP)
        near = slip or difflib.get_close_matches(name, own.names + beam.names, 1)
        if strict or slip:
            yield f"{name} is not known" + (f"; did you mean {near[0]}?" if near else "")
