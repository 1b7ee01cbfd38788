"""Topics, timers and executors."""

import contextlib
import re
import threading
import time
from typing import Any

import pytest
import rclpy
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup, ReentrantCallbackGroup
from rclpy.executors import ExternalShutdownException, MultiThreadedExecutor, SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy, qos_profile_sensor_data
from rclpy.serialization import deserialize_message, serialize_message
from rclpy.task import Future
from rclpy.wait_for_message import wait_for_message
from ros_helpers import Start, spin_until
from sensor_msgs.msg import Image, JointState
from std_msgs.msg import Int32, String


def test_messages_reach_another_process_and_come_back(node: Node, start: Start) -> None:
    start(
        """
        import rclpy
        from sensor_msgs.msg import JointState
        rclpy.init()
        node = rclpy.create_node("echo")
        publisher = node.create_publisher(JointState, "pong", 10)
        node.create_subscription(JointState, "ping", publisher.publish, 10)
        rclpy.spin(node)
        """
    )
    received: list[JointState] = []
    node.create_subscription(JointState, "pong", received.append, 10)
    publisher = node.create_publisher(JointState, "ping", 10)
    message = JointState(name=["waist", "shoulder"], position=[1.0, -2.0])
    spin_until(node, lambda: publisher.get_subscription_count() and node.count_publishers("pong"))
    node.create_timer(0.1, lambda: publisher.publish(message))
    spin_until(node, lambda: received)
    assert received[0] == message


def test_large_messages_arrive_whole(node: Node, start: Start) -> None:
    start(
        """
        import rclpy
        from sensor_msgs.msg import Image
        rclpy.init()
        node = rclpy.create_node("camera")
        publisher = node.create_publisher(Image, "image", 10)
        message = Image(height=5, width=1000000, step=1000000, data=bytes(range(250)) * 20000)
        node.create_timer(0.2, lambda: publisher.publish(message))
        rclpy.spin(node)
        """
    )
    received: list[Image] = []
    node.create_subscription(Image, "image", received.append, 10)
    spin_until(node, lambda: len(received) >= 3)
    assert all(message.data.tobytes() == bytes(range(250)) * 20000 for message in received)


def test_keep_last_1_gives_the_newest(node: Node) -> None:
    received: list[int] = []
    newest = QoSProfile(depth=1)
    node.create_subscription(Int32, "number", lambda message: received.append(message.data), newest)
    publisher = node.create_publisher(Int32, "number", newest)
    spin_until(node, publisher.get_subscription_count)
    for number in range(10):
        publisher.publish(Int32(data=number))
    spin_until(node, lambda: received)
    assert received == [9]


def test_late_subscription_gets_what_is_transient_local(node: Node) -> None:
    latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    node.create_publisher(String, "instruction", latched).publish(String(data="stack"))
    received: list[String] = []
    node.create_subscription(String, "instruction", received.append, latched)
    spin_until(node, lambda: received)
    assert received[0].data == "stack"


def test_best_effort_publisher_does_not_reach_a_reliable_subscription(node: Node) -> None:
    received: list[str] = []
    node.create_subscription(String, "topic", lambda message: received.append(f"reliable {message.data}"), 10)
    node.create_subscription(String, "topic", lambda message: received.append(message.data), qos_profile_sensor_data)
    publisher = node.create_publisher(String, "topic", QoSProfile(depth=10, reliability=ReliabilityPolicy.BEST_EFFORT))
    spin_until(node, publisher.get_subscription_count)
    publisher.publish(String(data="a"))
    spin_until(node, lambda: received)
    assert received == ["a"]
    assert publisher.get_subscription_count() == 1


def test_incompatible_ends_are_told_of(node: Node, capfd: pytest.CaptureFixture[str]) -> None:
    node.create_subscription(String, "topic", lambda _: None, 10)
    node.create_publisher(String, "topic", qos_profile_sensor_data)
    seen: list[str] = []
    spin_until(node, lambda: seen.append(capfd.readouterr().err) or "".join(seen).count("incompatible QoS") == 2)
    assert re.search("New publisher discovered on topic '/?topic', offering incompatible QoS.", "".join(seen))
    assert "Last incompatible policy: RELIABILITY" in "".join(seen)


def test_callback_destroys_a_subscription_that_has_messages(node: Node) -> None:
    victims: list[Any] = []
    received: list[str] = []

    def destroy_other(message: String) -> None:
        received.append(message.data)
        for subscription in victims:
            node.destroy_subscription(subscription)

    for _ in range(2):
        victims.append(node.create_subscription(String, "topic", destroy_other, 10))
    publisher = node.create_publisher(String, "topic", 10)
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    while publisher.get_subscription_count() < 2:
        executor.spin_once(timeout_sec=0.05)
    publisher.publish(String(data="a"))
    for _ in range(20):
        executor.spin_once(timeout_sec=0.02)
    assert received == ["a"]
    executor.shutdown()


def test_raw_subscription_gets_cdr(node: Node) -> None:
    received: list[bytes] = []
    node.create_subscription(String, "topic", received.append, 10, raw=True)
    publisher = node.create_publisher(String, "topic", 10)
    spin_until(node, publisher.get_subscription_count)
    publisher.publish(String(data="abc"))
    publisher.publish(serialize_message(String(data="def")))
    spin_until(node, lambda: len(received) == 2)
    assert [deserialize_message(data, String).data for data in received] == ["abc", "def"]


