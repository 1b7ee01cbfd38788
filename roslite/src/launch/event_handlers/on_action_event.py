"""Handlers of events that stem from an action: a process's start, output and end, an action's completion."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from launch.action import Action
from launch.event import Event
from launch.event_handler import BaseEventHandler
from launch.events import ExecutionComplete
from launch.events.process import ProcessExited, ProcessIO, ProcessStarted
from launch.launch_context import LaunchContext
from launch.launch_description_entity import LaunchDescriptionEntity, SomeEntitiesType

ActionMatcher = Action | Callable[[Any], bool] | None
Reaction = SomeEntitiesType | Callable[[Any, LaunchContext], SomeEntitiesType | None]


class OnActionEventBase(BaseEventHandler):
    """React to events of one class, from one action, from those a function chooses, or from all."""

    def __init__(
        self,
        *,
        action_matcher: ActionMatcher,
        on_event: Reaction,
        target_event_cls: type[Event],
        target_action_cls: type[Action],
        handle_once: bool = False,
    ) -> None:
        """Create the handler.

        Args:
            action_matcher: the action, a predicate over actions, or None for any.
            on_event: entities to visit, or a function of event and context that returns them.
            target_event_cls: the class of events.
            target_action_cls: the class that a given action has to be of.
            handle_once: react to the first event only.

        Raises:
            TypeError: the matcher or the reaction is of the wrong type.
        """
        if not (action_matcher is None or isinstance(action_matcher, target_action_cls) or callable(action_matcher)):
            raise TypeError(f"action_matcher must be an '{target_action_cls.__name__}' instance or a callable")
        self.__entities = None if callable(on_event) else _entities(on_event)
        self.__on_event = on_event

        def matches(event: Event) -> bool:
            if not isinstance(event, target_event_cls):
                return False
            action = getattr(event, "action", None)
            if callable(action_matcher):
                return bool(action_matcher(action))
            return action_matcher is None or action is action_matcher

        super().__init__(matcher=matches, handle_once=handle_once)

    def describe(self) -> tuple[str, list[LaunchDescriptionEntity]]:
        """Text for people, and the entities as far as known."""
        text, entities = super().describe()
        return text, [*entities, *(self.__entities or [])]

    def handle(self, event: Event, context: LaunchContext) -> SomeEntitiesType | None:
        """Return the entities, or what the function returns."""
        super().handle(event, context)
        return self.__on_event(event, context) if callable(self.__on_event) else self.__entities


def _entities(given: SomeEntitiesType) -> list[LaunchDescriptionEntity]:
    entities: Iterable[object] = [given] if isinstance(given, LaunchDescriptionEntity) else given
    checked = []
    for entity in entities:
        if not isinstance(entity, LaunchDescriptionEntity):
            raise TypeError(
                f"expected all items in 'on_event' iterable to be of type 'LaunchDescriptionEntity' "
                f"but got '{type(entity)}'"
            )
        checked.append(entity)
    return checked


class OnProcessStart(OnActionEventBase):
    """React to the start of a process."""

    def __init__(self, *, target_action: ActionMatcher = None, on_start: Reaction, handle_once: bool = False) -> None:
        from launch.actions.execute_local import ExecuteLocal

        super().__init__(
            action_matcher=target_action,
            on_event=on_start,
            target_event_cls=ProcessStarted,
            target_action_cls=ExecuteLocal,
            handle_once=handle_once,
        )


class OnProcessExit(OnActionEventBase):
    """React to the end of a process."""

    def __init__(self, *, target_action: ActionMatcher = None, on_exit: Reaction, handle_once: bool = False) -> None:
        from launch.actions.execute_local import ExecuteLocal

        super().__init__(
            action_matcher=target_action,
            on_event=on_exit,
            target_event_cls=ProcessExited,
            target_action_cls=ExecuteLocal,
            handle_once=handle_once,
        )


class OnProcessIO(OnActionEventBase):
    """React to what a process prints."""

    def __init__(
        self,
        *,
        target_action: ActionMatcher = None,
        on_stdin: Callable[[Any], SomeEntitiesType | None] | None = None,
        on_stdout: Callable[[Any], SomeEntitiesType | None] | None = None,
        on_stderr: Callable[[Any], SomeEntitiesType | None] | None = None,
        handle_once: bool = False,
    ) -> None:
        from launch.actions.execute_local import ExecuteLocal

        def react(event: ProcessIO, _: LaunchContext) -> SomeEntitiesType | None:
            function = on_stdout if event.from_stdout else on_stderr if event.from_stderr else on_stdin
            return None if function is None else function(event)

        super().__init__(
            action_matcher=target_action,
            on_event=react,
            target_event_cls=ProcessIO,
            target_action_cls=ExecuteLocal,
            handle_once=handle_once,
        )


class OnExecutionComplete(OnActionEventBase):
    """React to the completion of an action."""

    def __init__(
        self, *, target_action: ActionMatcher = None, on_completion: Reaction, handle_once: bool = False
    ) -> None:
        super().__init__(
            action_matcher=target_action,
            on_event=on_completion,
            target_event_cls=ExecutionComplete,
            target_action_cls=Action,
            handle_once=handle_once,
        )
