"""The command line: `s3-event-logs COMMAND …`, the same as `python -m pipeline COMMAND …`."""

import argparse
import json
import logging
import os
import sys
from collections.abc import Sequence
from importlib.metadata import version
from typing import Final, NoReturn

from pipeline.exit_codes import DONE, INTERRUPTED

_USAGE: Final = """\
usage: s3-event-logs [run] --config FILE --input GLOB|kafka://… [--ops_path FOLDER] [option …]
       s3-event-logs redrive --config FILE [--ops_path FOLDER] [--every DURATION] [option …]
       s3-event-logs verify URL … | --config FILE [option …]
       s3-event-logs schema
       s3-event-logs --help | --version

run      delivers events into every customer's bucket (the default)
redrive  puts parked objects again, once or every few minutes (redrive --help)
verify   checks buckets, or copies of them, against their manifests (verify --help says more)
schema   prints the JSON Schema of the configuration

Options of Beam's go to Beam. Files, and ranges of Kafka (--stop_offset), need none. A stream needs
an engine: --runner=PrismRunner on one machine, or a job server of Flink's, --runner=PortableRunner
--job_endpoint=HOST:PORT.

exit codes: 0 all that matched was delivered; 1 the job failed; 2 the command line or the
configuration is wrong, and nothing was read; 3 objects are parked; 130 interrupted
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command.

    Returns:
        The process's exit code.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    # What Beam logs on its way in is of no use to a person.
    logging.basicConfig(level=logging.ERROR, format="%(levelname)s: %(message)s")
    # What our own stages warn of is, where the workers are this process.
    logging.getLogger("transforms").setLevel(logging.WARNING)
    if given[:1] == ["redrive"]:
        from pipeline.redrive import redrive  # noqa: PLC0415 - as above

        return redrive(given[1:])
    if given[:1] == ["verify"]:
        from pipeline.verify import verify  # noqa: PLC0415 - Beam takes seconds to import

        return verify(given[1:])
    if "--help" in given or "-h" in given:
        _print_help()
        return DONE
    if given == ["--version"]:
        print(version("s3-event-logs"))  # noqa: T201 - asked for
        return DONE
    if given == ["schema"]:
        from pipeline.schema import json_schema  # noqa: PLC0415 - as above

        print(json.dumps(json_schema(), indent=2))  # noqa: T201 - asked for
        return DONE
    from pipeline.run import run  # noqa: PLC0415 - as above

    return run(given[1:] if given[:1] == ["run"] else given)


def _print_help() -> None:
    from pipeline.options import EventLogsOptions  # noqa: PLC0415 - as above
    from pipeline.stream_options import StreamOptions  # noqa: PLC0415 - as above

    parser = argparse.ArgumentParser(add_help=False, usage=argparse.SUPPRESS)
    for title, options in (
        ("options of run", EventLogsOptions),
        ("options of run, for Kafka and for streams", StreamOptions),
    ):
        options._add_argparse_args(parser.add_argument_group(title))  # type: ignore[arg-type] # noqa: SLF001
    print(_USAGE)  # noqa: T201 - asked for
    print(parser.format_help())  # noqa: T201 - asked for


def command() -> NoReturn:
    """The console script."""
    code = main()
    if code == INTERRUPTED:
        # Puts that are under way would be waited for; they may land, under the same keys.
        sys.stdout.flush()
        os._exit(code)
    sys.exit(code)


if __name__ == "__main__":
    command()
