"""Managed nodes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from launch import EventHandler, LaunchContext, logging
from launch.actions import OpaqueFunction
from launch.some_substitutions_type import SomeSubstitutionsType
from launch_ros.events.lifecycle import ChangeState, StateTransition
from launch_ros.ros_adapters import get_ros_node
from lifecycle_msgs.msg import TransitionEvent
from lifecycle_msgs.srv import ChangeState as ChangeStateService
from rclpy.client import Client

from .node import Node

_POLL_S = 0.05
_EVENT_DEPTH = 10


class LifecycleNode(Node):
    """Run a managed node: carry out `ChangeState` events for it, and emit `StateTransition` events of it."""

    def __init__(self, *, name: SomeSubstitutionsType, namespace: SomeSubstitutionsType, **kwargs: Any) -> None:
        """Describe the node.

        Args:
            name: its name.
            namespace: its namespace.
            kwargs: what `Node` takes.
        """
        super().__init__(name=name, namespace=namespace, **kwargs)
        self.__logger = logging.get_logger(__name__)

    def execute(self, context: LaunchContext) -> Any:
        """Start the node, then listen to it and to events."""
        entities = super().execute(context)
        node = get_ros_node(context)
        if node is None:
            return entities  # the launch goes down, and nothing was started
        node.create_subscription(
            TransitionEvent,
            f"{self.node_name}/transition_event",
            lambda message: self.__on_transition(context, message),
            _EVENT_DEPTH,
        )
        client = node.create_client(ChangeStateService, f"{self.node_name}/change_state")
        context.register_event_handler(
            EventHandler(
                matcher=lambda event: isinstance(event, ChangeState) and event.lifecycle_node_matcher(self),
                entities=OpaqueFunction(function=self.__on_change_state, args=[client]),
            )
        )
        return entities

    def __on_transition(self, context: LaunchContext, message: TransitionEvent) -> None:
        loop = context.asyncio_loop
        if loop is not None:
            loop.call_soon_threadsafe(context.emit_event_sync, StateTransition(action=self, msg=message))

    def __on_change_state(self, context: LaunchContext, client: Client) -> None:
        transition = context.locals.event.transition_id
        context.add_completion_future(asyncio.ensure_future(self.__change_state(context, client, transition)))

    async def __change_state(self, context: LaunchContext, client: Client, transition: int) -> None:
        service = f"'{client.srv_name}' service"
        if not await self.__wait(context, service, lambda: not context.is_shutdown and client.service_is_ready()):
            return
        request = ChangeStateService.Request()
        request.transition.id = transition
        response = client.call_async(request)
        if not await self.__wait(context, f"{service} response", response.done):
            return
        if not response.result().success:
            name = ChangeState.valid_transitions[transition]
            self.__logger.error(f"Failed to make transition '{name}' for LifecycleNode '{self.node_name}'")

    async def __wait(self, context: LaunchContext, what: str, condition: Callable[[], bool]) -> bool:
        """Wait until the condition holds; return False if the launch goes down, and its node with it, before."""
        while not condition():
            if context.is_shutdown:
                self.__logger.warning(f"Abandoning wait for the {what}, due to shutdown.")
                return False
            await asyncio.sleep(_POLL_S)
        return True
