"""A worker as Beam's container is one: its boot program and a Python that has Beam, no more.

The boot program fetches what was staged, installs it with pip and starts the Python worker. In
Beam's image for Python it is the entry point; here it is built from Beam's Go module.
"""

import os
import shlex
import subprocess
import sys
import venv
from pathlib import Path

import apache_beam as beam

from examples.engines.cache import fetched, run_tool
from examples.engines.go import go_program

VERSION = beam.__version__
_MODULE = "github.com/apache/beam/sdks/v2/python/container"
# Prism quotes an argument as for a shell that is not there: --id='x'.
_SCRIPT = """\
#!/bin/sh
for argument do
  shift
  set -- "$@" "$(printf %s "$argument" | tr -d "'")"
done
exec env -u PYTHONPATH -u VIRTUAL_ENV PATH={python}:/usr/bin:/bin \\
  RUN_PYTHON_SDK_IN_DEFAULT_ENVIRONMENT=1 {boot} --semi_persist_dir={folder} "$@" >>{log} 2>&1
"""


def boot_program() -> Path:
    """Beam's boot program, built if it is not there.

    Raises:
        MissingError: Go is not installed, or the registry does not have it.
    """
    return go_program(_MODULE, VERSION, "python-container")


def beams_packages() -> Path:
    """The folder of the packages that Beam's image has, of those that the project may need.

    Raises:
        MissingError: A registry does not have them.
    """

    def install(scratch: Path) -> Path:
        packages = scratch / "packages"
        pins = ["--constraint", str(Path("constraints.txt").resolve())]
        wanted = ["apache-beam[aws]", "pip", "setuptools", "wheel"]
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(packages)]
        run_tool([*pip, *pins, *wanted], scratch)
        return packages

    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    return fetched(f"python-{version}-beam-{VERSION}", install)


class BeamWorker:
    """A worker that has Beam and lacks the project, until it is staged.

    Args:
        folder: Where it keeps what it installs.
    """

    def __init__(self, folder: Path) -> None:
        packages, boot = beams_packages(), boot_program()
        environment = folder / "python"
        venv.create(environment, symlinks=True)
        self.python = environment / "bin" / "python"
        (site,) = environment.glob("lib/python*/site-packages")
        (site / "beam.pth").write_text(f"{packages}\n")
        self._log = folder / "boot.log"
        self._command = folder / "boot.sh"
        self._command.write_text(
            _SCRIPT.format(
                python=self.python.parent, boot=boot, folder=folder / "staging", log=self._log
            )
        )
        self._command.chmod(0o755)

    def options(self) -> list[str]:
        """What a job needs to run on it."""
        payload = f'{{"command": {_quoted(self._command)}}}'
        return ["--environment_type=PROCESS", f"--environment_config={payload}"]

    def can_import(self, package: str) -> bool:
        """Whether its Python finds a package."""
        done = subprocess.run(  # noqa: S603 - its own Python
            [self.python, "-c", f"import {package}"],
            cwd=self.python.parent,
            env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
            stderr=subprocess.DEVNULL,
            check=False,
        )
        return done.returncode == 0

    def log(self) -> str:
        """What the boot program said."""
        return self._log.read_text() if self._log.exists() else ""


def _quoted(path: Path) -> str:
    return '"' + shlex.quote(str(path)) + '"'
