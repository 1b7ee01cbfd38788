"""Parameters: declared, checked, overridden, set from outside."""

from pathlib import Path
from typing import Any

import pytest
import rclpy
from rcl_interfaces.msg import (
    FloatingPointRange,
    IntegerRange,
    ParameterDescriptor,
    ParameterEvent,
    ParameterType,
    SetParametersResult,
)
from rcl_interfaces.srv import DescribeParameters, GetParameters, GetParameterTypes, ListParameters, SetParameters
from rclpy.exceptions import (
    InvalidParameterTypeException,
    InvalidParameterValueException,
    ParameterAlreadyDeclaredException,
    ParameterImmutableException,
    ParameterNotDeclaredException,
    ParameterUninitializedException,
)
from rclpy.node import Node
from rclpy.parameter import Parameter
from ros_helpers import Start, spin_until

RATE = ParameterDescriptor(
    type=ParameterType.PARAMETER_DOUBLE,
    description="refreshes a second",
    floating_point_range=[FloatingPointRange(from_value=0.0, to_value=50.0)],
)


def set_one(node: Node, name: str, value: Any) -> Any:
    return node.set_parameters([Parameter(name, value=value)])[0]


@pytest.mark.parametrize(
    "value", [True, 3, 2.5, "text", [b"\x01"], [True, False], [1, 2], [1.0, 2.0], ["a", "b"]], ids=repr
)
def test_values_of_all_types(node: Node, value: Any) -> None:
    assert node.declare_parameter("name", value).value == value
    assert node.get_parameter("name").value == value
    message = node.get_parameter("name").get_parameter_value()
    assert message.type == Parameter.Type.from_parameter_value(value).value


def test_undeclared_parameters_are_refused(node: Node) -> None:
    with pytest.raises(ParameterNotDeclaredException):
        node.get_parameter("unknown")
    with pytest.raises(ParameterNotDeclaredException):
        set_one(node, "unknown", 1)
    assert node.get_parameter_or("unknown", Parameter("unknown", value=7)).value == 7


def test_undeclared_parameters_can_be_allowed(ros: None) -> None:
    node = rclpy.create_node("lax", allow_undeclared_parameters=True)
    assert node.get_parameter("unknown").type_ == Parameter.Type.NOT_SET
    assert set_one(node, "unknown", 1).successful
    assert node.get_parameter("unknown").value == 1
    node.destroy_node()


def test_declaring_twice_is_refused(node: Node) -> None:
    node.declare_parameter("name", 1)
    with pytest.raises(ParameterAlreadyDeclaredException):
        node.declare_parameter("name", 1)


def test_several_are_declared_at_once(node: Node) -> None:
    declared = node.declare_parameters("limits", [("speed", 1.0), ("force", 2.0, ParameterDescriptor())])
    assert [(parameter.name, parameter.value) for parameter in declared] == [
        ("limits.speed", 1.0),
        ("limits.force", 2.0),
    ]
    assert node.get_parameters_by_prefix("limits")["speed"].value == 1.0


def test_type_stays(node: Node) -> None:
    node.declare_parameter("rate", 2.5)
    result = set_one(node, "rate", 3)
    assert not result.successful
    assert "Wrong parameter type, expected 'Type.DOUBLE' got 'Type.INTEGER'" in result.reason
    assert node.get_parameter("rate").value == 2.5


def test_type_may_change_where_it_is_dynamic(node: Node) -> None:
    node.declare_parameter("any", 1, ParameterDescriptor(dynamic_typing=True))
    assert set_one(node, "any", "text").successful


def test_type_without_value(node: Node) -> None:
    node.declare_parameter("checkpoint", Parameter.Type.STRING)
    with pytest.raises(ParameterUninitializedException):
        node.get_parameter("checkpoint")
    assert set_one(node, "checkpoint", "folder").successful
    assert node.get_parameter("checkpoint").value == "folder"


