"""What the guard adds between a command and the driver, and what it costs.

    python benchmarks/guard_latency.py

The same commands go through the guard and through a node that only passes them on; both tell how old a command was when
they sent it to the driver. What lies between the two figures is the guard.
"""

from __future__ import annotations

import contextlib
import math
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import rclpy
import tyro
from interbotix_xs_msgs.msg import JointGroupCommand
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node
from sensor_msgs.msg import JointState
from std_srvs.srv import SetBool

from arvla_ros.evaluation.timing import processor_s
from arvla_ros.msg import ArmCommand, GuardState
from arvla_ros.nodes.qos import NEWEST, TELEMETRY
from arvla_ros.nodes.stamps import now_ns, to_ns
from arvla_ros.robots import wx250s

ECHO = "--echo"
START_S = 60.0


@dataclass(frozen=True)
class GuardLatencyConfig:
    """What to measure, and for how long."""

    seconds: float = 30.0
    """For each of the two."""
    rate_hz: float = 50.0
    """Of commands."""
    domain: int = 43
    """ROS domain; nothing else may run in it."""


class Echo(Node):
    """Passes commands on to the driver without looking at them; the last number is their age in s."""

    def __init__(self) -> None:
        super().__init__("echo")
        self._arm = self.create_publisher(JointGroupCommand, "/wx250s/commands/joint_group", 10)
        self.create_subscription(ArmCommand, "/arm/command", self._on_command, NEWEST)

    def _on_command(self, message: ArmCommand) -> None:
        age = (now_ns(self) - to_ns(message.header.stamp)) * 1e-9
        self._arm.publish(JointGroupCommand(name="arm", cmd=[*list(message.joint_positions)[:5], age]))


@dataclass
class Bench:
    """An arm that follows, and a source that swings its waist to and fro."""

    node: Node
    joints: list[float] = field(default_factory=wx250s.READY.tolist)
    ages: list[float] = field(default_factory=list)
    counts: int = 0

    def __post_init__(self) -> None:
        self._states = self.node.create_publisher(JointState, "/wx250s/joint_states", 10)
        self._commands = self.node.create_publisher(ArmCommand, "/arm/command", NEWEST)
        self.node.create_subscription(JointGroupCommand, "/wx250s/commands/joint_group", self._on_group, 10)
        self.node.create_subscription(GuardState, "/guard/state", self._on_state, TELEMETRY)
        self.node.create_timer(0.01, self._publish_state)
        self._began, self._last_age = time.monotonic(), -1.0

    def _publish_state(self) -> None:
        message = JointState(name=[*wx250s.ARM_JOINTS, "left_finger"], position=[*self.joints, 0.03])
        message.header.stamp = self.node.get_clock().now().to_msg()
        self._states.publish(message)

    def command(self) -> None:
        """Ask for the next pose."""
        waist = 0.5 * math.sin(time.monotonic() - self._began)
        message = ArmCommand(source="replay", joint_names=list(wx250s.ARM_JOINTS), gripper_opening=0.06)
        message.joint_positions = [waist, *wx250s.READY.tolist()[1:]]
        message.age.commanded = 0.0
        message.header.stamp = self.node.get_clock().now().to_msg()
        self._commands.publish(message)

    def _on_group(self, message: JointGroupCommand) -> None:
        self.counts += 1
        joints = list(message.cmd)
        if self.node.count_publishers("/guard/state"):
            self.joints = joints
        else:
            self.ages.append(joints[5])

    def _on_state(self, message: GuardState) -> None:
        if message.age.sent >= 0.0 and message.age.sent != self._last_age:
            self._last_age = message.age.sent
            self.ages.append(message.age.sent)


def main(config: GuardLatencyConfig) -> None:
    """Measure both and print a table in Markdown."""
    os.environ |= {"ROS_DOMAIN_ID": str(config.domain), "ROS_LOCALHOST_ONLY": "1"}
    guard = ["ros2", "run", "arvla_ros", "guard", "--ros-args", "-p", "preflight:=false"]
    rows = [_measure(config, name, command) for name, command in (
        ("passed on", [sys.executable, __file__, ECHO]), ("guard", guard))]  # fmt: skip
    print(f"{config.rate_hz:g} commands a second for {config.seconds:g} s each, {os.cpu_count()} cores, "
          f"load {os.getloadavg()[0]:.1f}\n")  # fmt: skip
    print("| | command to sent, p50 ms | p90 | p99 | sent a second | share of a core |\n|---|---|---|---|---|---|")
    print("\n".join(rows))


def _measure(config: GuardLatencyConfig, name: str, command: list[str]) -> str:
    process = subprocess.Popen(command)
    rclpy.init()
    node = rclpy.create_node("bench")
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    bench = Bench(node)
    try:
        _until(executor, lambda: bool(node.count_publishers("/wx250s/commands/joint_group")))
        if name == "guard":
            _enable(node, executor)
        timer = node.create_timer(1.0 / config.rate_hz, bench.command)
        _until(executor, lambda: bench.counts > 50)
        bench.ages.clear()
        bench.counts = 0
        worker = _python_of(process.pid)
        cpu, began = processor_s(worker), time.monotonic()
        while time.monotonic() - began < config.seconds:
            executor.spin_once(timeout_sec=0.1)
        elapsed = time.monotonic() - began
        share = (processor_s(worker) - cpu) / elapsed
        timer.cancel()
    finally:
        process.send_signal(2)
        process.wait(20)
        executor.shutdown()
        node.destroy_node()
        rclpy.shutdown()
    p50, p90, p99 = 1e3 * np.percentile(bench.ages, [50, 90, 99])
    return f"| {name} | {p50:.2f} | {p90:.2f} | {p99:.2f} | {bench.counts / elapsed:.1f} | {100 * share:.1f} % |"


def _until(executor: SingleThreadedExecutor, reached: Callable[[], bool]) -> None:
    end = time.monotonic() + START_S
    while not reached():
        if time.monotonic() > end:
            raise TimeoutError(f"nothing was sent to the driver within {START_S:g} s: see the lines above")
        executor.spin_once(timeout_sec=0.1)


def _enable(node: Node, executor: SingleThreadedExecutor) -> None:
    client = node.create_client(SetBool, "/guard/enable")
    _until(executor, client.service_is_ready)
    armed: list[bool] = []
    while not any(armed):
        future = client.call_async(SetBool.Request(data=True))
        executor.spin_until_future_complete(future, timeout_sec=START_S)
        armed.append(future.result().success)


def _python_of(pid: int) -> int:
    """Return the process that does the work: `ros2 run` is its parent."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return int(children[0]) if children else pid


if __name__ == "__main__":
    if ECHO in sys.argv:
        rclpy.init()
        with contextlib.suppress(KeyboardInterrupt, ExternalShutdownException):
            rclpy.spin(Echo())
    else:
        main(tyro.cli(GuardLatencyConfig))
