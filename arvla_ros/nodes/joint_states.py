"""Joint states of an arm as a reading that tells when it cannot be believed."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from rclpy.node import Node
from sensor_msgs.msg import JointState

from arvla_ros.control.readings import ArmReading
from arvla_ros.robots.contract import ContractError, RobotContract


def read_arm(node: Node, name: str, contract: RobotContract, then: Callable[[float], None] | None = None) -> ArmReading:
    """Subscribe to the joint states of an arm, matched by joint name.

    Args:
        node: Subscribes.
        name: Namespace of the arm's driver.
        contract: Says which joints.
        then: Called after every message that has all joints, with the steady time in s that the reading counts in.
    """
    topic = f"/{name}/joint_states"
    reading = ArmReading(topic)

    def on_joint_states(message: JointState) -> None:
        now = time.monotonic()
        try:
            state = contract.state(message.name, message.position).astype(np.float64)
        except ContractError as error:
            reading.refuse(str(error), now)
            return
        reading.take_in(state[:-1], float(state[-1]), now)
        if then:
            then(now)

    node.create_subscription(JointState, topic, on_joint_states, 10)
    return reading
