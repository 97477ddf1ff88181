"""`python -m examples.demo`: events in, three customers' buckets out, and everything checked.

A real S3 server is started; the job runs as a user would run it, with an identity that may do
nothing but `s3:PutObject`; all that it delivered is read back with the customers' identity and
compared with what was sent. Run it in the project's folder; what is left to look at is in
`build/demo`. The exit code is 0 only if every check holds.
"""

import argparse
import shutil
import signal
import sys
import threading
from pathlib import Path
from typing import Final

from rich.console import Console

from examples.demo.customers import CONNECTIONS
from examples.demo.run import run_demo
from examples.demo.s3_server import OWNER, REGION, S3Server, S3ServerError
from examples.termination import end_in_order

_FOLDER: Final = Path("build", "demo")
_LOOK: Final = (
    "import boto3; keys = boto3.client('s3').list_objects_v2(Bucket='{bucket}')['Contents'];"
    " print(*(key['Key'] for key in keys), sep='\\n')"
)


def main() -> int:
    """Runs the demo.

    Returns:
        The exit code.
    """
    options = _parse()
    end_in_order()
    console = Console(highlight=False, markup=False, soft_wrap=True)
    shutil.rmtree(_FOLDER, ignore_errors=True)
    _FOLDER.mkdir(parents=True)
    try:
        with S3Server() as server:
            good = run_demo(server, _FOLDER, options.events, options.seed, console)
            if options.keep:
                _wait(server, console)
    except S3ServerError as error:
        console.print(f"error: {error}", style="red")
        return 1
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    finally:
        if not options.keep:
            shutil.rmtree(_FOLDER / "events", ignore_errors=True)
    return 0 if good else 1


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m examples.demo", description=__doc__)
    parser.add_argument("--events", type=int, default=200_000, help="how many (default 200000)")
    parser.add_argument("--seed", type=int, default=1, help="decides their content (default 1)")
    parser.add_argument(
        "--keep", action="store_true", help="leave the server up until Ctrl-C, and keep the events"
    )
    return parser.parse_args()


def _wait(server: S3Server, console: Console) -> None:
    variables = server.environment(OWNER) | {
        "AWS_ENDPOINT_URL_S3": server.endpoint_url,
        "AWS_DEFAULT_REGION": REGION,
    }
    file = _FOLDER / "owner.env"
    file.write_text("".join(f"export {name}={value}\n" for name, value in variables.items()))
    look = _LOOK.format(bucket=CONNECTIONS[0].bucket)
    console.print("the server stays up until Ctrl-C; any S3 client can look, in another terminal:")
    console.print(f"  (. {file} && {sys.executable} -c {look!r})")
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        console.print("stopped")


if __name__ == "__main__":
    sys.exit(main())
