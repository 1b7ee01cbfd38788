"""Handlers of events about the launch as a whole."""

from __future__ import annotations

from collections.abc import Callable

from launch.event import Event
from launch.event_handler import BaseEventHandler, EventHandler
from launch.events import IncludeLaunchDescription, Shutdown
from launch.launch_context import LaunchContext
from launch.launch_description_entity import LaunchDescriptionEntity, SomeEntitiesType


def event_named(name: str) -> Callable[[Event], bool]:
    """Return a matcher for events of this name."""
    return lambda event: event.name == name


class OnIncludeLaunchDescription(EventHandler):
    """Visit descriptions that are to be included."""

    def __init__(self, *, handle_once: bool = False) -> None:
        super().__init__(matcher=lambda event: isinstance(event, IncludeLaunchDescription), handle_once=handle_once)

    def handle(self, event: Event, context: LaunchContext) -> LaunchDescriptionEntity:
        """Yield the description."""
        super().handle(event, context)
        assert isinstance(event, IncludeLaunchDescription)
        return event.launch_description


class OnShutdown(BaseEventHandler):
    """React when the launch goes down."""

    def __init__(
        self,
        *,
        on_shutdown: SomeEntitiesType | Callable[[Shutdown, LaunchContext], SomeEntitiesType | None],
        handle_once: bool = False,
    ) -> None:
        super().__init__(matcher=lambda event: isinstance(event, Shutdown), handle_once=handle_once)
        self.__on_shutdown = on_shutdown

    def handle(self, event: Event, context: LaunchContext) -> SomeEntitiesType | None:
        """Return the entities, or what the function returns."""
        super().handle(event, context)
        if callable(self.__on_shutdown):
            assert isinstance(event, Shutdown)
            return self.__on_shutdown(event, context)
        return self.__on_shutdown
