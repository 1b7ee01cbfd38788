"""Joint states of an arm as a reading that tells when it cannot be believed."""

from __future__ import annotations

import time
from collections.abc import Callable

from rclpy.node import Node
from sensor_msgs.msg import JointState

from arvla_ros.control.arm_reading import ArmReading
from arvla_ros.control.joint_state_watch import JointStateWatch
from arvla_ros.nodes.stamps import now_ns, to_ns
from arvla_ros.robots import wx250s


def read_arm(node: Node, name: str, then: Callable[[float], None] | None = None) -> ArmReading:
    """Subscribe to the joint states of an arm.

    Args:
        node: Subscribes.
        name: Namespace of the arm's driver.
        then: Called after every message that is believed, with the steady time in s that the reading counts in.
    """
    topic = f"/{name}/joint_states"
    reading = ArmReading(topic, JointStateWatch(wx250s.ARM_JOINTS, wx250s.FINGER_JOINTS[0]))

    def on_joint_states(message: JointState) -> None:
        now, stamp, ros_now = time.monotonic(), to_ns(message.header.stamp) * 1e-9, now_ns(node) * 1e-9
        if reading.on_message(message.name, message.position, stamp, ros_now, now) and then:
            then(now)

    node.create_subscription(JointState, topic, on_joint_states, 10)
    return reading
