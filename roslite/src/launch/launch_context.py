"""What a running launch knows: configurations, environment, event handlers, locals."""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import Iterable, Mapping, MutableMapping
from typing import Any, TypeVar

from .event import Event
from .event_handler import BaseEventHandler
from .substitution import Substitution

_T = TypeVar("_T")


class _Locals:
    """Read-only attribute access to the context's locals."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.__dict__["_values"] = values

    def __getattr__(self, key: str) -> Any:
        values = self.__dict__["_values"]
        if key not in values:
            raise AttributeError(f"context.locals does not contain attribute '{key}', it contains: {list(values)}")
        return values[key]

    def __setattr__(self, key: str, value: Any) -> None:
        raise AttributeError(f"can't set attribute '{key}', locals are read-only")


def _pop(stack: list[dict[str, _T]], name: str) -> dict[str, _T]:
    if not stack:
        raise RuntimeError(f"cannot pop {name} that were never pushed")
    return stack.pop()


class LaunchContext:
    """Context handed to every entity that is visited and every substitution that is performed."""

    def __init__(self, *, argv: Iterable[str] | None = None, noninteractive: bool = False) -> None:
        """Create a context.

        Args:
            argv: command line arguments for entities that want them.
            noninteractive: no terminal passes Ctrl-C on to the processes, so the launch has to.
        """
        self.__argv = list(argv or [])
        self.__noninteractive = noninteractive
        self.__globals: dict[str, Any] = {}
        self.__locals: dict[str, Any] = {}
        self.__locals_stack: list[dict[str, Any]] = []
        self.__configurations: dict[str, Any] = {}
        self.__configurations_stack: list[dict[str, Any]] = []
        self.__environment_stack: list[dict[str, str]] = []
        self.__environment_at_start = dict(os.environ)
        self.__is_shutdown = False
        self.__asyncio_loop: asyncio.AbstractEventLoop | None = None
        self._events: deque[Event] = deque()
        self._event_arrived: asyncio.Event | None = None
        self._event_handlers: deque[BaseEventHandler] = deque()
        self._completion_futures: list[asyncio.Future[None]] = []

    @property
    def argv(self) -> list[str]:
        """Command line arguments."""
        return self.__argv

    @property
    def noninteractive(self) -> bool:
        """Whether there is no terminal that passes Ctrl-C on to the processes."""
        return self.__noninteractive

    @property
    def is_shutdown(self) -> bool:
        """Whether the launch is going down."""
        return self.__is_shutdown

    def _set_is_shutdown(self, state: bool) -> None:
        self.__is_shutdown = state

    @property
    def asyncio_loop(self) -> asyncio.AbstractEventLoop | None:
        """The loop that the launch runs in, None while it does not run."""
        return self.__asyncio_loop

    def _set_asyncio_loop(self, loop: asyncio.AbstractEventLoop | None) -> None:
        self.__asyncio_loop = loop
        self._event_arrived = None if loop is None else asyncio.Event()
        if self._event_arrived is not None and self._events:
            self._event_arrived.set()

    def add_completion_future(self, completion_future: asyncio.Future[None]) -> None:
        """Make the launch wait for this future before it calls itself idle."""
        self._completion_futures.append(completion_future)

    def extend_globals(self, extensions: Mapping[str, Any]) -> None:
        """Add members to `locals` for good; locals of the same name hide them."""
        self.__globals.update(extensions)

    def extend_locals(self, extensions: Mapping[str, Any]) -> None:
        """Add members to `locals` until the present event is handled."""
        self.__locals.update(extensions)

    def get_locals_as_dict(self) -> dict[str, Any]:
        """The locals as a new dictionary."""
        return {**self.__globals, **self.__locals}

    @property
    def locals(self) -> Any:
        """The locals as attributes, for example `context.locals.event` in an event handler."""
        return _Locals(self.get_locals_as_dict())

    def _push_locals(self) -> None:
        self.__locals_stack.append(dict(self.__locals))

    def _pop_locals(self) -> None:
        self.__locals = _pop(self.__locals_stack, "locals")

    @property
    def environment(self) -> MutableMapping[str, str]:
        """The environment of the launch, which processes inherit."""
        return os.environ

    def _push_environment(self) -> None:
        self.__environment_stack.append(dict(os.environ))

    def _pop_environment(self) -> None:
        self.__replace_environment(_pop(self.__environment_stack, "environment"))

    def _reset_environment(self) -> None:
        self.__replace_environment(self.__environment_at_start)

    @staticmethod
    def __replace_environment(environment: Mapping[str, str]) -> None:
        os.environ.clear()
        os.environ.update(environment)

    @property
    def launch_configurations(self) -> dict[str, Any]:
        """Launch configurations by name: the launch arguments and what actions have set."""
        return self.__configurations

    def _push_launch_configurations(self) -> None:
        self.__configurations_stack.append(dict(self.__configurations))

    def _pop_launch_configurations(self) -> None:
        self.__configurations = _pop(self.__configurations_stack, "launch configurations")

    def would_handle_event(self, event: Event) -> bool:
        """Whether any registered handler reacts to the event."""
        return any(handler.matches(event) for handler in self._event_handlers)

    def register_event_handler(self, event_handler: BaseEventHandler, append: bool = False) -> None:
        """Register a handler, before the others unless `append`."""
        if append:
            self._event_handlers.append(event_handler)
        else:
            self._event_handlers.appendleft(event_handler)

    def unregister_event_handler(self, event_handler: BaseEventHandler) -> None:
        """Unregister a handler.

        Raises:
            ValueError: it is not registered.
        """
        self._event_handlers.remove(event_handler)

    def emit_event_sync(self, event: Event) -> None:
        """Put an event in the queue."""
        self._events.append(event)
        if self._event_arrived is not None:
            self._event_arrived.set()

    async def emit_event(self, event: Event) -> None:
        """Put an event in the queue."""
        self.emit_event_sync(event)

    def perform_substitution(self, substitution: Substitution) -> str:
        """Return the text of a substitution in this context."""
        return substitution.perform(self)
