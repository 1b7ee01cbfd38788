"""Managed nodes."""

import traceback
from collections.abc import Callable, Iterable
from typing import Any

from lifecycle_msgs.msg import State, Transition, TransitionDescription, TransitionEvent
from lifecycle_msgs.srv import ChangeState, GetAvailableStates, GetAvailableTransitions, GetState

from rclpy.callback_groups import CallbackGroup
from rclpy.impl.implementation_singleton import RCLError
from rclpy.node import Node
from rclpy.publisher import Publisher

from .managed_entity import ManagedEntity
from .publisher import LifecyclePublisher
from .state_machine import (
    ACTIVATING,
    CLEANING_UP,
    CONFIGURING,
    DEACTIVATING,
    ERROR_PROCESSING,
    SHUTTING_DOWN,
    STATES,
    TRANSITIONS,
    LifecycleState,
    LifecycleTransition,
    StateMachine,
    TransitionCallbackReturn,
)

TransitionCallback = Callable[[LifecycleState], TransitionCallbackReturn]

_EVENT_DEPTH = 10


class LifecycleNodeMixin(ManagedEntity):
    """What makes a :class:`rclpy.node.Node` a managed node; initialise it after the node.

    Its ``on_…`` callbacks ask all managed entities, and end at the first that does not succeed; a subclass that
    overrides one calls ``super()``'s to keep that.

    Args:
        enable_communication_interface: whether others can see and change the state, through services.
        callback_group: of the services; the node's default one if None.
    """

    create_publisher: Callable[..., Publisher]
    create_service: Callable[..., Any]
    destroy_publisher: Callable[[Publisher], bool]
    get_logger: Callable[[], Any]

    def __init__(
        self, *, enable_communication_interface: bool = True, callback_group: CallbackGroup | None = None
    ) -> None:
        if not isinstance(enable_communication_interface, bool):
            raise TypeError(f"enable_communication_interface must be a bool, not {enable_communication_interface!r}")
        self._callbacks: dict[LifecycleState, TransitionCallback] = {
            CONFIGURING: self.on_configure,
            CLEANING_UP: self.on_cleanup,
            SHUTTING_DOWN: self.on_shutdown,
            ACTIVATING: self.on_activate,
            DEACTIVATING: self.on_deactivate,
            ERROR_PROCESSING: self.on_error,
        }
        self._managed_entities: set[ManagedEntity] = set()
        self._transition_events = self.create_publisher(TransitionEvent, "~/transition_event", _EVENT_DEPTH)
        self._state_machine = StateMachine(self.__announce)
        if enable_communication_interface:
            for srv_type, name, answer in (
                (ChangeState, "change_state", self.__answer_change_state),
                (GetState, "get_state", self.__answer_get_state),
                (GetAvailableStates, "get_available_states", self.__answer_available_states),
                (GetAvailableTransitions, "get_available_transitions", self.__answer_available_transitions),
                (GetAvailableTransitions, "get_transition_graph", self.__answer_transition_graph),
            ):
                self.create_service(srv_type, f"~/{name}", answer, callback_group=callback_group)

    def trigger_configure(self) -> TransitionCallbackReturn:
        """Configure; return what :meth:`on_configure` said.

        Raises:
            RCLError: the present state does not allow it, here and below.
        """
        return self.__change_state(Transition.TRANSITION_CONFIGURE)

    def trigger_cleanup(self) -> TransitionCallbackReturn:
        """Clean up; return what :meth:`on_cleanup` said."""
        return self.__change_state(Transition.TRANSITION_CLEANUP)

    def trigger_activate(self) -> TransitionCallbackReturn:
        """Activate; return what :meth:`on_activate` said."""
        return self.__change_state(Transition.TRANSITION_ACTIVATE)

    def trigger_deactivate(self) -> TransitionCallbackReturn:
        """Deactivate; return what :meth:`on_deactivate` said."""
        return self.__change_state(Transition.TRANSITION_DEACTIVATE)

    def trigger_shutdown(self) -> TransitionCallbackReturn:
        """Shut down, out of whichever state; return what :meth:`on_shutdown` said."""
        return self.__change_state("shutdown")

    def add_managed_entity(self, entity: ManagedEntity) -> None:
        """Let an entity be called on each transition.

        Raises:
            TypeError: it is no :class:`ManagedEntity`.
        """
        if not isinstance(entity, ManagedEntity):
            raise TypeError("Expected a rclpy.lifecycle.ManagedEntity instance.")
        self._managed_entities.add(entity)

    def create_lifecycle_publisher(self, *args: Any, **kwargs: Any) -> LifecyclePublisher:
        """Return a publisher that is silent until the node is active; arguments as of ``create_publisher``."""
        if "publisher_class" in kwargs:
            raise TypeError("create_publisher() got an unexpected keyword argument 'publisher_class'")
        publisher = self.create_publisher(*args, **kwargs, publisher_class=LifecyclePublisher)
        assert isinstance(publisher, LifecyclePublisher)
        self._managed_entities.add(publisher)
        return publisher

    def destroy_lifecycle_publisher(self, publisher: LifecyclePublisher) -> bool:
        """Destroy a publisher; return False if it is not of this node."""
        self._managed_entities.discard(publisher)
        return self.destroy_publisher(publisher)

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Get ready."""
        return self.__ask_entities("on_configure", state)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Undo :meth:`on_configure`."""
        return self.__ask_entities("on_cleanup", state)

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Get ready for the end."""
        return self.__ask_entities("on_shutdown", state)

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Begin to work."""
        return self.__ask_entities("on_activate", state)

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Pause."""
        return self.__ask_entities("on_deactivate", state)

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Clean up after a callback that raised or reported an error."""
        return self.__ask_entities("on_error", state)

    def __ask_entities(self, name: str, state: LifecycleState) -> TransitionCallbackReturn:
        for entity in self._managed_entities:
            result = getattr(entity, name)(state)
            _check_result(f"{name}() of {entity}", result)
            if result is not TransitionCallbackReturn.SUCCESS:
                return TransitionCallbackReturn(result)
        return TransitionCallbackReturn.SUCCESS

    def __change_state(self, transition: int | str) -> TransitionCallbackReturn:
        before = self._state_machine.state
        self._state_machine.trigger(transition)
        result = self.__call_back(before)
        self._state_machine.trigger(result.to_label())
        if result is TransitionCallbackReturn.ERROR:
            self._state_machine.trigger(self.__call_back(before).to_label())
        return result

    def __call_back(self, before: LifecycleState) -> TransitionCallbackReturn:
        callback = self._callbacks[self._state_machine.state]
        try:
            result = callback(before)
            _check_result(f"{getattr(callback, '__name__', callback)}()", result)
        except Exception:
            # Whatever a callback raises is an error of the transition, which the node is there to handle.
            self.get_logger().error(f"Error in a lifecycle callback:\n{traceback.format_exc()}")
            return TransitionCallbackReturn.ERROR
        return result

    def __announce(self, transition: LifecycleTransition) -> None:
        event = TransitionEvent(start_state=_state(transition.start), goal_state=_state(transition.goal))
        self._transition_events.publish(event)

    def __answer_change_state(self, request: Any, response: Any) -> Any:
        transition = request.transition.label or request.transition.id
        try:
            response.success = self.__change_state(transition) is TransitionCallbackReturn.SUCCESS
        except RCLError as error:
            self.get_logger().warning(str(error))
            response.success = False
        return response

    def __answer_get_state(self, request: Any, response: Any) -> Any:
        response.current_state = _state(self._state_machine.state)
        return response

    def __answer_available_states(self, request: Any, response: Any) -> Any:
        response.available_states = [_state(state) for state in STATES]
        return response

    def __answer_available_transitions(self, request: Any, response: Any) -> Any:
        response.available_transitions = _descriptions(self._state_machine.available_transitions)
        return response

    def __answer_transition_graph(self, request: Any, response: Any) -> Any:
        response.available_transitions = _descriptions(TRANSITIONS)
        return response


class LifecycleNode(LifecycleNodeMixin, Node):
    """A managed node; all arguments but one are those of :class:`rclpy.node.Node`.

    Args:
        node_name: its name.
        enable_communication_interface: whether others can see and change the state, through services.
    """

    def __init__(self, node_name: str, *, enable_communication_interface: bool = True, **kwargs: Any) -> None:
        Node.__init__(self, node_name, **kwargs)
        LifecycleNodeMixin.__init__(self, enable_communication_interface=enable_communication_interface)


def _check_result(what: str, result: object) -> None:
    if not isinstance(result, TransitionCallbackReturn):
        raise TypeError(f"{what} must return a TransitionCallbackReturn, not {result!r}")


def _state(state: LifecycleState) -> State:
    return State(id=state.state_id, label=state.label)


def _descriptions(transitions: Iterable[LifecycleTransition]) -> list[TransitionDescription]:
    return [
        TransitionDescription(
            transition=Transition(id=transition.transition_id, label=transition.label),
            start_state=_state(transition.start),
            goal_state=_state(transition.goal),
        )
        for transition in transitions
    ]
