"""`ros2 topic`, `node`, `param`, `service` and `interface` against a node in another process."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from launch_helpers import read_until, ros2, start_ros2, wait_until

NODE = """
import rclpy
from rcl_interfaces.msg import FloatingPointRange, ParameterDescriptor, SetParametersResult
from rclpy.qos import QoSProfile, DurabilityPolicy
from std_msgs.msg import Float64MultiArray, String
from std_srvs.srv import SetBool

rclpy.init()
node = rclpy.create_node("driver", namespace="robot")
rates = FloatingPointRange(from_value=0.5, to_value=50.0)
node.declare_parameter("rate", 10.0, ParameterDescriptor(description="how often", floating_point_range=[rates]))
node.declare_parameter("serial", 7, ParameterDescriptor(read_only=True))
node.declare_parameter("group.name", "left")
node.declare_parameter("gains", [1.0, 2.0])


def check(parameters):
    for parameter in parameters:
        if parameter.name == "group.name" and parameter.value == "middle":
            return SetParametersResult(successful=False, reason="the robot has no middle")
    return SetParametersResult(successful=True)


def switch(request, response):
    response.success = request.data
    response.message = "switched"
    return response


node.add_on_set_parameters_callback(check)
chatter = node.create_publisher(String, "chatter", 10)
array = node.create_publisher(Float64MultiArray, "array", 10)
node.create_publisher(String, "latched", QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)).publish(
    String(data="early")
)
node.create_timer(0.05, lambda: (chatter.publish(String(data="hello")), array.publish(Float64MultiArray(data=[1.0]))))
node.create_subscription(String, "ears", lambda message: print("heard", message.data, flush=True), 10)
node.create_service(SetBool, "switch", switch)
print("ready", flush=True)
try:
    rclpy.spin(node)
except KeyboardInterrupt:
    pass
