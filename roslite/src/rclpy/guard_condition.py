"""Guard conditions: callbacks that the program itself triggers."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from rclpy.callback_groups import CallbackGroup
from rclpy.destroyable import Destroyable
from rclpy.utilities import get_default_context

if TYPE_CHECKING:
    from rclpy.context import Context


class GuardCondition(Destroyable):
    """Calls back in the executor after it was triggered, from any thread."""

    def __init__(
        self, callback: Callable[[], Any] | None, callback_group: CallbackGroup | None, context: "Context | None" = None
    ) -> None:
        self.callback = callback
        self.callback_group = callback_group
        context = context or get_default_context()
        self._context = context
        self._guard = context.participant.create_guard()
        self.condition = self._guard.entity

    def trigger(self) -> None:
        """Let the executor call back."""
        self._check_usable()
        self._guard.trigger()

    def take(self) -> bool:
        """Return whether it was triggered, and reset it."""
        return self._guard.take()

    def take_work(self) -> Callable[[], Any] | None:
        """Return the callback if it was triggered, and reset it."""
        return self.callback if self.take() else None

    def destroy(self) -> None:
        """Delete it."""
        super().destroy()
        self._guard.close()
