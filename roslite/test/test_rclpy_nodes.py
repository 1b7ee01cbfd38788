"""Nodes: names, remapping, life cycle of the context, the graph, services, time, logging."""

import signal
import threading
import time
from pathlib import Path

import pytest
import rclpy
import rclpy.callback_groups
from builtin_interfaces.msg import Time as TimeMessage
from example_interfaces.srv import AddTwoInts
from rclpy.clock import Clock, ClockType
from rclpy.duration import Duration
from rclpy.exceptions import (
    InvalidNamespaceException,
    InvalidNodeNameException,
    InvalidServiceNameException,
    InvalidTopicNameException,
    NotInitializedException,
)
from rclpy.executors import MultiThreadedExecutor
from rclpy.logging import LoggingSeverity
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy, qos_profile_sensor_data
from rclpy.time import Time
from ros_helpers import Start, spin_until
from rosgraph_msgs.msg import Clock as ClockMessage
from std_msgs.msg import String
from std_srvs.srv import SetBool, Trigger


def test_no_node_before_init(ros_domain: int) -> None:
    with pytest.raises(NotInitializedException):
        rclpy.create_node("too_early")


def test_init_and_shutdown_can_be_repeated(ros_domain: int) -> None:
    for _ in range(2):
        rclpy.init(args=[])
        assert rclpy.ok()
        with pytest.raises(RuntimeError):
            rclpy.init(args=[])
        rclpy.create_node("again").destroy_node()
        rclpy.shutdown()
        assert not rclpy.ok()
    with pytest.raises(RuntimeError):
        rclpy.shutdown()
    rclpy.try_shutdown()


def test_shutdown_calls_back(ros: None) -> None:
    called: list[bool] = []
    context = rclpy.get_default_context()
    context.on_shutdown(lambda: called.append(rclpy.ok()))
    rclpy.shutdown()
    assert called == [False]


def test_publishing_after_shutdown_is_an_error(node: Node) -> None:
    publisher = node.create_publisher(String, "topic", 10)
    rclpy.shutdown()
    with pytest.raises(RuntimeError, match="context is invalid"):
        publisher.publish(String())


def test_names_are_validated(node: Node) -> None:
    with pytest.raises(InvalidNodeNameException, match="must not contain characters other than"):
        rclpy.create_node("no/slash")
    with pytest.raises(InvalidNamespaceException):
        rclpy.create_node("name", namespace="/1st")
    with pytest.raises(InvalidTopicNameException):
        node.create_publisher(String, "white space", 10)
    with pytest.raises(InvalidTopicNameException):
        node.create_subscription(String, "a//b", lambda _: None, 10)
    with pytest.raises(InvalidServiceNameException):
        node.create_client(Trigger, "call?")


def test_what_is_no_message_or_service_is_refused(node: Node) -> None:
    with pytest.raises(AttributeError):
        node.create_publisher("std_msgs/msg/String", "topic", 10)
    with pytest.raises(RuntimeError):
        node.create_publisher(Trigger, "topic", 10)
    with pytest.raises(RuntimeError):
        node.create_client(String, "service")


@pytest.mark.parametrize(
    ("name", "resolved"),
    [("a", "/arm/a"), ("/a", "/a"), ("~/a", "/arm/guard/a"), ("a/{node}", "/arm/a/guard")],
)
def test_names_become_absolute(ros: None, name: str, resolved: str) -> None:
    node = rclpy.create_node("guard", namespace="arm")
    assert node.get_fully_qualified_name() == "/arm/guard"
    assert node.create_publisher(String, name, 10).topic_name == resolved
    assert node.resolve_service_name(name) == resolved
    node.destroy_node()


