"""Measures topics between two processes, timers and idling; prints a table.

Speaks only ROS 2's public API, so the same script runs under a real ROS 2: ``python transport.py``.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import rclpy
from rclpy.executors import ExternalShutdownException
from rclpy.node import Node
from rclpy.qos import QoSProfile
from rclpy.task import Future
from rclpy.time import Time
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Empty, String

BEST = QoSProfile(depth=10)
DISCOVERY_S = 10.0


def echo(node: Node) -> None:
    """Answer each message with itself."""
    publisher = node.create_publisher(String, "pong", BEST)
    node.create_subscription(String, "ping", publisher.publish, BEST)
    rclpy.spin(node)


def report_delays(node: Node, message_type: Any, topic: str) -> None:
    """Note how old each message is, until an empty message on ``done``; then print the ages in milliseconds."""
    ages: list[float] = []
    done = Future()

    def note(message: Any) -> None:
        ages.append((node.get_clock().now() - Time.from_msg(message.header.stamp)).nanoseconds / 1e6)

    node.create_subscription(message_type, topic, note, BEST)
    node.create_subscription(Empty, "done", lambda _: done.set_result(None), BEST)
    rclpy.spin_until_future_complete(node, done)
    print(json.dumps(ages), flush=True)


def idle(node: Node) -> None:
    """Wait for messages that never come."""
    node.create_subscription(String, "silence", lambda _: None, BEST)
    rclpy.spin(node)


def burn(node: Node) -> None:
    """Keep a core busy."""
    while rclpy.ok():
        sum(range(1000))


ROLES: dict[str, Callable[[Node], None]] = {
    "echo": echo,
    "image": lambda node: report_delays(node, Image, "image"),
    "prefix": lambda node: report_delays(node, CompressedImage, "prefix"),
    "idle": idle,
    "burn": burn,
}


def start(role: str) -> "subprocess.Popen[str]":
    """Start this script as the other process."""
    return subprocess.Popen(
        [sys.executable, os.path.abspath(__file__), "--role", role], stdout=subprocess.PIPE, text=True
    )


def stop(process: "subprocess.Popen[str]") -> str:
    """End the other process; return what it printed."""
    process.terminate()
    return process.communicate(timeout=20)[0]


def wait_for_subscriber(publisher: Any) -> None:
    """Block until somebody listens."""
    deadline = time.monotonic() + DISCOVERY_S
    while publisher.get_subscription_count() == 0:
        if time.monotonic() > deadline:
            raise TimeoutError(f"nobody subscribed to {publisher.topic_name}")
        time.sleep(0.01)
    time.sleep(0.5)


def percentiles(values: list[float]) -> str:
    """Return p50, p99 and the largest."""
    ordered = sorted(values)
    return (
        f"p50 {ordered[len(ordered) // 2]:7.3f}   p99 {ordered[len(ordered) * 99 // 100]:7.3f}   max {ordered[-1]:7.3f}"
    )


def round_trip(node: Node, count: int) -> str:
    """Send 100 bytes and wait for them to come back, again and again."""
    other = start("echo")
    publisher = node.create_publisher(String, "ping", BEST)
    answered: list[float] = []
    node.create_subscription(String, "pong", lambda _: answered.append(time.perf_counter()), BEST)
    wait_for_subscriber(publisher)
    times: list[float] = []
    for _ in range(count):
        before, seen = time.perf_counter(), len(answered)
        publisher.publish(String(data="x" * 100))
        while len(answered) == seen:
            rclpy.spin_once(node, timeout_sec=1.0)
        times.append((answered[-1] - before) * 1e3)
    stop(other)
    return f"{percentiles(times)} ms"


def one_way(node: Node, role: str, message: Any, rate_hz: float, count: int) -> str:
    """Send stamped messages at a fixed rate; the other process tells how old they were."""
    other = start(role)
    publisher = node.create_publisher(type(message), role, BEST)
    done = node.create_publisher(Empty, "done", BEST)
    wait_for_subscriber(publisher)
    wait_for_subscriber(done)
    for index in range(count):
        began = time.monotonic()
        message.header.stamp = node.get_clock().now().to_msg()
        message.header.frame_id = str(index)
        publisher.publish(message)
        time.sleep(max(0.0, 1.0 / rate_hz - (time.monotonic() - began)))
    time.sleep(1.0)
    done.publish(Empty())
    ages: list[float] = json.loads(other.communicate(timeout=20)[0])
    node.destroy_publisher(publisher)
    node.destroy_publisher(done)
    return f"{percentiles(ages)} ms   lost {count - len(ages)} of {count}"


def timer_jitter(node: Node, count: int) -> str:
    """Let a 100 Hz timer tick while another process is busy; tell how late it is called."""
    other = start("burn")
    late: list[float] = []
    timer = node.create_timer(0.01, lambda: late.append(10.0 - timer.time_until_next_call() / 1e6))
    while len(late) < count:
        rclpy.spin_once(node)
    node.destroy_timer(timer)
    stop(other)
    return f"{percentiles(late)} ms late"


def idle_cpu(seconds: float) -> str:
    """Tell how much of a core a process uses that waits for messages."""
    other = start("idle")
    time.sleep(2.0)
    before = cpu_seconds(other.pid)
    time.sleep(seconds)
    used = cpu_seconds(other.pid) - before
    stop(other)
    return f"{100 * used / seconds:.2f} % of a core"


def cpu_seconds(pid: int) -> float:
    """Return the processor time that a process used so far."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(count: int) -> None:
    """Run all measurements."""
    node = rclpy.create_node("benchmark")
    pixels = bytes(640 * 480 * 3)
    image = Image(height=480, width=640, encoding="rgb8", step=1920, data=pixels)
    prefix = CompressedImage(format="prefix", data=os.urandom(5_000_000))
    print("100 bytes, there and back     ", round_trip(node, 10 * count), flush=True)
    print("640 x 480 rgb8, one way, 30 Hz", one_way(node, "image", image, 30.0, 3 * count), flush=True)
    print("5 MB, one way, 10 Hz          ", one_way(node, "prefix", prefix, 10.0, count), flush=True)
    print("100 Hz timer, other core busy ", timer_jitter(node, 10 * count), flush=True)
    print("idle subscriber               ", idle_cpu(10.0), flush=True)
    node.destroy_node()


def main() -> None:
    """Be the one process or the other."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--role", choices=ROLES, help="what the other process does (used by the script itself)")
    parser.add_argument("--count", type=int, default=100, help="how many 5 MB messages; more of the smaller ones")
    options = parser.parse_args()
    rclpy.init(args=[])
    try:
        if options.role:
            ROLES[options.role](rclpy.create_node(options.role))
        else:
            measure(options.count)
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    finally:
        rclpy.try_shutdown()


if __name__ == "__main__":
    main()
