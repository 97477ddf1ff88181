"""Values of options: texts parsed, and what is wrong with them collected."""

from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class Values:
    """Texts turned into values; what is wrong is collected, so that all of it is said at once."""

    def __init__(self) -> None:
        self.mistakes: list[str] = []

    def take(self, option: str, text: str | None, parse: Callable[[str], T]) -> T | None:
        """The parsed text; `None` where there is none, or where it is one mistake more."""
        if text is None:
            return None
        try:
            return parse(text)
        except ValueError as error:
            self.mistakes.append(f"--{option}: {error}")
            return None
