"""What goes through the life of a managed node with it."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from .state_machine import LifecycleState, TransitionCallbackReturn


class ManagedEntity:
    """Is called on each transition of the node that it was added to; by default all succeed."""

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Get ready; ``state`` is the one before the transition, here and below."""
        return TransitionCallbackReturn.SUCCESS

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Undo :meth:`on_configure`."""
        return TransitionCallbackReturn.SUCCESS

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Get ready for the end."""
        return TransitionCallbackReturn.SUCCESS

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Begin to work."""
        return TransitionCallbackReturn.SUCCESS

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Pause."""
        return TransitionCallbackReturn.SUCCESS

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Clean up after a callback that raised or reported an error; success leads to ``unconfigured``."""
        return TransitionCallbackReturn.SUCCESS


class SimpleManagedEntity(ManagedEntity):
    """Knows whether its node is active."""

    def __init__(self) -> None:
        self._enabled = False

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Begin to work."""
        self._enabled = True
        return TransitionCallbackReturn.SUCCESS

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Pause."""
        self._enabled = False
        return TransitionCallbackReturn.SUCCESS

    @property
    def is_activated(self) -> bool:
        """Whether the node is active."""
        return self._enabled

    @staticmethod
    def when_enabled(
        wrapped: Callable[..., None] | None = None, *, when_not_enabled: Callable[[], None] | None = None
    ) -> Callable[..., Any]:
        """Make a method do nothing while the node is not active.

        Args:
            wrapped: the method; left out where the decorator is given arguments.
            when_not_enabled: is called instead of the method.
        """

        def decorate(method: Callable[..., None]) -> Callable[..., None]:
            @wraps(method)
            def only_when_enabled(self: SimpleManagedEntity, *args: Any, **kwargs: Any) -> None:
                if self._enabled:
                    method(self, *args, **kwargs)
                elif when_not_enabled is not None:
                    when_not_enabled()

            return only_when_enabled

        return decorate if wrapped is None else decorate(wrapped)