def test_message_of_another_type_is_refused(node: Node) -> None:
    with pytest.raises(TypeError):
        node.create_publisher(String, "topic", 10).publish(Int32())


def test_wait_for_message(node: Node, start: Start) -> None:
    start(
        """
        import rclpy
        from std_msgs.msg import String
        rclpy.init()
        node = rclpy.create_node("talker")
        publisher = node.create_publisher(String, "topic", 10)
        node.create_timer(0.1, lambda: publisher.publish(String(data="hello")))
        rclpy.spin(node)
        """
    )
    assert wait_for_message(String, node, "topic", time_to_wait=30) == (True, String(data="hello"))
    assert wait_for_message(String, node, "silence", time_to_wait=0.05) == (False, None)


def test_timer_does_not_drift_and_skips_what_it_missed(node: Node) -> None:
    calls: list[int] = []

    def late_once() -> None:
        calls.append(timer.time_until_next_call())
        if len(calls) == 2:
            time.sleep(0.17)

    timer = node.create_timer(0.05, late_once)
    spin_until(node, lambda: len(calls) == 4)
    # The third call comes at once, late; it leads back to the grid, and what passed meanwhile is not made up for.
    assert all(0 <= remaining <= 50e6 for remaining in calls)


def test_cancelled_timer_starts_anew_after_a_reset(node: Node) -> None:
    calls: list[int] = []
    timer = node.create_timer(0.01, lambda: calls.append(1))
    spin_until(node, lambda: calls)
    timer.cancel()
    count = len(calls)
    for _ in range(5):
        rclpy.spin_once(node, timeout_sec=0.02)
    assert timer.is_canceled()
    assert len(calls) == count
    timer.reset()
    spin_until(node, lambda: len(calls) > count)


def test_guard_condition_wakes_the_executor(node: Node) -> None:
    calls: list[int] = []
    guard = node.create_guard_condition(lambda: calls.append(1))
    threading.Timer(0.1, guard.trigger).start()
    rclpy.spin_once(node, timeout_sec=30)
    while not calls:
        rclpy.spin_once(node, timeout_sec=30)
    assert calls == [1]


def test_exception_of_a_callback_leaves_spin(node: Node) -> None:
    def fail() -> None:
        raise LookupError("from the callback")

    node.create_timer(0.01, fail)
    with pytest.raises(LookupError, match="from the callback"):
        rclpy.spin(node)


@pytest.mark.parametrize("executor_type", [SingleThreadedExecutor, MultiThreadedExecutor])
def test_coroutine_goes_on_when_what_it_waits_for_is_there(node: Node, executor_type: Any) -> None:
    executor = executor_type()
    executor.add_node(node)
    ready, done = Future(executor=executor), Future()

    async def wait() -> None:
        done.set_result(await ready + 1)

    executor.create_task(wait)
    node.create_timer(0.05, lambda: ready.done() or ready.set_result(41))
    executor.spin_until_future_complete(done, timeout_sec=30)
    assert done.result() == 42
    executor.shutdown()


def test_mutually_exclusive_callbacks_do_not_overlap_and_reentrant_ones_do(node: Node) -> None:
    executor = MultiThreadedExecutor(num_threads=4)
    executor.add_node(node)
    overlap = {"exclusive": 0, "reentrant": 0}
    active = {"exclusive": 0, "reentrant": 0}
    done = Future()

    def work(name: str) -> None:
        active[name] += 1
        overlap[name] = max(overlap[name], active[name])
        time.sleep(0.03)
        active[name] -= 1
        if overlap["reentrant"] > 1 and not done.done():
            done.set_result(None)

    exclusive, reentrant = MutuallyExclusiveCallbackGroup(), ReentrantCallbackGroup()
    for _ in range(3):
        node.create_timer(0.01, lambda: work("exclusive"), exclusive)
        node.create_timer(0.01, lambda: work("reentrant"), reentrant)
    executor.spin_until_future_complete(done, timeout_sec=30)
    executor.shutdown()
    assert overlap["exclusive"] == 1
    assert overlap["reentrant"] > 1


def test_node_destroyed_in_its_own_callback(ros: None) -> None:
    node = rclpy.create_node("short_lived")
    node.create_timer(0.01, node.destroy_node)
    other = rclpy.create_node("other")
    ticks: list[int] = []
    other.create_timer(0.01, lambda: ticks.append(1))
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    executor.add_node(other)
    while len(ticks) < 5:
        executor.spin_once(timeout_sec=1)
    other.destroy_node()


def test_shutdown_from_another_thread_ends_spin(node: Node) -> None:
    threading.Timer(0.1, node.context.shutdown).start()
    with contextlib.suppress(ExternalShutdownException):  # raised since Iron
        rclpy.spin(node)
    assert not rclpy.ok()


def test_executor_that_is_shut_down_stops_spinning(node: Node) -> None:
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    threading.Timer(0.1, executor.shutdown).start()
    executor.spin()
    assert rclpy.ok()
