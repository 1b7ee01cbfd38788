"""The scripted expert in an operator's place: its commands go to the guard as a teleoperator's would."""

from __future__ import annotations

import numpy as np
from rclpy.node import Node

from arvla_ros.msg import ArmCommand, GuardState
from arvla_ros.nodes.qos import NEWEST, TELEMETRY
from arvla_ros.nodes.stamps import to_msg
from arvla_ros.sim.expert import Expert, make_expert
from arvla_ros.sim.world import WidowXWorld

SOURCE = "teleop"


class ScriptedOperator:
    """Drives the simulated arm through the guard, at the contract's control rate, while the guard is armed."""

    def __init__(self, node: Node, world: WidowXWorld) -> None:
        """Publish through the node that simulates the world, for only there can the expert see it.

        Raises:
            TaskError: there is no expert for the task.
        """
        self._world = world
        self._armed = False
        self._commands = node.create_publisher(ArmCommand, "/arm/command", NEWEST)
        node.create_subscription(GuardState, "/guard/state", self._on_guard, TELEMETRY)
        self.begin(0)

    def begin(self, seed: int) -> None:
        """Begin an episode as the demonstrator that ``seed`` stands for."""
        self._expert: Expert = make_expert(self._world.task.name, np.random.default_rng((seed, 1)))

    def _on_guard(self, message: GuardState) -> None:
        self._armed = message.mode == GuardState.MODE_ACTIVE

    def act(self, time_ns: int) -> None:
        """Command what the expert wants now; call it once a control period."""
        if not self._armed:
            return
        world = self._world
        target = world.contract.command(self._expert.action(world), world.state())
        message = ArmCommand(source=SOURCE, joint_names=list(world.contract.arm_joints))
        message.header.stamp = to_msg(time_ns)
        message.joint_positions, message.gripper_opening = target.joints.tolist(), target.opening
        self._commands.publish(message)
