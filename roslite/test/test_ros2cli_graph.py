"""`ros2 topic`, `node`, `param`, `service` and `interface` against a node of this process."""

import re
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from geometry_msgs.msg import PointStamped
from launch_helpers import ROS2, read_until, ros2, start_ros2, wait_until
from rcl_interfaces.msg import FloatingPointRange, ParameterDescriptor, SetParametersResult
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.qos import DurabilityPolicy, QoSProfile
from std_msgs.msg import Float64MultiArray, Header, String
from std_srvs.srv import SetBool


class Driver(Node):
    """A node with something of everything.

    Attributes:
        heard: texts that came on `ears`.
        stamps: seconds of the headers that came on `watch`.
    """

    def __init__(self) -> None:
        super().__init__("driver", namespace="robot")
        self.heard: list[str] = []
        self.stamps: list[int] = []
        rates = FloatingPointRange(from_value=0.5, to_value=50.0)
        self.declare_parameter("rate", 10.0, ParameterDescriptor(description="how often", floating_point_range=[rates]))
        self.declare_parameter("serial", 7, ParameterDescriptor(read_only=True))
        self.declare_parameter("group.name", "left")
        self.declare_parameter("gains", [1.0, 2.0])
        self.declare_parameter("spare", 1, ParameterDescriptor(dynamic_typing=True))
        self.add_on_set_parameters_callback(self.check)
        self.chatter = self.create_publisher(String, "chatter", 10)
        self.array = self.create_publisher(Float64MultiArray, "array", 10)
        latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
        self.create_publisher(String, "latched", latched).publish(String(data="early"))
        self.create_timer(0.05, self.publish)
        self.create_subscription(String, "ears", lambda message: self.heard.append(message.data), 10)
        self.create_subscription(Header, "watch", lambda message: self.stamps.append(message.stamp.sec), 10)
        self.create_service(SetBool, "switch", self.switch)

    def publish(self) -> None:
        self.chatter.publish(String(data="hello"))
        self.array.publish(Float64MultiArray(data=[1.0]))

    def check(self, parameters: list[Parameter]) -> SetParametersResult:
        if any(parameter.name == "group.name" and parameter.value == "middle" for parameter in parameters):
            return SetParametersResult(successful=False, reason="the robot has no middle")
        return SetParametersResult(successful=True)

    def switch(self, request: SetBool.Request, response: SetBool.Response) -> SetBool.Response:
        response.success = request.data
        response.message = "switched"
        return response


@pytest.fixture
def driver(ros: None) -> Iterator[Driver]:
    """A node `/robot/driver` that spins in a thread."""
    node = Driver()
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    thread = threading.Thread(target=spin, args=(executor, finished := threading.Event()))
    thread.start()
    yield node
    finished.set()
    thread.join()
    executor.shutdown()
    node.destroy_node()


def spin(executor: SingleThreadedExecutor, finished: threading.Event) -> None:
    while not finished.is_set():
        executor.spin_once(timeout_sec=0.1)


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
def test_an_echo_can_be_filtered_and_in_other_forms() -> None:
    once = ("topic", "echo", "--once")
    assert output(*once, "--csv", "/robot/chatter") == "hello\n"
    assert output(*once, "--filter", "m.data.startswith('h')", "/robot/chatter") == "data: hello\n---\n"
    assert output(*once, "--truncate-length", "2", "/robot/chatter") == "data: he...\n---\n"
    assert "hello" in output(*once, "--raw", "/robot/chatter")


@pytest.mark.usefixtures("driver")
def test_an_echo_can_leave_arrays_out() -> None:
    (message, _) = yaml.safe_load_all(output("topic", "echo", "--once", "--no-arr", "/robot/array"))
    assert re.fullmatch(r"<sequence type: \w+, length: 1>", message["data"])


@pytest.mark.usefixtures("driver")
def test_a_topic_that_nobody_has_is_an_error() -> None:
    result = ros2("topic", "echo", "--once", "/robot/nothing")
    assert result.returncode == 1
    assert "does not appear to be published yet" in result.stdout
    assert "Could not determine the type for the passed topic" in result.stderr


@pytest.mark.usefixtures("driver")
def test_topics_and_services_are_found_by_their_types() -> None:
    eventually(lambda: "/robot/ears" in output("topic", "find", "std_msgs/msg/String").splitlines())
    eventually(lambda: output("service", "find", "std_srvs/srv/SetBool") == "/robot/switch\n")


