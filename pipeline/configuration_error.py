"""What is wrong in a configuration file: one line for each problem, and all of them at once.

A line is `file:line: destinations[2].connection: what is wrong`, so that an editor or a CI log can
jump to it. A value is quoted only where the field is known: it might be a secret.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong in a configuration file.

    Attributes:
        file: The file's path as it was given.
        line: Counted from 1; `None` where the file could not be read.
        path: The place in the document, `destinations[2].connection`; empty for all of it.
        reason: What is wrong and what is allowed.
    """

    file: str
    line: int | None
    path: str
    reason: str

    def __str__(self) -> str:
        """The problem on one line."""
        where = self.file if self.line is None else f"{self.file}:{self.line}"
        return ": ".join(part for part in (where, self.path, self.reason) if part)


class ConfigurationError(ValueError):
    """A configuration file that cannot be used, with all its problems in the order of its lines."""

    def __init__(self, problems: list[Problem]) -> None:
        """Keeps the problems; the error's text is one line for each."""
        self.problems = sorted(problems, key=lambda problem: problem.line or 0)
        super().__init__("\n".join(map(str, self.problems)))

    def __reduce__(self) -> tuple[type["ConfigurationError"], tuple[list[Problem]]]:
        """Pickles by the problems: a worker raises it too."""
        return (type(self), (self.problems,))


def unusable(path: str, line: int | None, reason: str) -> ConfigurationError:
    """The error of a file that is wrong as a whole, or from this line on."""
    return ConfigurationError([Problem(path, line, "", reason)])
