"""Events of managed nodes: a transition that is asked for, and one that was made."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

from launch.event import Event
from launch_ros.events.matchers import matches_node_name
from lifecycle_msgs.msg import State, Transition, TransitionEvent

if TYPE_CHECKING:
    from builtin_interfaces.msg import Time
    from launch_ros.actions import LifecycleNode

__all__ = ["ChangeState", "StateTransition", "matches_node_name"]


class ChangeState(Event):
    """Managed nodes are to make a transition."""

    name = "launch_ros.events.lifecycle.ChangeState"
    valid_transitions: ClassVar[dict[int, str]] = {
        getattr(Transition, name): name
        for name in (
            "TRANSITION_CREATE",
            "TRANSITION_CONFIGURE",
            "TRANSITION_CLEANUP",
            "TRANSITION_ACTIVATE",
            "TRANSITION_DEACTIVATE",
            "TRANSITION_UNCONFIGURED_SHUTDOWN",
            "TRANSITION_INACTIVE_SHUTDOWN",
            "TRANSITION_ACTIVE_SHUTDOWN",
            "TRANSITION_DESTROY",
        )
    }
    valid_states: ClassVar[dict[int, str]] = {
        getattr(State, name): name
        for name in (
            "PRIMARY_STATE_UNKNOWN",
            "PRIMARY_STATE_UNCONFIGURED",
            "PRIMARY_STATE_INACTIVE",
            "PRIMARY_STATE_ACTIVE",
            "PRIMARY_STATE_FINALIZED",
            "TRANSITION_STATE_CONFIGURING",
            "TRANSITION_STATE_CLEANINGUP",
            "TRANSITION_STATE_SHUTTINGDOWN",
            "TRANSITION_STATE_ACTIVATING",
            "TRANSITION_STATE_DEACTIVATING",
            "TRANSITION_STATE_ERRORPROCESSING",
        )
    }

    def __init__(self, *, lifecycle_node_matcher: Callable[[LifecycleNode], bool], transition_id: int) -> None:
        """Create the event.

        Args:
            lifecycle_node_matcher: tells of a node's action whether it is meant.
            transition_id: a constant of `lifecycle_msgs/Transition`.

        Raises:
            ValueError: there is no such transition that can be asked for.
        """
        if transition_id not in self.valid_transitions:
            expected = ", ".join(f"{name}: {id_}" for id_, name in self.valid_transitions.items())
            raise ValueError(f"given transition_id of '{transition_id}', expected one of {{{expected}}}")
        self.__lifecycle_node_matcher = lifecycle_node_matcher
        self.__transition_id = transition_id

    @property
    def lifecycle_node_matcher(self) -> Callable[[LifecycleNode], bool]:
        """Tells of a node's action whether it is meant."""
        return self.__lifecycle_node_matcher

    @property
    def transition_id(self) -> int:
        """The transition, a constant of `lifecycle_msgs/Transition`."""
        return self.__transition_id


class StateTransition(Event):
    """A managed node has gone from one state to another."""

    name = "launch_ros.events.lifecycle.StateTransition"

    def __init__(self, *, action: LifecycleNode, msg: TransitionEvent) -> None:
        self.__action = action
        self.__msg = msg

    @property
    def action(self) -> LifecycleNode:
        """The node's action."""
        return self.__action

    @property
    def msg(self) -> TransitionEvent:
        """What the node has published."""
        return self.__msg

    @property
    def timestamp(self) -> Time:
        """When; nodes leave it 0."""
        return self.__msg.timestamp

    @property
    def transition(self) -> str:
        """Label of the transition; nodes leave it empty."""
        label: str = self.__msg.transition.label
        return label

    @property
    def start_state(self) -> str:
        """Label of the state before."""
        label: str = self.__msg.start_state.label
        return label

    @property
    def goal_state(self) -> str:
        """Label of the state now."""
        label: str = self.__msg.goal_state.label
        return label