def test_arguments_rename_node_and_topics(ros_domain: int) -> None:
    remaps = ["__node:=guard", "__ns:=/arm", "command:=/cmd", "~/state:=status", "other_node:b:=c"]
    rclpy.init(args=["program", "--flag", "--ros-args", *(part for rule in remaps for part in ("-r", rule))])
    node = rclpy.create_node("original")
    assert node.get_fully_qualified_name() == "/arm/guard"
    assert node.resolve_topic_name("command") == "/cmd"
    assert node.resolve_topic_name("~/state") == "/arm/status"
    assert node.resolve_topic_name("b") == "/arm/b"
    assert node.resolve_topic_name("command", only_expand=True) == "/arm/command"
    alone = rclpy.create_node("alone", use_global_arguments=False, cli_args=["--ros-args", "-r", "a:=b"])
    assert alone.get_name() == "alone"
    assert alone.resolve_topic_name("a") == "/b"
    node.destroy_node()
    alone.destroy_node()


@pytest.mark.parametrize("arguments", [["-r", "no_separator"], ["--nonsense", "x"], ["--params-file", "/missing.yaml"]])
def test_senseless_arguments_are_refused(ros_domain: int, arguments: list[str]) -> None:
    with pytest.raises(RuntimeError):
        rclpy.init(args=["program", "--ros-args", *arguments])


def test_graph_tells_of_nodes_topics_and_services(node: Node, start: Start) -> None:
    start(
        """
        import rclpy
        from rclpy.qos import qos_profile_sensor_data
        from sensor_msgs.msg import Image
        from std_srvs.srv import Trigger
        rclpy.init()
        node = rclpy.create_node("camera", namespace="/robot")
        node.create_publisher(Image, "image", qos_profile_sensor_data)
        node.create_subscription(Image, "other_image", print, qos_profile_sensor_data)
        node.create_service(Trigger, "~/reset", lambda request, response: response)
        node.create_client(Trigger, "/home")
        rclpy.spin(node)
        """
    )
    spin_until(node, lambda: ("camera", "/robot") in node.get_node_names_and_namespaces())
    spin_until(node, lambda: "/home" in dict(node.get_service_names_and_types()))
    topics = dict(node.get_topic_names_and_types())
    assert topics["/robot/image"] == topics["/robot/other_image"] == ["sensor_msgs/msg/Image"]
    assert dict(node.get_service_names_and_types())["/robot/camera/reset"] == ["std_srvs/srv/Trigger"]

    spin_until(node, lambda: node.get_client_names_and_types_by_node("camera", "/robot"))
    assert ("/robot/image", ["sensor_msgs/msg/Image"]) in node.get_publisher_names_and_types_by_node("camera", "/robot")
    subscribed = node.get_subscriber_names_and_types_by_node("camera", "/robot")
    assert subscribed == [("/robot/other_image", ["sensor_msgs/msg/Image"])]
    offered = dict(node.get_service_names_and_types_by_node("camera", "/robot"))
    assert "/robot/camera/reset" in offered
    assert "/home" not in offered
    assert node.get_client_names_and_types_by_node("camera", "/robot") == [("/home", ["std_srvs/srv/Trigger"])]

    (info,) = node.get_publishers_info_by_topic("/robot/image")
    assert (info.node_name, info.node_namespace, info.topic_type) == ("camera", "/robot", "sensor_msgs/msg/Image")
    assert info.qos_profile.reliability == ReliabilityPolicy.BEST_EFFORT
    assert info.qos_profile.durability == DurabilityPolicy.VOLATILE
    assert node.count_publishers("/robot/image") == 1
    assert node.count_subscribers("/robot/image") == 0


def test_a_process_that_leaves_is_gone_from_the_graph(node: Node, start: Start) -> None:
    other = start(
        """
        import rclpy
        rclpy.init()
        node = rclpy.create_node("visitor")
        try:
            rclpy.spin(node)
        except BaseException:
            rclpy.try_shutdown()
        """
    )
    spin_until(node, lambda: "visitor" in node.get_node_names())
    other.send_signal(signal.SIGINT)
    spin_until(node, lambda: "visitor" not in node.get_node_names())


def test_a_destroyed_node_is_gone_from_the_graph(node: Node) -> None:
    second = rclpy.create_node("second")
    spin_until(node, lambda: "second" in node.get_node_names())
    second.destroy_node()
    spin_until(node, lambda: "second" not in node.get_node_names())


