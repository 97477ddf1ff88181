"""What runs within a `with`."""

from types import TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing_extensions import Self


class Within:
    """Begins and ends with a `with`; ended, too, where it does not come to begin."""

    def begin(self) -> None:
        """Starts whatever it is."""
        raise NotImplementedError

    def end(self) -> None:
        """Ends it, however far it has come."""
        raise NotImplementedError

    def __enter__(self) -> "Self":
        try:
            self.begin()
        except BaseException:
            self.end()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.end()
