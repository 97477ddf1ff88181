"""How a command ends, as the process's exit code."""

from typing import Final

DONE: Final = 0
"""All that matched was delivered."""

FAILED: Final = 1
"""The job failed."""

USAGE: Final = 2
"""The command line or the configuration is wrong, and nothing was read."""

PARKED: Final = 3
"""The job came to its end, but buckets refused objects, which are parked."""

INTERRUPTED: Final = 130
"""Ctrl-C, or SIGTERM; the number is the shells'."""
