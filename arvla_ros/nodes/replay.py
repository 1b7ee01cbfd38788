"""The replay node: sends a recorded episode to the arm again, through the guard."""

from __future__ import annotations

import time
from pathlib import Path

from rclpy.node import Node
from rclpy.task import Future

from arvla_ros.control.replay import Replay
from arvla_ros.episodes.from_bag import sent_commands
from arvla_ros.episodes.layout import DatasetError
from arvla_ros.msg import ArmCommand, GuardState
from arvla_ros.nodes.joint_states import read_arm
from arvla_ros.nodes.parameters import declare_number, declare_text
from arvla_ros.nodes.qos import NEWEST, TELEMETRY
from arvla_ros.nodes.runtime import NodeError, run
from arvla_ros.nodes.stamps import now_ns, to_msg
from arvla_ros.robots import wx250s

SOURCE = "replay"


class ReplayNode(Node):
    """Waits for an armed guard, plays the episode once, and ends; a guard that holds ends it with the reason."""

    def __init__(self) -> None:
        super().__init__("replay")
        robot_name = declare_text(self, "robot_name", "wx250s", "namespace of the Interbotix driver")
        episode = declare_text(self, "episode", "", "folder of the recorded episode")
        rate_hz = declare_number(self, "rate_hz", 50.0, "commands a second", 1.0, 200.0)
        try:
            self._stamps, self._joints, self._openings = sent_commands(Path(episode).expanduser())
        except DatasetError as error:
            raise NodeError(f"parameter episode={episode!r}: {error}") from error
        self._arm = read_arm(self, robot_name)
        self._replay: Replay | None = None
        self._started_ns = 0
        self.done = Future()
        self._commands = self.create_publisher(ArmCommand, "/arm/command", NEWEST)
        self.create_subscription(GuardState, "/guard/state", self._on_guard, TELEMETRY)
        self.create_timer(1.0 / rate_hz, self._on_tick)
        self.get_logger().info(f"{len(self._stamps)} commands; it begins once the guard is armed: /guard/enable")

    def _on_guard(self, message: GuardState) -> None:
        if self.done.done():
            return
        if self._replay is None and message.mode == GuardState.MODE_ACTIVE:
            self._begin()
        elif self._replay is not None and message.mode != GuardState.MODE_ACTIVE:
            self.done.set_exception(NodeError(f"the guard does not pass it on any more: {message.reason}"))
        elif self._replay is not None and message.source not in ("", SOURCE):
            self.done.set_exception(NodeError(f"{message.source} has taken over"))

    def _begin(self) -> None:
        fault = self._arm.fault(time.monotonic())
        if fault:
            self.get_logger().warning(fault, throttle_duration_sec=2.0)
            return
        times_s = (self._stamps - self._stamps[0]) * 1e-9
        try:
            self._replay = Replay(times_s, self._joints, self._openings, self._arm.joints, self._arm.opening)
        except ValueError as error:
            self.done.set_exception(NodeError(f"parameter episode: {error}"))
            return
        self._started_ns = now_ns(self)
        self.get_logger().info(
            f"{self._replay.approach_s:.1f} s to the first pose, {self._replay.duration_s:.1f} s in all"
        )

    def _on_tick(self) -> None:
        if self._replay is None or self.done.done():
            return
        now = now_ns(self)
        elapsed_s = (now - self._started_ns) * 1e-9
        if elapsed_s > self._replay.duration_s:
            self.get_logger().info("done")
            self.done.set_result(None)
            return
        joints, opening = self._replay.command(elapsed_s)
        message = ArmCommand(source=SOURCE, joint_names=list(wx250s.ARM_JOINTS), joint_positions=joints.tolist())
        message.header.stamp = to_msg(now)
        message.gripper_opening = opening
        self._commands.publish(message)


def main() -> int:
    """Replay an episode."""
    return run(ReplayNode, until=lambda node: node.done)