def test_ranges_are_kept(node: Node) -> None:
    node.declare_parameter("rate", 2.5, RATE)
    result = set_one(node, "rate", 51.0)
    assert not result.successful
    assert "out of range" in result.reason
    assert set_one(node, "rate", 50.0).successful
    integer_range = IntegerRange(from_value=0, to_value=10, step=5)
    node.declare_parameter("steps", 5, ParameterDescriptor(integer_range=[integer_range]))
    assert "not a valid step" in set_one(node, "steps", 6).reason
    assert set_one(node, "steps", 10).successful
    with pytest.raises(InvalidParameterValueException, match="out of range"):
        node.declare_parameter("bad", -1.0, RATE)


def test_read_only_parameters_stay(node: Node) -> None:
    node.declare_parameter("device", "cpu", ParameterDescriptor(read_only=True))
    assert "read-only" in set_one(node, "device", "cuda").reason
    assert node.get_parameter("device").value == "cpu"


def test_callback_can_refuse(node: Node) -> None:
    node.declare_parameter("rate", 2.5)

    def judge(parameters: list[Parameter]) -> SetParametersResult:
        odd = any(parameter.value == 13.0 for parameter in parameters)
        return SetParametersResult(successful=not odd, reason="13 brings bad luck" if odd else "")

    node.add_on_set_parameters_callback(judge)
    assert set_one(node, "rate", 13.0).reason == "13 brings bad luck"
    assert set_one(node, "rate", 12.0).successful
    node.remove_on_set_parameters_callback(judge)
    assert set_one(node, "rate", 13.0).successful


def test_all_or_nothing(node: Node) -> None:
    node.declare_parameters("", [("a", 1), ("b", 2)])
    result = node.set_parameters_atomically([Parameter("a", value=10), Parameter("b", value="wrong")])
    assert not result.successful
    assert node.get_parameter("a").value == 1


def test_command_line_overrides_defaults(ros_domain: int, tmp_path: Path) -> None:
    file = tmp_path / "parameters.yaml"
    file.write_text(
        "/**:\n  ros__parameters:\n    everywhere: 1\n    limits: {speed: 1e-2}\n"
        "/arm/guard:\n  ros__parameters:\n    joints: [waist, elbow]\n"
        "/*/other:\n  ros__parameters:\n    everywhere: 3\n"
    )
    rclpy.init(args=["x", "--ros-args", "--params-file", str(file), "-p", "rate:=5.0", "-p", "other:rate:=6.0"])
    node = rclpy.create_node("guard", namespace="/arm")
    assert node.declare_parameter("everywhere", 0).value == 1
    assert node.declare_parameter("limits.speed", 0.0).value == 0.01
    assert node.declare_parameter("joints", ["none"]).value == ["waist", "elbow"]
    assert node.declare_parameter("rate", 1.0).value == 5.0
    assert node.declare_parameter("kept", 1.0, ignore_override=True).value == 1.0
    node.destroy_node()
    node = rclpy.create_node("other", namespace="/arm", automatically_declare_parameters_from_overrides=True)
    assert node.get_parameter("everywhere").value == 3
    assert node.has_parameter("limits.speed")
    node.destroy_node()


def test_override_of_another_type_is_refused(ros: None) -> None:
    node = rclpy.create_node("guard", parameter_overrides=[Parameter("rate", value="fast")])
    with pytest.raises(InvalidParameterTypeException):
        node.declare_parameter("rate", 1.0)
    node.destroy_node()


def test_changes_are_told(node: Node) -> None:
    events: list[ParameterEvent] = []
    node.create_subscription(ParameterEvent, "/parameter_events", events.append, 100)
    spin_until(node, lambda: node.count_subscribers("/parameter_events"))
    node.declare_parameter("rate", 1.0)
    set_one(node, "rate", 2.0)
    spin_until(node, lambda: any(event.changed_parameters for event in events))
    changed = next(event for event in events if event.changed_parameters)
    assert changed.node == "/test_node"
    assert changed.changed_parameters[0].value.double_value == 2.0


