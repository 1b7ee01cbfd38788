"""The states of a managed node, and the transitions between them."""

from collections.abc import Callable
from enum import Enum
from typing import NamedTuple

from lifecycle_msgs.msg import State, Transition

from rclpy.impl.implementation_singleton import RCLError


class TransitionCallbackReturn(Enum):
    """What a callback says of the transition that it was called for."""

    SUCCESS = Transition.TRANSITION_CALLBACK_SUCCESS
    FAILURE = Transition.TRANSITION_CALLBACK_FAILURE
    ERROR = Transition.TRANSITION_CALLBACK_ERROR

    def to_label(self) -> str:
        """Return the label of the transition that follows."""
        return f"transition_{self.name.lower()}"


class LifecycleState(NamedTuple):
    """A state; ``state_id`` is a constant of ``lifecycle_msgs/State``."""

    label: str
    state_id: int


class LifecycleTransition(NamedTuple):
    """A way from one state to another; ``transition_id`` is a constant of ``lifecycle_msgs/Transition``."""

    transition_id: int
    label: str
    start: LifecycleState
    goal: LifecycleState


UNKNOWN = LifecycleState("unknown", State.PRIMARY_STATE_UNKNOWN)
UNCONFIGURED = LifecycleState("unconfigured", State.PRIMARY_STATE_UNCONFIGURED)
INACTIVE = LifecycleState("inactive", State.PRIMARY_STATE_INACTIVE)
ACTIVE = LifecycleState("active", State.PRIMARY_STATE_ACTIVE)
FINALIZED = LifecycleState("finalized", State.PRIMARY_STATE_FINALIZED)
CONFIGURING = LifecycleState("configuring", State.TRANSITION_STATE_CONFIGURING)
CLEANING_UP = LifecycleState("cleaningup", State.TRANSITION_STATE_CLEANINGUP)
SHUTTING_DOWN = LifecycleState("shuttingdown", State.TRANSITION_STATE_SHUTTINGDOWN)
ACTIVATING = LifecycleState("activating", State.TRANSITION_STATE_ACTIVATING)
DEACTIVATING = LifecycleState("deactivating", State.TRANSITION_STATE_DEACTIVATING)
ERROR_PROCESSING = LifecycleState("errorprocessing", State.TRANSITION_STATE_ERRORPROCESSING)

STATES = (
    *(UNKNOWN, UNCONFIGURED, INACTIVE, ACTIVE, FINALIZED),
    *(CONFIGURING, CLEANING_UP, SHUTTING_DOWN, ACTIVATING, DEACTIVATING, ERROR_PROCESSING),
)


def _outcomes(
    first_id: int, state: LifecycleState, success: LifecycleState, failure: LifecycleState, error: LifecycleState
) -> tuple[LifecycleTransition, ...]:
    """Return the ways out of a transition state; ROS 2 numbers them one after the other."""
    goals = zip(TransitionCallbackReturn, (success, failure, error), strict=True)
    return tuple(
        LifecycleTransition(first_id + index, result.to_label(), state, goal)
        for index, (result, goal) in enumerate(goals)
    )


TRANSITIONS = (
    LifecycleTransition(Transition.TRANSITION_CONFIGURE, "configure", UNCONFIGURED, CONFIGURING),
    *_outcomes(Transition.TRANSITION_ON_CONFIGURE_SUCCESS, CONFIGURING, INACTIVE, UNCONFIGURED, ERROR_PROCESSING),
    LifecycleTransition(Transition.TRANSITION_CLEANUP, "cleanup", INACTIVE, CLEANING_UP),
    *_outcomes(Transition.TRANSITION_ON_CLEANUP_SUCCESS, CLEANING_UP, UNCONFIGURED, INACTIVE, ERROR_PROCESSING),
    LifecycleTransition(Transition.TRANSITION_ACTIVATE, "activate", INACTIVE, ACTIVATING),
    *_outcomes(Transition.TRANSITION_ON_ACTIVATE_SUCCESS, ACTIVATING, ACTIVE, INACTIVE, ERROR_PROCESSING),
    LifecycleTransition(Transition.TRANSITION_DEACTIVATE, "deactivate", ACTIVE, DEACTIVATING),
    *_outcomes(Transition.TRANSITION_ON_DEACTIVATE_SUCCESS, DEACTIVATING, INACTIVE, ACTIVE, ERROR_PROCESSING),
    LifecycleTransition(Transition.TRANSITION_UNCONFIGURED_SHUTDOWN, "shutdown", UNCONFIGURED, SHUTTING_DOWN),
    LifecycleTransition(Transition.TRANSITION_INACTIVE_SHUTDOWN, "shutdown", INACTIVE, SHUTTING_DOWN),
    LifecycleTransition(Transition.TRANSITION_ACTIVE_SHUTDOWN, "shutdown", ACTIVE, SHUTTING_DOWN),
    *_outcomes(Transition.TRANSITION_ON_SHUTDOWN_SUCCESS, SHUTTING_DOWN, FINALIZED, FINALIZED, ERROR_PROCESSING),
    *_outcomes(Transition.TRANSITION_ON_ERROR_SUCCESS, ERROR_PROCESSING, UNCONFIGURED, FINALIZED, FINALIZED),
)


class StateMachine:
    """Where a managed node is, and where it can go.

    Args:
        on_transition: is told of each transition after it was made.
    """

    def __init__(self, on_transition: Callable[[LifecycleTransition], None]) -> None:
        self.state = UNCONFIGURED
        self._on_transition = on_transition

    @property
    def current_state(self) -> tuple[int, str]:
        """Id and label of the present state; programs for Humble, which has no public way to it, look here."""
        return self.state.state_id, self.state.label

    @property
    def available_transitions(self) -> list[LifecycleTransition]:
        """The transitions out of the present state."""
        return [transition for transition in TRANSITIONS if transition.start is self.state]

    def trigger(self, transition: int | str) -> None:
        """Make a transition, named by id or label.

        Raises:
            RCLError: it does not start in the present state.
        """
        for candidate in self.available_transitions:
            if transition in (candidate.transition_id, candidate.label):
                self.state = candidate.goal
                self._on_transition(candidate)
                return
        raise RCLError(
            "Failed to trigger lifecycle state machine transition: "
            f"no transition '{transition}' out of the state '{self.state.label}'"
        )