def test_the_delay_of_messages_with_a_header_is_measured(driver: Driver) -> None:
    process = start_ros2("topic", "delay", "/robot/stamped")
    publisher = driver.create_publisher(PointStamped, "stamped", 10)
    timer = driver.create_timer(
        0.05, lambda: publisher.publish(PointStamped(header=Header(stamp=driver.get_clock().now().to_msg())))
    )
    read_until(process, "average delay: ")
    statistics = read_until(process, "window: ")[-1]
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    driver.destroy_timer(timer)
    assert re.fullmatch(r"\tmin: -?\d+\.\d{3}s max: -?\d+\.\d{3}s std dev: \d+\.\d{5}s window: \d+", statistics)


def test_interrupted_and_cut_off_output_leaves_no_traceback(driver: Driver) -> None:
    process = start_ros2("topic", "echo", "/robot/chatter")
    read_until(process, "data: hello")
    process.send_signal(signal.SIGINT)
    rest, _ = process.communicate(timeout=60)
    assert "Traceback" not in rest
    assert process.returncode == signal.SIGINT
    cut = subprocess.run(
        f"'{ROS2}' topic echo /robot/chatter | head -1", shell=True, capture_output=True, text=True, timeout=60
    )
    assert cut.stdout == "data: hello\n"


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


def test_messages_are_published_at_a_rate(driver: Driver) -> None:
    number_and_rate = ("-t", "3", "-r", "50", "--qos-depth", "10")
    text = output("topic", "pub", *number_and_rate, "/robot/ears", "std_msgs/msg/String", "{data: hi}")
    assert "publishing #1: std_msgs.msg.String(data='hi')" in text
    wait_until(lambda: driver.heard == ["hi"] * 3)


def test_a_published_header_gets_the_time(driver: Driver) -> None:
    before = driver.get_clock().now().to_msg().sec
    output("topic", "pub", "--once", "/robot/watch", "std_msgs/msg/Header", "{stamp: now, frame_id: base}")
    wait_until(lambda: bool(driver.stamps))
    assert before <= driver.stamps[0] <= before + 60


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
    of_one_type = output("param", "list", "--filter", "g.*", "--param-type", "/robot/driver").splitlines()
    assert of_one_type == ["  gains (type: double array)", "  group.name (type: string)"]


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
def test_a_parameter_is_deleted() -> None:
    assert "Deleted parameter successfully" in output("param", "delete", "/robot/driver", "spare")
    assert "spare" not in output("param", "list", "/robot/driver")


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


def test_a_definition_is_shown_without_comments() -> None:
    lines = output("interface", "show", "--no-comments", "sensor_msgs/msg/JointState").splitlines()
    assert [line for line in lines if re.search(r"#.*\w", line)] == []
    assert "\tstring frame_id" in lines


def test_a_prototype_is_a_message_with_defaults() -> None:
    prototype = yaml.safe_load(output("interface", "proto", "--no-quotes", "geometry_msgs/msg/Pose"))
    assert prototype["orientation"] == {"x": 0.0, "y": 0.0, "z": 0.0, "w": 1.0}


def test_interfaces_are_listed() -> None:
    assert "    std_msgs/msg/String\n" in output("interface", "list")
    assert "std_srvs/srv/SetBool" in output("interface", "package", "std_srvs").splitlines()
    assert "std_srvs" in output("interface", "packages", "--only-srvs").splitlines()
    assert ros2("interface", "show", "std_msgs/msg/Nothing").returncode == 1


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["run", "no_such_package", "x"], 1, "Package 'no_such_package' not found"),
        (["pkg", "prefix", "no_such_package"], 1, "Package not found"),
        (["pkg", "xml", "no_such_package"], 1, "Package not found"),
        (["interface", "package", "no_such_package"], 1, "Unknown package"),
        (["service", "call", "/a", "std_srvs/srv/Nothing"], 1, "The passed service type is invalid"),
        (["topic", "pub", "-r", "0", "/a", "std_msgs/msg/String"], 2, "-r/--rate"),
        (["topic", "fly"], 2, "invalid choice: 'fly'"),
    ],
)
def test_what_cannot_be_done_is_an_error(arguments: list[str], code: int, message: str) -> None:
    result = ros2(*arguments)
    assert result.returncode == code
    assert message in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.usefixtures("ros")
def test_nodes_topics_and_services_that_are_not_there_are_errors() -> None:
    asked = {
        ("node", "info", "/nobody"): "Unable to find node '/nobody'",
        ("topic", "info", "/nothing"): "Unknown topic '/nothing'",
        ("topic", "type", "/nothing"): "",
        ("service", "type", "/nothing"): "",
    }
    processes = [start_ros2(*arguments) for arguments in asked]
    for process, message in zip(processes, asked.values(), strict=True):
        output, _ = process.communicate(timeout=60)
        assert process.returncode == 1
        assert message in output
