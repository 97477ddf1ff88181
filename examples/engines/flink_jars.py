"""Flink and the Beam runner for it, from package registries.

The job server is made of the runner's own artifact, since not all mirrors of Maven's registry have
the one with everything in it; Flink is what its Python package brings along.
"""

import sys
import tarfile
from pathlib import Path
from typing import Final

from examples.engines.cache import fetched, run_tool
from examples.engines.maven import jars

FLINK: Final = "1.19.3"
RUNNER: Final = "2.62.0"


def job_server_jars() -> Path:
    """The folder of the Beam job server's jars: 152 MB, about two minutes the first time.

    Raises:
        MissingError: Maven is not installed, or the registry does not have them.
    """
    return jars(
        f"beam-flink-1.19-{RUNNER}",
        f"org.apache.beam:beam-runners-flink-1.19:{RUNNER}",
        "org.slf4j:slf4j-simple:1.7.30",
    )


def flink_jars() -> Path:
    """The folder of Flink's own jars: 230 MB, about a minute the first time.

    Raises:
        MissingError: pip could not download them.
    """
    return fetched(f"flink-{FLINK}", _fetch_flink) / "lib"


def _fetch_flink(scratch: Path) -> Path:
    name = "apache-flink-libraries"
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:"]
    run_tool([*pip, f"{name}=={FLINK}"], scratch)
    (archive,) = scratch.glob("*.tar.gz")
    with tarfile.open(archive) as packed:
        lib = f"{name}-{FLINK}/deps/lib/"
        members = [member for member in packed.getmembers() if member.name.startswith(lib)]
        packed.extractall(scratch, members, filter="data")
    return scratch / f"{name}-{FLINK}" / "deps"
