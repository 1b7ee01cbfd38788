"""What publishers, subscriptions and all the other entities of a node have in common: an end."""

from types import TracebackType
from typing import TypeVar

from rclpy.exceptions import InvalidHandle

_Self = TypeVar("_Self", bound="Destroyable")


def refuse_destroyed(is_destroyed: bool) -> None:
    """Raise an error if something was destroyed.

    Raises:
        InvalidHandle: it was.
    """
    if is_destroyed:
        raise InvalidHandle("cannot use Destroyable because destruction was requested")


class Destroyable:
    """Something that cannot be used any more once it is destroyed."""

    _destroyed = False

    @property
    def handle(self: _Self) -> _Self:
        """The entity itself, for ``with entity.handle:``, which fails if it was destroyed."""
        return self

    def __enter__(self: _Self) -> _Self:
        self._check_usable()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        pass

    def _check_usable(self) -> None:
        refuse_destroyed(self._destroyed)

    def destroy(self) -> None:
        """Stop for good."""
        self._destroyed = True