def test_parameters_are_set_from_another_process(node: Node, start: Start) -> None:
    start(
        """
        import rclpy
        from rcl_interfaces.msg import FloatingPointRange, ParameterDescriptor, ParameterType
        rclpy.init()
        node = rclpy.create_node("perception")
        limits = FloatingPointRange(from_value=0.0, to_value=50.0)
        node.declare_parameter("rate", 2.5, ParameterDescriptor(description="in Hz", floating_point_range=[limits]))
        node.declare_parameter("group.member", 1)
        rclpy.spin(node)
        """
    )

    def call(type_: Any, name: str, **request: Any) -> Any:
        client = node.create_client(type_, f"/perception/{name}")
        assert client.wait_for_service(timeout_sec=30)
        future = client.call_async(type_.Request(**request))
        rclpy.spin_until_future_complete(node, future, timeout_sec=30)
        return future.result()

    listed = call(ListParameters, "list_parameters").result
    assert set(listed.names) == {"group.member", "rate", "use_sim_time"}
    assert listed.prefixes == ["group"]
    assert call(ListParameters, "list_parameters", prefixes=["group"]).result.names == ["group.member"]
    assert "group.member" not in call(ListParameters, "list_parameters", depth=1).result.names
    set_to = [Parameter("rate", value=4.0).to_parameter_msg(), Parameter("rate", value=99.0).to_parameter_msg()]
    results = call(SetParameters, "set_parameters", parameters=set_to).results
    assert [result.successful for result in results] == [True, False]
    assert call(GetParameters, "get_parameters", names=["rate"]).values[0].double_value == 4.0
    assert list(call(GetParameterTypes, "get_parameter_types", names=["rate", "group.member"]).types) == [3, 2]
    assert not call(GetParameterTypes, "get_parameter_types", names=["rate", "unknown"]).types
    assert not call(GetParameters, "get_parameters", names=["rate", "unknown"]).values
    assert not call(DescribeParameters, "describe_parameters", names=["rate", "unknown"]).descriptors
    (described,) = call(DescribeParameters, "describe_parameters", names=["rate"]).descriptors
    assert (described.name, described.type, described.description) == ("rate", 3, "in Hz")
    unknown = call(SetParameters, "set_parameters", parameters=[Parameter("no", value=1).to_parameter_msg()])
    assert not unknown.results[0].successful


def test_parameters_before_a_wrong_one_are_set(node: Node) -> None:
    node.declare_parameter("known", 1)
    with pytest.raises(ParameterNotDeclaredException):
        node.set_parameters([Parameter("known", value=2), Parameter("unknown", value=3)])
    assert node.get_parameter("known").value == 2
    with pytest.raises(TypeError):
        node.set_parameters([42])


def test_a_typed_parameter_without_value_is_not_set(node: Node) -> None:
    node.declare_parameter("count", Parameter.Type.INTEGER)
    assert node.get_parameter_or("count", Parameter("other", value=7)).value == 7
    set_one(node, "count", 3)
    assert set_one(node, "count", None).reason.startswith("Static parameter cannot be undeclared")
    assert node.get_parameter("count").value == 3


def test_a_new_descriptor_keeps_the_value_or_takes_the_alternative(node: Node) -> None:
    node.declare_parameter("rate", 60.0)
    alternative = Parameter("rate", value=20.0).get_parameter_value()
    with pytest.raises(InvalidParameterValueException):
        node.set_descriptor("rate", RATE)
    assert node.set_descriptor("rate", RATE, alternative).double_value == 20.0
    assert node.describe_parameter("rate").description == "refreshes a second"
    assert not set_one(node, "rate", 51.0).successful
    node.set_descriptor("rate", ParameterDescriptor(type=ParameterType.PARAMETER_DOUBLE, read_only=True))
    with pytest.raises(ParameterImmutableException):
        node.set_descriptor("rate", RATE)
    with pytest.raises(ParameterNotDeclaredException):
        node.set_descriptor("unknown", RATE)


def test_sections_of_the_same_name_in_a_parameter_file_add_up(ros_domain: int, tmp_path: Path) -> None:
    file = tmp_path / "parameters.yaml"
    file.write_text(
        "/**:\n  ros__parameters:\n    first: 1\n    date: 2024-01-31\n"
        "/**:\n  guard:\n    ros__parameters:\n      second: 2\n"
    )
    rclpy.init(args=["x", "--ros-args", "--params-file", str(file)])
    node = rclpy.create_node("guard", namespace="/arm", automatically_declare_parameters_from_overrides=True)
    assert node.get_parameter("first").value == 1
    assert node.get_parameter("second").value == 2
    assert node.get_parameter("date").value == "2024-01-31"
    node.destroy_node()
    rclpy.shutdown()