"""


@pytest.fixture
def driver(ros_domain: int) -> Iterator[subprocess.Popen[str]]:
    """A node `/robot/driver` that spins in a process of its own, where `ros2` sees it."""
    process = subprocess.Popen([sys.executable, "-c", NODE], stdout=subprocess.PIPE, text=True, env=dict(os.environ))
    read_until(process, "ready")
    yield process
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)


def output(*arguments: str) -> str:
    result = ros2(*arguments)
    assert result.returncode == 0, result.stderr
    return result.stdout


def eventually(seen: Callable[[], bool]) -> None:
    """Discovery takes as long as it takes on a busy machine."""
    wait_until(seen)


@pytest.mark.usefixtures("driver")
def test_nodes_are_listed() -> None:
    eventually(lambda: output("node", "list").splitlines() == ["/robot/driver"])


@pytest.mark.usefixtures("driver")
def test_a_node_tells_its_topics_and_services() -> None:
    text = ""

    def complete() -> bool:
        nonlocal text
        text = output("node", "info", "/robot/driver")
        return "/robot/switch" in text and "/robot/ears" in text

    eventually(complete)
    assert text.startswith("/robot/driver\n  Subscribers:\n")
    subscribers, rest = text.split("  Publishers:\n")
    publishers, rest = rest.split("  Service Servers:\n")
    servers, _ = rest.split("  Service Clients:\n")
    assert "    /robot/ears: std_msgs/msg/String\n" in subscribers
    assert "    /robot/chatter: std_msgs/msg/String\n" in publishers
    assert "    /robot/switch: std_srvs/srv/SetBool\n" in servers
    assert "    /robot/driver/set_parameters: rcl_interfaces/srv/SetParameters\n" in servers


@pytest.mark.usefixtures("driver")
def test_topics_are_listed_with_their_types_and_ends() -> None:
    eventually(lambda: {"/robot/chatter", "/robot/ears"} <= set(output("topic", "list").splitlines()))
    eventually(lambda: "/robot/chatter [std_msgs/msg/String]\n" in output("topic", "list", "-t"))
    eventually(lambda: " * /robot/ears [std_msgs/msg/String] 1 subscriber\n" in output("topic", "list", "-v"))
    assert output("topic", "type", "/robot/chatter") == "std_msgs/msg/String\n"


@pytest.mark.usefixtures("driver")
def test_a_topic_tells_its_ends_and_their_quality_of_service() -> None:
    brief = "Type: std_msgs/msg/String\nPublisher count: 1\nSubscription count: 0\n"
    eventually(lambda: output("topic", "info", "/robot/chatter") == brief)
    eventually(lambda: "Node name: driver\n" in output("topic", "info", "-v", "/robot/latched"))
    verbose = output("topic", "info", "-v", "/robot/latched")
    assert "Node namespace: /robot\n" in verbose
    assert "Endpoint type: PUBLISHER\n" in verbose
    assert "Reliability: RELIABLE\n" in verbose
    assert "Durability: TRANSIENT_LOCAL\n" in verbose


@pytest.mark.usefixtures("driver")
def test_messages_are_echoed_as_yaml() -> None:
    assert output("topic", "echo", "--once", "/robot/chatter") == "data: hello\n---\n"


@pytest.mark.usefixtures("driver")
def test_an_echo_hears_what_was_published_before_it_came() -> None:
    assert output("topic", "echo", "--once", "/robot/latched") == "data: early\n---\n"


@pytest.mark.usefixtures("driver")
def test_an_echo_can_be_of_one_field() -> None:
    assert output("topic", "echo", "--once", "--field", "data", "/robot/chatter") == "hello\n---\n"


@pytest.mark.usefixtures("driver")
def test_an_echo_can_leave_arrays_out() -> None:
    (message, _) = yaml.safe_load_all(output("topic", "echo", "--once", "--no-arr", "/robot/array"))
    assert re.fullmatch(r"<sequence type: \w+, length: 1>", message["data"])


@pytest.mark.usefixtures("driver")
def test_a_topic_that_nobody_has_is_an_error() -> None:
    result = ros2("topic", "echo", "--once", "/robot/nothing")
    assert result.returncode == 1
    assert "Could not determine the type for the passed topic" in result.stderr


@pytest.mark.usefixtures("driver")
def test_the_rate_of_a_topic_is_measured() -> None:
    process = start_ros2("topic", "hz", "/robot/chatter")
    read_until(process, "average rate: ")
    statistics = read_until(process, "window: ")[-1]
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert re.fullmatch(r"\tmin: \d+\.\d{3}s max: \d+\.\d{3}s std dev: \d+\.\d{5}s window: \d+", statistics)


@pytest.mark.usefixtures("driver")
def test_the_bandwidth_of_a_topic_is_measured() -> None:
    process = start_ros2("topic", "bw", "/robot/chatter")
    read_until(process, "Subscribed to [/robot/chatter]")
    first = read_until(process, "messages")[-1]
    second = read_until(process, "Message size")[-1]
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert re.fullmatch(r"[\d.]+ K?B/s from \d+ messages", first)
    assert re.fullmatch(r"\tMessage size mean: [\d.]+ K?B min: [\d.]+ K?B max: [\d.]+ K?B", second)


def test_a_message_is_published(driver: subprocess.Popen[str]) -> None:
    text = output("topic", "pub", "--once", "/robot/ears", "std_msgs/msg/String", "{data: hi}")
    assert "publishing #1: std_msgs.msg.String(data='hi')" in text
    assert read_until(driver, "heard") == ["heard hi"]


def test_messages_are_published_at_a_rate(driver: subprocess.Popen[str]) -> None:
    number_and_rate = ("-t", "3", "-r", "50", "--qos-depth", "10")
    output("topic", "pub", *number_and_rate, "/robot/ears", "std_msgs/msg/String", "{data: hi}")
    for _ in range(3):
        read_until(driver, "heard hi")


@pytest.mark.parametrize(
    ("type_name", "values", "message"),
    [
        ("std_msgs/msg/Strin", "{}", "The passed message type is invalid"),
        ("std_msgs/msg/String", "{text: hi}", "Failed to populate field"),
        ("std_msgs/msg/String", "hi", "dictionary in YAML format"),
    ],
)
def test_what_is_no_message_is_not_published(type_name: str, values: str, message: str) -> None:
    result = ros2("topic", "pub", "--times", "1", "-w", "0", "/robot/ears", type_name, values)
    assert result.returncode == 1
    assert message in result.stderr


@pytest.mark.usefixtures("driver")
def test_parameters_are_listed() -> None:
    expected = {"  rate", "  serial", "  group.name", "  gains", "  use_sim_time"}
    eventually(lambda: expected <= set(output("param", "list", "/robot/driver").splitlines()))
    eventually(lambda: output("param", "list").startswith("/robot/driver:\n  "))


@pytest.mark.usefixtures("driver")
def test_a_parameter_is_got_with_its_type() -> None:
    assert output("param", "get", "/robot/driver", "rate") == "Double value is: 10.0\n"
    assert output("param", "get", "/robot/driver", "serial") == "Integer value is: 7\n"
    assert output("param", "get", "--hide-type", "/robot/driver", "group.name") == "left\n"


@pytest.mark.usefixtures("driver")
def test_a_parameter_is_set() -> None:
    assert output("param", "set", "/robot/driver", "rate", "2.5") == "Set parameter successful\n"
    assert output("param", "get", "/robot/driver", "rate") == "Double value is: 2.5\n"


@pytest.mark.usefixtures("driver")
@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("rate", "100.0", ""),
        ("rate", "fast", ""),
        ("serial", "8", ""),
        ("group.name", "middle", "the robot has no middle"),
    ],
)
def test_a_refused_parameter_says_why_and_stays(name: str, value: str, reason: str) -> None:
    before = output("param", "get", "/robot/driver", name)
    result = ros2("param", "set", "/robot/driver", name, value)
    assert "Setting parameter failed" in result.stdout + result.stderr
    assert reason in result.stdout + result.stderr
    assert output("param", "get", "/robot/driver", name) == before


@pytest.mark.usefixtures("driver")
def test_a_parameter_is_described() -> None:
    assert output("param", "describe", "/robot/driver", "rate").splitlines() == [
        "Parameter name: rate",
        "  Type: double",
        "  Description: how often",
        "  Constraints:",
        "    Min value: 0.5",
        "    Max value: 50.0",
    ]
    assert "    Read only: true" in output("param", "describe", "/robot/driver", "serial").splitlines()


@pytest.mark.usefixtures("driver")
def test_parameters_are_dumped_and_loaded_again(tmp_path: Path) -> None:
    dumped = yaml.safe_load(output("param", "dump", "/robot/driver"))
    parameters = dumped["/robot/driver"]["ros__parameters"]
    assert parameters["rate"] == 10.0
    assert parameters["group"] == {"name": "left"}
    assert parameters["gains"] == [1.0, 2.0]
    file = tmp_path / "robot.yaml"
    file.write_text(yaml.safe_dump({"/robot/driver": {"ros__parameters": {"rate": 5.0, "group": {"name": "right"}}}}))
    assert output("param", "load", "/robot/driver", str(file)).splitlines() == [
        "Set parameter group.name successful",
        "Set parameter rate successful",
    ]
    assert output("param", "get", "/robot/driver", "group.name") == "String value is: right\n"


@pytest.mark.usefixtures("driver")
def test_a_node_that_is_not_there_is_an_error() -> None:
    result = ros2("param", "get", "/robot/nobody", "rate")
    assert result.returncode == 1
    assert "Node not found" in result.stderr


@pytest.mark.usefixtures("driver")
def test_services_are_listed_with_their_types() -> None:
    eventually(lambda: "/robot/switch [std_srvs/srv/SetBool]\n" in output("service", "list", "-t"))
    assert output("service", "type", "/robot/switch") == "std_srvs/srv/SetBool\n"


@pytest.mark.usefixtures("driver")
def test_a_service_is_called() -> None:
    text = output("service", "call", "/robot/switch", "std_srvs/srv/SetBool", "{data: true}")
    assert "requester: making request: std_srvs.srv.SetBool_Request(data=True)\n" in text
    assert "response:\nstd_srvs.srv.SetBool_Response(success=True, message='switched')\n" in text


def test_a_definition_is_shown_with_those_inside() -> None:
    lines = [line.split("#")[0].rstrip() for line in output("interface", "show", "std_msgs/msg/Header").splitlines()]
    assert [line for line in lines if line] == [
        "builtin_interfaces/Time stamp",
        "\tint32 sec",
        "\tuint32 nanosec",
        "string frame_id",
    ]


def test_interfaces_are_listed() -> None:
    assert "    std_msgs/msg/String\n" in output("interface", "list")
    assert "std_srvs/srv/SetBool" in output("interface", "package", "std_srvs").splitlines()
    assert ros2("interface", "show", "std_msgs/msg/Nothing").returncode == 1
