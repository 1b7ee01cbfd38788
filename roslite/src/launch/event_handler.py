"""Event handlers: what to do when an event comes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from .event import Event
from .launch_description_entity import LaunchDescriptionEntity, SomeEntitiesType

if TYPE_CHECKING:
    from .launch_context import LaunchContext


class BaseEventHandler:
    """A matcher and a reaction; subclasses give the reaction."""

    def __init__(self, *, matcher: Callable[[Event], bool], handle_once: bool = False) -> None:
        self.__matcher = matcher
        self.__handle_once = handle_once

    @property
    def handle_once(self) -> bool:
        """Whether the handler unregisters itself when it reacts."""
        return self.__handle_once

    def matches(self, event: Event) -> bool:
        """Whether this handler reacts to the event."""
        return self.__matcher(event)

    def describe(self) -> tuple[str, list[LaunchDescriptionEntity]]:
        """Text for people, and the entities that the reaction yields as far as known."""
        return f"{type(self).__name__}(handle_once={self.__handle_once})", []

    def handle(self, event: Event, context: LaunchContext) -> SomeEntitiesType | None:
        """React: make the event a local of the context, return the entities to visit."""
        context.extend_locals({"event": event})
        if self.__handle_once:
            context.unregister_event_handler(self)
        return None


class EventHandler(BaseEventHandler):
    """A handler that yields fixed entities."""

    def __init__(
        self,
        *,
        matcher: Callable[[Event], bool],
        entities: SomeEntitiesType | None = None,
        handle_once: bool = False,
    ) -> None:
        super().__init__(matcher=matcher, handle_once=handle_once)
        self.__entities = entities

    @property
    def entities(self) -> SomeEntitiesType | None:
        """The entities that this handler yields."""
        return self.__entities

    def describe(self) -> tuple[str, list[LaunchDescriptionEntity]]:
        """Text for people, and the entities."""
        text, entities = super().describe()
        if isinstance(self.__entities, LaunchDescriptionEntity):
            entities.append(self.__entities)
        elif self.__entities is not None:
            entities.extend(self.__entities)
        return text, entities

    def handle(self, event: Event, context: LaunchContext) -> SomeEntitiesType | None:
        """Yield the entities."""
        super().handle(event, context)
        return self.__entities
