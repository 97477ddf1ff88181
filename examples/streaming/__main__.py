"""`python -m examples.streaming`: live events through Kafka into three customers' buckets.

A real broker, a real S3 server and an engine are started; the job runs as a user would run it, and
each window's manifest is shown as it arrives. When producing stops, the last windows follow, and
everything is read back and compared with what was produced. Run it in the project's folder; what is
left to look at is in `build/streaming`. Ctrl-C ends all of it. The exit code is 0 only if every
check holds, and 2 if a tool is missing.
"""

import argparse
import shutil
import signal
import sys
from pathlib import Path
from typing import Final

from examples.termination import end_in_order

_FOLDER: Final = Path("build", "streaming")


def main() -> int:
    """Runs the example.

    Returns:
        The exit code.
    """
    options = _parse()
    end_in_order(signal.SIGINT, signal.SIGTERM)
    # They take seconds, in which a person may think again: the signals come first.
    from rich.console import Console  # noqa: PLC0415

    from examples.streaming.run import stream  # noqa: PLC0415

    console = Console(highlight=False, markup=False, soft_wrap=True)
    shutil.rmtree(_FOLDER, ignore_errors=True)
    _FOLDER.mkdir(parents=True)
    try:
        return stream(options.engine, options.minutes * 60, options.rate, _FOLDER, console)
    except SystemExit:
        console.print("ended; nothing is left running")
        raise


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m examples.streaming", description=__doc__)
    parser.add_argument(
        "--engine",
        choices=("prism", "flink"),
        default="prism",
        help="what runs the job: Prism, or Flink within one process (default prism)",
    )
    parser.add_argument(
        "--minutes",
        type=float,
        default=2,
        help="how long events are produced, from the first arrival on (default 2)",
    )
    parser.add_argument("--rate", type=int, default=500, help="events a second (default 500)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
