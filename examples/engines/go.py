"""Programs from Go's module registry."""

from pathlib import Path

from examples.engines.cache import fetched, run_tool, tool


def go_program(module: str, version: str, kept_as: str) -> Path:
    """A program, built by `go install` if it is not there.

    Args:
        module: Its module, whose last part names the program.
        version: Which of it.
        kept_as: The name of its folder in the cache, to which the version is added.

    Raises:
        MissingError: Go is not installed, or the registry does not have it.
    """

    def build(scratch: Path) -> Path:
        built = scratch / "bin"
        run_tool([tool("go"), "install", f"{module}@v{version}"], scratch, {"GOBIN": str(built)})
        return built

    return fetched(f"{kept_as}-{version}", build) / module.rpartition("/")[2]
