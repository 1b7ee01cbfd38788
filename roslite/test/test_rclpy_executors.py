"""Executors: what they run, in which order, and how they end."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
import rclpy
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup, ReentrantCallbackGroup
from rclpy.context import Context
from rclpy.executors import (
    Executor,
    MultiThreadedExecutor,
    ShutdownException,
    SingleThreadedExecutor,
    TimeoutException,
)
from rclpy.guard_condition import GuardCondition
from rclpy.node import Node
from rclpy.qos import QoSProfile
from rclpy.task import Future
from rclpy.waitable import NumberOfEntities, Waitable
from ros_helpers import spin_until
from std_msgs.msg import Int32
from std_srvs.srv import Trigger


def test_a_slow_callback_gets_the_newest_message_next(node: Node) -> None:
    executor = MultiThreadedExecutor(num_threads=2)
    executor.add_node(node)
    received: list[int] = []
    begun, go_on, done = threading.Event(), threading.Event(), Future()

    def be_slow(message: Int32) -> None:
        received.append(message.data)
        begun.set()
        go_on.wait(30)
        if message.data == 9:
            done.set_result(None)

    node.create_subscription(Int32, "number", be_slow, QoSProfile(depth=1))
    publisher = node.create_publisher(Int32, "number", QoSProfile(depth=10))
    spin_until(node, publisher.get_subscription_count)
    executor.add_node(node)
    spinner = threading.Thread(target=executor.spin_until_future_complete, args=(done, 30))
    spinner.start()
    publisher.publish(Int32(data=0))
    assert begun.wait(30)
    for number in range(1, 10):
        publisher.publish(Int32(data=number))
    go_on.set()
    spinner.join()
    executor.shutdown()
    assert received[0] == 0
    assert received[-1] == 9
    assert len(received) < 10


def test_a_flooded_subscription_does_not_keep_a_timer_waiting(node: Node) -> None:
    ticks: list[int] = []
    publisher = node.create_publisher(Int32, "flood", 10)

    def answer(message: Int32) -> None:
        publisher.publish(message)
        publisher.publish(message)

    node.create_subscription(Int32, "flood", answer, 10)
    spin_until(node, publisher.get_subscription_count)
    publisher.publish(Int32())
    node.create_timer(0.01, lambda: ticks.append(1))
    spin_until(node, lambda: len(ticks) >= 5)


def test_blocking_call_from_a_callback(node: Node) -> None:
    executor = MultiThreadedExecutor(num_threads=3)
    executor.add_node(node)
    group = ReentrantCallbackGroup()
    node.create_service(
        Trigger, "inner", lambda request, response: Trigger.Response(message="yes"), callback_group=group
    )
    client = node.create_client(Trigger, "inner", callback_group=MutuallyExclusiveCallbackGroup())
    done = Future()

    def ask() -> None:
        timer.cancel()
        done.set_result(client.call(Trigger.Request()).message)

    assert client.wait_for_service(timeout_sec=30)
    timer = node.create_timer(0.01, ask)
    executor.spin_until_future_complete(done, timeout_sec=30)
    executor.shutdown()
    assert done.result() == "yes"


@pytest.mark.parametrize("executor_type", [SingleThreadedExecutor, MultiThreadedExecutor])
def test_nodes_come_and_go_while_an_executor_spins(ros: None, executor_type: Any) -> None:
    executor = executor_type()
    spinner = threading.Thread(target=executor.spin)
    spinner.start()
    for _ in range(3):
        node, ticked = rclpy.create_node("guest"), threading.Event()
        node.create_timer(0.005, ticked.set)
        executor.add_node(node)
        assert ticked.wait(30)
        executor.remove_node(node)
        node.destroy_node()
    executor.shutdown()
    spinner.join(timeout=30)
    assert not spinner.is_alive()


@pytest.mark.parametrize("executor_type", [SingleThreadedExecutor, MultiThreadedExecutor])
def test_exception_of_a_callback_leaves_the_executor(node: Node, executor_type: Any) -> None:
    executor = executor_type()
    executor.add_node(node)

    def fail() -> None:
        raise LookupError("from the callback")

    node.create_timer(0.001, fail)
    with pytest.raises(LookupError, match="from the callback"):
        executor.spin()
    executor.shutdown()


def test_shutdown_waits_for_running_callbacks(node: Node) -> None:
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    begun, go_on = threading.Event(), threading.Event()

    def be_slow() -> None:
        begun.set()
        go_on.wait(30)

    node.create_timer(0.001, be_slow)
    spinner = threading.Thread(target=executor.spin)
    spinner.start()
    assert begun.wait(30)
    assert not executor.shutdown(timeout_sec=0.01)
    go_on.set()
    assert executor.shutdown(timeout_sec=30)
    spinner.join(timeout=30)
    assert executor.get_nodes() == []


def test_an_executor_of_ones_own(node: Node) -> None:
    class Counting(Executor):
        count = 0

        def spin_once(self, timeout_sec: float | None = None) -> None:
            task, entity, owner = self.wait_for_ready_callbacks(timeout_sec=timeout_sec)
            assert (entity, owner) == (timer, node)
            self.count += 1
            task()

    executor = Counting()
    executor.add_node(node)
    with pytest.raises(TimeoutException):
        executor.spin_once(timeout_sec=0.01)
    calls: list[int] = []
    timer = node.create_timer(0.001, lambda: calls.append(1))
    while executor.count < 3:
        executor.spin_once(timeout_sec=30)
    assert len(calls) == 3
    executor.shutdown()
    with pytest.raises(ShutdownException):
        executor.spin_once()


class Doorbell(Waitable):
    """Calls back with what was said when it was rung."""

    def __init__(self, node: Node, answer: Callable[[str], None]) -> None:
        super().__init__(node.default_callback_group)
        self.button = GuardCondition(None, None, context=node.context)
        self.answer = answer
        self.said: list[str] = []

    def ring(self, word: str) -> None:
        self.said.append(word)
        self.button.trigger()

    def get_num_entities(self) -> NumberOfEntities:
        return NumberOfEntities(0, 1, 0, 0, 0)

    def add_to_wait_set(self, wait_set: Any) -> None:
        with self.button.handle:
            self.index = wait_set.add_guard_condition(self.button.handle)

    def is_ready(self, wait_set: Any) -> bool:
        return bool(wait_set.is_ready("guard_condition", self.index))

    def take_data(self) -> str:
        return self.said.pop()

    async def execute(self, taken_data: str) -> None:
        self.answer(taken_data)


def test_a_waitable_of_ones_own(node: Node) -> None:
    heard: list[str] = []
    bell = Doorbell(node, heard.append)
    node.add_waitable(bell)
    threading.Timer(0.05, bell.ring, ["hello"]).start()
    while not heard:
        rclpy.spin_once(node, timeout_sec=30)
    rclpy.spin_once(node, timeout_sec=0.01)
    assert heard == ["hello"]
    node.remove_waitable(bell)
    bell.ring("again")
    rclpy.spin_once(node, timeout_sec=0.01)
    assert heard == ["hello"]


def test_contexts_live_and_end_apart(ros: None) -> None:
    other = Context()
    rclpy.init(args=[], context=other)
    node = rclpy.create_node("elsewhere", context=other)
    executor = SingleThreadedExecutor(context=other)
    executor.add_node(node)
    ticks: list[int] = []
    node.create_timer(0.001, lambda: ticks.append(1))
    while not ticks:
        executor.spin_once(timeout_sec=30)
    executor.shutdown()
    node.destroy_node()
    rclpy.shutdown(context=other)
    assert rclpy.ok()
    assert not other.ok()


def test_spinning_ends_with_its_timeout(node: Node) -> None:
    rclpy.spin_once(node, timeout_sec=0.01)
    never = Future()
    rclpy.spin_until_future_complete(node, never, timeout_sec=0.01)
    assert not never.done()
