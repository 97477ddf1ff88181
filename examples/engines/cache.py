"""What is fetched from package registries once and kept, in a folder of the user's own."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path


class MissingError(Exception):
    """A tool is not there, or could not fetch what was asked of it."""


def cache_folder() -> Path:
    """Where what is fetched once is kept."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "s3-event-logs"


def fetched(name: str, fetch: Callable[[Path], Path]) -> Path:
    """A folder of the cache, fetched if it is not there.

    Args:
        name: Its name, with the version of what is in it.
        fetch: Fetches into the scratch folder it is given; returns the folder to keep.
    """
    kept = cache_folder() / name
    if not kept.is_dir():
        kept.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=kept.parent) as scratch:
            found = fetch(Path(scratch))
            # Another process may have been faster: whole folders only, never half of one.
            if not kept.is_dir():
                found.rename(kept)
    return kept


def tool(name: str) -> str:
    """The path of a program that must be installed.

    Raises:
        MissingError: It is not.
    """
    path = shutil.which(name)
    if path is None:
        raise MissingError(f"{name} is not installed")
    return path


def run_tool(
    command: Sequence[str], folder: Path, environment: Mapping[str, str] | None = None
) -> None:
    """Runs what fetches.

    Raises:
        MissingError: It did not end well; its last words are told.
    """
    done = subprocess.run(  # noqa: S603 - what stands in this folder
        command,
        cwd=folder,
        env={**os.environ, **(environment or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise MissingError(f"{' '.join(command)} failed:\n{done.stdout[-1000:]}")