SPINNER = """
import rclpy, sys
from rclpy.executors import ExternalShutdownException
rclpy.init()
node = rclpy.create_node("spinner")
def ready():
    timer.cancel()
    print("ready", flush=True)
timer = node.create_timer(0.01, ready)
try:
    rclpy.spin(node)
    print("shut down", rclpy.ok(), flush=True)
except KeyboardInterrupt:
    print("interrupted", flush=True)
except ExternalShutdownException:
    print("shut down", rclpy.ok(), flush=True)
finally:
    node.destroy_node()
    rclpy.try_shutdown()
"""


@pytest.mark.parametrize(("number", "what"), [(signal.SIGINT, "interrupted"), (signal.SIGTERM, "shut down False")])
def test_signals_end_spin_at_once(start: Start, number: signal.Signals, what: str) -> None:
    process = start(SPINNER)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    time.sleep(0.3)  # now it waits: between two waits Humble answers a signal with an error
    process.send_signal(number)
    output, errors = process.communicate(timeout=30)
    assert output.splitlines() == [what]
    assert errors == ""
    assert process.returncode == 0


def test_program_that_forgets_to_shut_down_ends_cleanly(start: Start) -> None:
    process = start("import rclpy; rclpy.init(); node = rclpy.create_node('forgetful')")
    output, errors = process.communicate(timeout=30)
    assert (output, errors, process.returncode) == ("", "", 0)


def test_service_in_another_process(node: Node, start: Start) -> None:
    start(
        """
        import rclpy
        from example_interfaces.srv import AddTwoInts
        def add(request, response):
            response.sum = request.a + request.b
            return response
        rclpy.init()
        node = rclpy.create_node("server")
        node.create_service(AddTwoInts, "add", add)
        rclpy.spin(node)
        """
    )
    client = node.create_client(AddTwoInts, "add")
    assert client.wait_for_service(timeout_sec=30)
    futures = [client.call_async(AddTwoInts.Request(a=number, b=1)) for number in range(10)]
    for number, future in enumerate(futures):
        rclpy.spin_until_future_complete(node, future, timeout_sec=30)
        assert future.result().sum == number + 1


def test_answers_go_to_who_asked(node: Node) -> None:
    node.create_service(SetBool, "set", lambda request, response: SetBool.Response(success=request.data))
    clients = [node.create_client(SetBool, "set") for _ in range(2)]
    assert all(client.wait_for_service(timeout_sec=30) for client in clients)
    futures = [client.call_async(SetBool.Request(data=bool(i))) for i, client in enumerate(clients)]
    for expected, future in enumerate(futures):
        rclpy.spin_until_future_complete(node, future, timeout_sec=30)
        assert future.result().success == bool(expected)


def test_service_that_does_not_exist(node: Node) -> None:
    client = node.create_client(Trigger, "nobody")
    assert not client.service_is_ready()
    assert not client.wait_for_service(timeout_sec=0.05)
    with pytest.raises(TypeError):
        client.call_async(Trigger.Response())


