"""The parser of a command line, whose mistakes are errors of ours."""

import argparse
from typing import NoReturn


class UsageError(Exception):
    """The command line or the configuration is wrong, and nothing was read: all that is wrong."""

    def __init__(self, *mistakes: str) -> None:
        super().__init__("\n".join(mistakes))
        self.mistakes = mistakes


class Parser(argparse.ArgumentParser):
    """Raises `UsageError` where argparse would end the process."""

    @property
    def names(self) -> list[str]:
        """All options that it knows."""
        return sorted(self._option_string_actions)

    def error(self, message: str) -> NoReturn:
        """Raises what is wrong."""
        raise UsageError(message)


def command_parser(usage: str, about: str, codes: str) -> Parser:
    """The parser of a command of its own.

    Args:
        usage: How it is called.
        about: What it does.
        codes: What its exit codes mean.
    """
    return Parser(
        usage=usage,
        description=about,
        epilog=codes,
        allow_abbrev=False,
        add_help=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
