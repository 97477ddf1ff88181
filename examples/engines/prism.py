"""Beam's own portable runner, Prism, built by `go install` from Go's registry."""

from importlib import metadata
from pathlib import Path

from examples.engines.go import go_program

VERSION = metadata.version("apache-beam")
_MODULE = "github.com/apache/beam/sdks/v2/go/cmd/prism"


def prism_binary() -> Path:
    """The program, built if it is not there: about three minutes.

    Raises:
        MissingError: Go is not installed, or the registry does not have it.
    """
    return go_program(_MODULE, VERSION, "prism")
