"""Managed nodes: their states, who may change them, and what is called on the way."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import rclpy
from lifecycle_msgs.msg import State, Transition, TransitionEvent
from lifecycle_msgs.srv import ChangeState, GetAvailableStates, GetAvailableTransitions, GetState
from rclpy.executors import SingleThreadedExecutor
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.lifecycle import (
    LifecycleNode,
    LifecyclePublisher,
    LifecycleState,
    ManagedEntity,
    SimpleManagedEntity,
    TransitionCallbackReturn,
)
from rclpy.node import Node
from ros_helpers import spin_until
from std_msgs.msg import String

SUCCESS, FAILURE, ERROR = (
    TransitionCallbackReturn.SUCCESS,
    TransitionCallbackReturn.FAILURE,
    TransitionCallbackReturn.ERROR,
)
RCLError = rclpy_implementation.RCLError


class Scripted(LifecycleNode):
    """Answers each transition as it was told to, and notes what it was called for."""

    def __init__(self, name: str = "managed", **answers: Any) -> None:
        super().__init__(name)
        self.answers = answers
        self.calls: list[tuple[str, str]] = []

    def _answer(self, what: str, state: LifecycleState) -> TransitionCallbackReturn:
        self.calls.append((what, state.label))
        answer = self.answers.get(what, SUCCESS)
        if isinstance(answer, Exception):
            raise answer
        return answer  # type: ignore[no-any-return]

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        return self._answer("configure", state)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        return self._answer("cleanup", state)

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        return self._answer("activate", state)

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        return self._answer("deactivate", state)

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        return self._answer("shutdown", state)

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        return self._answer("error", state)


@pytest.fixture
def make(ros: None) -> Iterator[Callable[..., Scripted]]:
    """Make managed nodes."""
    nodes: list[Scripted] = []

    def make(**answers: Any) -> Scripted:
        nodes.append(Scripted(**answers))
        return nodes[-1]

    yield make
    for node in nodes:
        node.destroy_node()


class Remote:
    """Sees a managed node from another one, through its services."""

    def __init__(self, node: Node, managed: Node) -> None:
        self.node = node
        self.name = managed.get_fully_qualified_name()
        self.executor = SingleThreadedExecutor()
        self.executor.add_node(node)
        self.executor.add_node(managed)

    def call(self, srv_type: Any, service: str, **fields: Any) -> Any:
        client = self.node.create_client(srv_type, f"{self.name}/{service}")
        assert client.wait_for_service(timeout_sec=10.0)
        future = client.call_async(srv_type.Request(**fields))
        self.executor.spin_until_future_complete(future, timeout_sec=10.0)
        self.node.destroy_client(client)
        return future.result()

    @property
    def state(self) -> str:
        label: str = self.call(GetState, "get_state").current_state.label
        return label

    def change(self, transition: int, label: str = "") -> bool:
        request = Transition(id=transition, label=label)
        success: bool = self.call(ChangeState, "change_state", transition=request).success
        return success


@pytest.fixture
def remote(node: Node) -> Iterator[Callable[[Node], Remote]]:
    """See managed nodes from outside."""
    made: list[Remote] = []

    def see(managed: Node) -> Remote:
        made.append(Remote(node, managed))
        return made[-1]

    yield see
    for each in made:
        each.executor.shutdown()


def test_a_node_goes_through_its_life(make: Callable[..., Scripted]) -> None:
    node = make()
    for transition in ("configure", "activate", "deactivate", "cleanup", "shutdown"):
        assert getattr(node, f"trigger_{transition}")() == SUCCESS
    assert node.calls == [
        ("configure", "unconfigured"),
        ("activate", "inactive"),
        ("deactivate", "active"),
        ("cleanup", "inactive"),
        ("shutdown", "unconfigured"),
    ]


@pytest.mark.parametrize("before", [[], ["configure"], ["configure", "activate"]])
def test_a_node_can_be_shut_down_in_each_state(
    before: list[str], make: Callable[..., Scripted], remote: Callable[[Node], Remote]
) -> None:
    node = make()
    for transition in before:
        getattr(node, f"trigger_{transition}")()
    assert node.trigger_shutdown() == SUCCESS
    assert remote(node).state == "finalized"


@pytest.mark.parametrize("transition", ["activate", "deactivate", "cleanup"])
def test_what_the_state_does_not_allow_is_an_error(transition: str, make: Callable[..., Scripted]) -> None:
    node = make()
    with pytest.raises(RCLError):
        getattr(node, f"trigger_{transition}")()
    assert node.calls == []


def test_a_node_can_be_shut_down_once(make: Callable[..., Scripted]) -> None:
    node = make()
    node.trigger_shutdown()
    with pytest.raises(RCLError):
        node.trigger_shutdown()


@pytest.mark.parametrize(
    ("transitions", "answers", "state"),
    [
        (["configure"], {"configure": FAILURE}, "unconfigured"),
        (["configure", "activate"], {"activate": FAILURE}, "inactive"),
        (["configure", "activate", "deactivate"], {"deactivate": FAILURE}, "active"),
        (["configure", "cleanup"], {"cleanup": FAILURE}, "inactive"),
        (["shutdown"], {"shutdown": FAILURE}, "finalized"),
        (["configure"], {"configure": ERROR}, "unconfigured"),
        (["configure", "activate"], {"activate": ERROR}, "unconfigured"),
        (["configure", "activate"], {"activate": ERROR, "error": FAILURE}, "finalized"),
        (["configure", "activate"], {"activate": ERROR, "error": ERROR}, "finalized"),
        (["configure"], {"configure": ValueError("broken")}, "unconfigured"),
        (["configure"], {"configure": ValueError("broken"), "error": ValueError("this too")}, "finalized"),
    ],
)
def test_the_answer_of_a_callback_decides_where_a_transition_leads(
    transitions: list[str],
    answers: dict[str, Any],
    state: str,
    make: Callable[..., Scripted],
    remote: Callable[[Node], Remote],
) -> None:
    node = make(**answers)
    for transition in transitions:
        result = getattr(node, f"trigger_{transition}")()
    answer = answers[transitions[-1]]
    assert result == (ERROR if isinstance(answer, Exception) else answer)
    assert remote(node).state == state
    assert [call for call, _ in node.calls if call == "error"] == (["error"] if result == ERROR else [])


def test_the_callback_for_errors_is_told_the_state_before_the_transition(make: Callable[..., Scripted]) -> None:
    node = make(activate=ERROR)
    node.trigger_configure()
    node.trigger_activate()
    assert node.calls[-1] == ("error", "inactive")


def test_others_change_the_state_by_id_or_label(
    make: Callable[..., Scripted], remote: Callable[[Node], Remote]
) -> None:
    far = remote(make())
    assert far.state == "unconfigured"
    assert far.change(Transition.TRANSITION_CONFIGURE)
    assert far.state == "inactive"
    assert far.change(0, "activate")
    assert far.state == "active"


def test_others_are_told_when_a_change_fails(make: Callable[..., Scripted], remote: Callable[[Node], Remote]) -> None:
    far = remote(make(configure=FAILURE))
    assert not far.change(Transition.TRANSITION_CONFIGURE)
    assert not far.change(0, "no_such_transition")
    assert far.state == "unconfigured"


def test_others_see_all_states(make: Callable[..., Scripted], remote: Callable[[Node], Remote]) -> None:
    states = remote(make()).call(GetAvailableStates, "get_available_states").available_states
    assert {state.id: state.label for state in states} == {
        State.PRIMARY_STATE_UNKNOWN: "unknown",
        State.PRIMARY_STATE_UNCONFIGURED: "unconfigured",
        State.PRIMARY_STATE_INACTIVE: "inactive",
        State.PRIMARY_STATE_ACTIVE: "active",
        State.PRIMARY_STATE_FINALIZED: "finalized",
        State.TRANSITION_STATE_CONFIGURING: "configuring",
        State.TRANSITION_STATE_CLEANINGUP: "cleaningup",
        State.TRANSITION_STATE_SHUTTINGDOWN: "shuttingdown",
        State.TRANSITION_STATE_ACTIVATING: "activating",
        State.TRANSITION_STATE_DEACTIVATING: "deactivating",
        State.TRANSITION_STATE_ERRORPROCESSING: "errorprocessing",
    }


def test_others_see_where_a_node_can_go_from_here(
    make: Callable[..., Scripted], remote: Callable[[Node], Remote]
) -> None:
    node = make()
    node.trigger_configure()
    found = remote(node).call(GetAvailableTransitions, "get_available_transitions").available_transitions
    assert {(each.transition.label, each.transition.id, each.goal_state.label) for each in found} == {
        ("activate", Transition.TRANSITION_ACTIVATE, "activating"),
        ("cleanup", Transition.TRANSITION_CLEANUP, "cleaningup"),
        ("shutdown", Transition.TRANSITION_INACTIVE_SHUTDOWN, "shuttingdown"),
    }
    assert {each.start_state.label for each in found} == {"inactive"}


def test_others_see_the_whole_graph(make: Callable[..., Scripted], remote: Callable[[Node], Remote]) -> None:
    graph = remote(make()).call(GetAvailableTransitions, "get_transition_graph").available_transitions
    ways = {(each.start_state.label, each.transition.label): each.goal_state.label for each in graph}
    assert len(ways) == len(graph) == 25
    assert ways["configuring", "transition_success"] == "inactive"
    assert ways["shuttingdown", "transition_failure"] == "finalized"
    assert ways["shuttingdown", "transition_error"] == "errorprocessing"
    assert ways["errorprocessing", "transition_success"] == "unconfigured"
    assert ways["errorprocessing", "transition_failure"] == "finalized"
    ids = {each.transition.id for each in graph}
    assert {Transition.TRANSITION_ON_CONFIGURE_SUCCESS, Transition.TRANSITION_ON_ERROR_ERROR} <= ids


def test_each_step_of_a_transition_is_published(make: Callable[..., Scripted], node: Node) -> None:
    managed = make()
    events: list[TransitionEvent] = []
    subscription = node.create_subscription(TransitionEvent, "/managed/transition_event", events.append, 10)
    spin_until(node, lambda: node.count_publishers(subscription.topic_name) == 1)
    managed.trigger_configure()  # the subscription may still be on its way to the publisher
    while not events:
        managed.trigger_cleanup()
        managed.trigger_configure()
        rclpy.spin_once(node, timeout_sec=0.1)
    spin_until(node, lambda: ("configuring", "inactive") in [_labels(event) for event in events])
    events.clear()
    managed.trigger_activate()
    spin_until(node, lambda: ("activating", "active") in [_labels(event) for event in events])
    assert [_labels(event) for event in events][-2:] == [("inactive", "activating"), ("activating", "active")]
    assert (events[-1].start_state.id, events[-1].goal_state.id) == (
        State.TRANSITION_STATE_ACTIVATING,
        State.PRIMARY_STATE_ACTIVE,
    )


def _labels(event: TransitionEvent) -> tuple[str, str]:
    return event.start_state.label, event.goal_state.label


def test_a_node_without_communication_interface_changes_only_itself(ros: None, node: Node) -> None:
    managed = LifecycleNode("managed", enable_communication_interface=False)
    assert not [name for name, _ in node.get_service_names_and_types_by_node("managed", "/") if "state" in name]
    assert managed.trigger_configure() == SUCCESS
    managed.destroy_node()


def test_a_communication_interface_that_is_no_bool_is_a_type_error(ros: None) -> None:
    with pytest.raises(TypeError):
        LifecycleNode("managed", enable_communication_interface="yes")


def test_services_are_below_the_name_of_the_node(ros: None, node: Node) -> None:
    managed = LifecycleNode("camera", namespace="/robot")
    spin_until(node, lambda: node.get_service_names_and_types_by_node("camera", "/robot"))
    services = dict(managed.get_service_names_and_types_by_node("camera", "/robot"))
    assert services["/robot/camera/change_state"] == ["lifecycle_msgs/srv/ChangeState"]
    managed.destroy_node()


class Entity(ManagedEntity):
    """Notes what it is called for."""

    def __init__(self, answer: Any = SUCCESS) -> None:
        self.answer = answer
        self.calls: list[LifecycleState] = []

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        self.calls.append(state)
        return self.answer  # type: ignore[no-any-return]


@pytest.fixture
def managed(ros: None) -> Iterator[LifecycleNode]:
    """Make a managed node without callbacks of its own."""
    node = LifecycleNode("managed")
    yield node
    node.destroy_node()


def test_managed_entities_are_asked_too(managed: LifecycleNode) -> None:
    entity = Entity()
    managed.add_managed_entity(entity)
    assert managed.trigger_configure() == SUCCESS
    assert entity.calls == [LifecycleState(label="unconfigured", state_id=State.PRIMARY_STATE_UNCONFIGURED)]


def test_a_managed_entity_can_refuse(managed: LifecycleNode) -> None:
    managed.add_managed_entity(Entity(FAILURE))
    assert managed.trigger_configure() == FAILURE


def test_a_managed_entity_that_answers_nothing_is_an_error(managed: LifecycleNode) -> None:
    managed.add_managed_entity(Entity(None))
    assert managed.trigger_configure() == ERROR


def test_only_managed_entities_can_be_added(managed: LifecycleNode) -> None:
    with pytest.raises(TypeError, match="ManagedEntity"):
        managed.add_managed_entity("entity")


def test_a_lifecycle_publisher_is_silent_until_the_node_is_active(managed: LifecycleNode, node: Node) -> None:
    received: list[str] = []
    node.create_subscription(String, "text", lambda message: received.append(message.data), 10)
    publisher = managed.create_lifecycle_publisher(String, "text", 10)
    assert isinstance(publisher, LifecyclePublisher)
    spin_until(node, lambda: publisher.get_subscription_count() == 1)
    publisher.publish(String(data="unconfigured"))
    managed.trigger_configure()
    publisher.publish(String(data="inactive"))
    assert not publisher.is_activated
    managed.trigger_activate()
    assert publisher.is_activated
    publisher.publish(String(data="active"))
    spin_until(node, lambda: received)
    managed.trigger_deactivate()
    publisher.publish(String(data="inactive again"))
    managed.trigger_activate()
    publisher.publish(String(data="active again"))
    spin_until(node, lambda: "active again" in received)
    assert received == ["active", "active again"]


def test_a_lifecycle_publisher_can_be_destroyed(managed: LifecycleNode) -> None:
    publisher = managed.create_lifecycle_publisher(String, "text", 10)
    assert managed.destroy_lifecycle_publisher(publisher)
    assert publisher not in list(managed.publishers)
    assert managed.trigger_configure() == SUCCESS


def test_the_class_of_a_lifecycle_publisher_is_given(managed: LifecycleNode) -> None:
    with pytest.raises(TypeError, match="publisher_class"):
        managed.create_lifecycle_publisher(String, "text", 10, publisher_class=LifecyclePublisher)


def test_methods_can_be_bound_to_the_active_state() -> None:
    skipped: list[str] = []

    class Lamp(SimpleManagedEntity):
        lit = 0

        @SimpleManagedEntity.when_enabled
        def light(self) -> None:
            self.lit += 1

        @SimpleManagedEntity.when_enabled(when_not_enabled=lambda: skipped.append("blink"))
        def blink(self) -> None:
            self.lit += 10

    lamp = Lamp()
    lamp.light()
    lamp.blink()
    assert (lamp.lit, skipped) == (0, ["blink"])
    lamp.on_activate(LifecycleState("inactive", 2))
    lamp.light()
    lamp.blink()
    assert lamp.lit == 11
    lamp.on_deactivate(LifecycleState("active", 3))
    lamp.light()
    assert lamp.lit == 11
