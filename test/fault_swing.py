"""A source of commands that keeps the arm moving, and can be distorted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from fault_arm import FakeArm
from rclpy.clock import Clock, ClockType
from rclpy.node import Node

from arvla_ros.msg import ArmCommand
from arvla_ros.robots import wx250s


class Swing:
    """A policy that streams: the waist to and fro, each target a step away from where the arm is."""

    RATE_HZ, STEP, WIDTH = 20.0, 0.05, 0.5

    def __init__(self, node: Node, arm: FakeArm) -> None:
        self.running = False
        self.distort: Callable[[ArmCommand], ArmCommand | None] | None = None
        self._node, self._arm = node, arm
        self._side = 1.0
        self._commands = node.create_publisher(ArmCommand, "/arm/command", 1)
        node.create_timer(1 / self.RATE_HZ, self._turn, clock=Clock(clock_type=ClockType.STEADY_TIME))

    def _turn(self) -> None:
        if not self.running:
            return
        joints = self._arm.joints
        goal = wx250s.READY + np.array([self._side * self.WIDTH, 0, 0, 0, 0, 0])
        if abs(joints[0] - goal[0]) < self.STEP:
            self._side = -self._side
        message = self.message(joints + np.clip(goal - joints, -self.STEP, self.STEP))
        distorted = message if self.distort is None else self.distort(message)
        if distorted is not None:
            self._commands.publish(distorted)

    def message(self, joints: Any, **fields: Any) -> ArmCommand:
        """Return a command for joints in rad, stamped now."""
        made = ArmCommand(source="action_expert", joint_names=list(wx250s.ARM_JOINTS), gripper_opening=0.06)
        made.header.stamp = self._node.get_clock().now().to_msg()
        made.joint_positions = [float(joint) for joint in joints]
        for name, value in fields.items():
            setattr(made, name, value)
        return made

    def send(self, message: ArmCommand) -> None:
        self._commands.publish(message)
