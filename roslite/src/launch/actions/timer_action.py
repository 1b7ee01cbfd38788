"""Actions that wait."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

from launch.action import Action
from launch.condition import Condition
from launch.event_handler import EventHandler
from launch.events import TimerEvent
from launch.launch_context import LaunchContext
from launch.launch_description_entity import LaunchDescriptionEntity
from launch.some_substitutions_type import SomeSubstitutionsType
from launch.utilities import normalize_typed_substitution, perform_typed_substitution


class TimerAction(Action):
    """Visit actions once, after a time, unless cancelled."""

    def __init__(
        self,
        *,
        period: float | SomeSubstitutionsType,
        actions: Iterable[LaunchDescriptionEntity],
        cancel_on_shutdown: bool | SomeSubstitutionsType = True,
        condition: Condition | None = None,
    ) -> None:
        """Create the timer.

        Args:
            period: time to wait, in seconds.
            actions: what to visit then.
            cancel_on_shutdown: do not when the launch goes down meanwhile.
            condition: whether the timer is set.
        """
        super().__init__(condition=condition)
        self.__period = normalize_typed_substitution(period, float)
        self.__actions = list(actions)
        self.__cancel_on_shutdown = normalize_typed_substitution(cancel_on_shutdown, bool)
        self.__locals: dict[str, Any] = {}
        self.__cancelled = False
        self.__future: asyncio.Future[None] | None = None

    @property
    def period(self) -> Any:
        """The time as given."""
        return self.__period

    @property
    def actions(self) -> list[LaunchDescriptionEntity]:
        """What to visit."""
        return self.__actions

    def describe_conditional_sub_entities(self) -> list[tuple[str, Iterable[LaunchDescriptionEntity]]]:
        """The actions."""
        return [(f"{self.__period} seconds pass without being canceled", self.__actions)]

    def cancel(self) -> None:
        """Visit nothing; no harm when the time is up or has not begun."""
        self.__cancelled = True
        if self.__future is not None and not self.__future.done():
            self.__future.set_result(None)

    def execute(self, context: LaunchContext) -> None:
        """Set the timer."""
        from launch.event_handlers import OnShutdown

        if self.__cancelled:
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.__future = future
        self.__locals = context.get_locals_as_dict()

        def time_is_up() -> None:
            if not future.done():
                context.emit_event_sync(TimerEvent(timer_action=self))
                future.set_result(None)

        context.register_event_handler(
            EventHandler(matcher=self.__is_mine, entities=_Then(self.__actions, self.__locals), handle_once=True)
        )
        self._call_later(context, perform_typed_substitution(context, self.__period, float), time_is_up)
        if perform_typed_substitution(context, self.__cancel_on_shutdown, bool):
            context.register_event_handler(OnShutdown(on_shutdown=lambda event, context: self.cancel()))

    def _call_later(self, context: LaunchContext, period: float, function: Callable[[], None]) -> None:
        """Call the function in the launch's loop when a time in seconds has passed."""
        asyncio.get_running_loop().call_later(period, function)

    def __is_mine(self, event: object) -> bool:
        return isinstance(event, TimerEvent) and event.timer_action is self

    def get_asyncio_future(self) -> asyncio.Future[None] | None:
        """Done when the time is up or the timer is cancelled."""
        return self.__future


class _Then(LaunchDescriptionEntity):
    """The actions, visited with the locals of the time when the timer was set."""

    def __init__(self, actions: list[LaunchDescriptionEntity], locals_then: dict[str, Any]) -> None:
        self.__actions = actions
        self.__locals = locals_then

    def visit(self, context: LaunchContext) -> list[LaunchDescriptionEntity]:
        """Restore the locals and yield the actions."""
        context.extend_locals(self.__locals)
        return self.__actions
