"""Parameters of another node, and parameter files; not in Humble."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from rcl_interfaces.msg import ParameterDescriptor, ParameterEvent
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.parameter import Parameter, parameter_dict_from_yaml_file
from rclpy.parameter_client import AsyncParameterClient
from rclpy.task import Future

Ask = Callable[[Future], Any]

FILE = """
/**:
  ros__parameters:
    rate: 1.0
    frame: everywhere
robot:
  ros__parameters:
    rate: 5.0
    gains: {p: 2.0, names: [a, b]}
    enabled: true
"""


@pytest.fixture
def robot(ros: None) -> Iterator[Node]:
    """A node with parameters."""
    node = Node("robot")
    node.declare_parameter("rate", 10.0, ParameterDescriptor(description="how often"))
    node.declare_parameter("gains.p", 1.0)
    node.declare_parameter("gains.names", ["x"])
    node.declare_parameter("enabled", False)
    node.declare_parameter("frame", "map")
    node.declare_parameter("spare", 3, ParameterDescriptor(dynamic_typing=True))
    yield node
    node.destroy_node()


@pytest.fixture
def executor(robot: Node, node: Node) -> Iterator[SingleThreadedExecutor]:
    """Run the node with parameters and the one that asks."""
    executor = SingleThreadedExecutor()
    executor.add_node(robot)
    executor.add_node(node)
    yield executor
    executor.shutdown()


@pytest.fixture
def ask(executor: SingleThreadedExecutor) -> Ask:
    """Wait for answers."""

    def wait(future: Future) -> Any:
        executor.spin_until_future_complete(future, timeout_sec=10.0)
        return future.result()

    return wait


@pytest.fixture
def client(node: Node, robot: Node) -> AsyncParameterClient:
    """A client of the node with parameters."""
    client = AsyncParameterClient(node, "robot")
    assert client.wait_for_services(timeout_sec=10.0)
    return client


def test_services_of_a_node_that_is_not_there_are_not_ready(node: Node) -> None:
    client = AsyncParameterClient(node, "nobody")
    assert not client.services_are_ready()
    assert not client.wait_for_services(timeout_sec=0.1)


def test_parameters_are_listed(client: AsyncParameterClient, ask: Ask) -> None:
    assert {"rate", "gains.p", "gains.names", "frame"} <= set(ask(client.list_parameters()).result.names)
    assert set(ask(client.list_parameters(prefixes=["gains"], depth=1)).result.names) == {"gains.p", "gains.names"}


def test_parameters_are_read(client: AsyncParameterClient, ask: Ask) -> None:
    rate, frame = ask(client.get_parameters(["rate", "frame"])).values
    assert (rate.double_value, frame.string_value) == (10.0, "map")
    assert list(ask(client.get_parameter_types(["rate", "enabled"])).types) == [
        Parameter.Type.DOUBLE.value,
        Parameter.Type.BOOL.value,
    ]
    assert ask(client.describe_parameters(["rate"])).descriptors[0].description == "how often"


def test_parameters_are_set(client: AsyncParameterClient, ask: Ask, robot: Node) -> None:
    given = [Parameter("rate", value=2.0), Parameter("frame", value="odom").to_parameter_msg()]
    assert [result.successful for result in ask(client.set_parameters(given)).results] == [True, True]
    assert (robot.get_parameter("rate").value, robot.get_parameter("frame").value) == (2.0, "odom")


def test_parameters_are_set_together_or_not_at_all(client: AsyncParameterClient, ask: Ask, robot: Node) -> None:
    given = [Parameter("rate", value=2.0), Parameter("frame", value=3)]
    assert not ask(client.set_parameters_atomically(given)).result.successful
    assert robot.get_parameter("rate").value == 10.0


def test_parameters_are_deleted(client: AsyncParameterClient, ask: Ask, robot: Node) -> None:
    results = ask(client.delete_parameters(["spare", "rate"])).results
    assert [result.successful for result in results] == [True, False]
    assert not robot.has_parameter("spare")


def test_a_callback_is_called_with_the_answer(
    client: AsyncParameterClient, ask: Ask, executor: SingleThreadedExecutor
) -> None:
    answers: list[Any] = []
    future = client.get_parameters(["rate"], callback=lambda future: answers.append(future.result()))
    expected = ask(future)
    while not answers:
        executor.spin_once(timeout_sec=0.1)
    assert answers == [expected]


def test_a_file_is_loaded(client: AsyncParameterClient, ask: Ask, robot: Node, tmp_path: Path) -> None:
    path = tmp_path / "robot.yaml"
    path.write_text(FILE)
    assert all(result.successful for result in ask(client.load_parameter_file(str(path))).results)
    assert robot.get_parameter("rate").value == 5.0
    assert robot.get_parameter("gains.names").value == ["a", "b"]
    assert robot.get_parameter("frame").value == "map"
    assert ask(client.load_parameter_file_atomically(str(path), use_wildcard=True)).result.successful
    assert robot.get_parameter("frame").value == "everywhere"


def test_changes_are_heard_of(client: AsyncParameterClient, ask: Ask, executor: SingleThreadedExecutor) -> None:
    heard: list[ParameterEvent] = []
    client.on_parameter_event(heard.append)
    rate = 0.0
    while not heard:  # the subscription may still be on its way
        rate += 1.0
        ask(client.set_parameters([Parameter("rate", value=rate)]))
        executor.spin_once(timeout_sec=0.1)
    assert heard[0].node == "/robot"
    assert heard[0].changed_parameters[0].name == "rate"


def test_a_file_is_read_for_chosen_nodes(tmp_path: Path) -> None:
    path = tmp_path / "robot.yaml"
    path.write_text(FILE)
    values = parameter_dict_from_yaml_file(str(path), target_nodes=["robot"], namespace="ns.")
    assert set(values) == {"ns.rate", "ns.gains.p", "ns.gains.names", "ns.enabled"}
    assert values["ns.rate"].value.double_value == 5.0
    assert parameter_dict_from_yaml_file(str(path), use_wildcard=True)["frame"].value.string_value == "everywhere"


@pytest.mark.parametrize(
    ("text", "nodes", "complaint"),
    [
        (FILE, ["other"], "does not contain parameters for other"),
        ("robot: {rate: 1.0}", None, "not a valid ROS parameter file for node robot"),
        ("/**: {ros__parameters: {rate: 1.0}}", None, "does not contain selected parameters"),
    ],
)
def test_files_that_have_nothing_for_a_node_are_refused(
    text: str, nodes: list[str] | None, complaint: str, tmp_path: Path
) -> None:
    path = tmp_path / "robot.yaml"
    path.write_text(text)
    with pytest.raises(RuntimeError, match=complaint):
        parameter_dict_from_yaml_file(str(path), target_nodes=nodes)