def test_coroutine_that_calls_a_service(node: Node) -> None:
    node.create_service(Trigger, "inner", lambda request, response: Trigger.Response(message="from inside"))
    inner = node.create_client(Trigger, "inner")

    async def forward(request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        answer = await inner.call_async(Trigger.Request())
        response.message = answer.message
        return response

    group = rclpy.callback_groups.ReentrantCallbackGroup()
    node.create_service(Trigger, "outer", forward, callback_group=group)
    outer = node.create_client(Trigger, "outer")
    assert inner.wait_for_service(timeout_sec=30)
    assert outer.wait_for_service(timeout_sec=30)
    future = outer.call_async(Trigger.Request())
    rclpy.spin_until_future_complete(node, future, timeout_sec=30)
    assert future.result().message == "from inside"


def test_blocking_call_while_another_thread_spins(node: Node) -> None:
    node.create_service(Trigger, "trigger", lambda request, response: Trigger.Response(success=True))
    client = node.create_client(Trigger, "trigger")
    assert client.wait_for_service(timeout_sec=30)
    executor = MultiThreadedExecutor(num_threads=2)
    executor.add_node(node)
    thread = threading.Thread(target=executor.spin)
    thread.start()
    assert client.call(Trigger.Request()).success
    executor.shutdown()
    thread.join()


def test_time_arithmetic() -> None:
    time_ = Time(seconds=1, nanoseconds=5, clock_type=ClockType.ROS_TIME)
    assert time_ + Duration(seconds=1) - time_ == Duration(nanoseconds=10**9)
    assert (time_ - Duration(nanoseconds=5)).seconds_nanoseconds() == (1, 0)
    assert time_.to_msg() == TimeMessage(sec=1, nanosec=5)
    assert Time.from_msg(time_.to_msg()) == time_
    assert Duration(seconds=-0.5).to_msg().sec == -1
    assert Duration(seconds=1) > Duration(nanoseconds=1)
    with pytest.raises(TypeError, match="different clock types"):
        time_ - Time(clock_type=ClockType.STEADY_TIME)
    with pytest.raises(ValueError, match="negative"):
        Time(seconds=-1)
    with pytest.raises(ValueError, match="negative"):
        time_ - Duration(seconds=2)


def test_clocks() -> None:
    assert abs(Clock().now().nanoseconds - time.time_ns()) < 10**9
    steady = Clock(clock_type=ClockType.STEADY_TIME)
    assert steady.now() <= steady.now()


def test_clock_topic_drives_time_and_timers(node: Node) -> None:
    simulation = rclpy.create_node("simulation")
    publisher = simulation.create_publisher(ClockMessage, "/clock", 10)
    ticks: list[Time] = []
    node.set_parameters([Parameter("use_sim_time", value=True)])
    assert node.get_clock().now().nanoseconds == 0
    spin_until(node, publisher.get_subscription_count)
    node.create_timer(1.0, lambda: ticks.append(node.get_clock().now()))
    for second in range(1, 4):
        stamp = TimeMessage(sec=second)
        publisher.publish(ClockMessage(clock=stamp))
        spin_until(node, lambda stamp=stamp: node.get_clock().now().to_msg() == stamp)
        spin_until(node, lambda second=second: len(ticks) == second)
    node.set_parameters([Parameter("use_sim_time", value=False)])
    assert abs(node.get_clock().now().nanoseconds - time.time_ns()) < 60 * 10**9
    simulation.destroy_node()


def test_logging(ros: None, capfd: pytest.CaptureFixture[str]) -> None:
    node = rclpy.create_node("speaker", namespace="/arm")
    logger = node.get_logger()
    logger.info("hello")
    logger.debug("not shown")
    logger.get_child("part").warning("careful")
    for _ in range(3):
        logger.error("only once", once=True)
        logger.info("throttled", throttle_duration_sec=60.0)
        logger.info("not the first", skip_first=True)
    logger.set_level(LoggingSeverity.DEBUG)
    logger.debug("now shown")
    node.destroy_node()
    lines = [line.partition("] ")[0] + line.rpartition("]")[0][-20:] for line in capfd.readouterr().err.splitlines()]
    assert len(lines) == 7
    assert lines[0].startswith("[INFO")
    assert lines[0].endswith("[arm.speaker")
    assert lines[1].endswith("[arm.speaker.part")


def test_log_messages_are_on_rosout(node: Node) -> None:
    from rcl_interfaces.msg import Log

    received: list[Log] = []
    latched = QoSProfile(depth=100, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    node.create_subscription(Log, "/rosout", received.append, latched)
    node.get_logger().warning("look here")
    spin_until(node, lambda: received)
    assert (received[0].name, received[0].msg, received[0].level) == ("test_node", "look here", 30)
    assert Path(received[0].file).name == Path(__file__).name


def test_sensor_data_profile() -> None:
    assert qos_profile_sensor_data.reliability == ReliabilityPolicy.BEST_EFFORT
    assert qos_profile_sensor_data.depth == 5
