"""Handler of the transitions of managed nodes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from launch.event import Event
from launch.event_handler import EventHandler
from launch.some_entities_type import SomeEntitiesType
from launch_ros.actions.lifecycle_node import LifecycleNode
from launch_ros.events.lifecycle import StateTransition


class OnStateTransition(EventHandler):
    """React when a managed node has gone from one state to another."""

    def __init__(
        self,
        *,
        entities: SomeEntitiesType,
        target_lifecycle_node: LifecycleNode | None = None,
        transition: str | None = None,
        start_state: str | None = None,
        goal_state: str | None = None,
        matcher: Callable[[Event], bool] | None = None,
        **kwargs: Any,
    ) -> None:
        """Create the handler; what is None does not matter.

        Args:
            entities: what is visited then.
            target_lifecycle_node: the node's action.
            transition: label of the transition.
            start_state: label of the state before.
            goal_state: label of the state now.
            matcher: decides alone, without the others.
            kwargs: what `launch.EventHandler` takes.

        Raises:
            RuntimeError: the target is no `LifecycleNode`.
        """
        if not isinstance(target_lifecycle_node, (LifecycleNode, type(None))):
            raise RuntimeError("OnStateTransition requires a 'LifecycleNode' action as the target")

        def matches(event: Event) -> bool:
            return isinstance(event, StateTransition) and all(
                wanted is None or wanted == found
                for wanted, found in (
                    (target_lifecycle_node, event.action),
                    (transition, event.transition),
                    (start_state, event.start_state),
                    (goal_state, event.goal_state),
                )
            )

        super().__init__(matcher=matcher or matches, entities=entities, **kwargs)
