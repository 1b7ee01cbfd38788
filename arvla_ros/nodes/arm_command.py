"""From an ArmCommand message to what the guard's logic decides on."""

from __future__ import annotations

import numpy as np

from arvla_ros.control.arbitration import Command, Refusal
from arvla_ros.control.safety import Pose
from arvla_ros.msg import ArmCommand
from arvla_ros.nodes.stamps import to_ns
from arvla_ros.robots import inverse_kinematics, wx250s

# As much of a reason as somebody can read: it is published at 50 Hz from here on.
LONGEST_REASON = 200


def read_command(message: ArmCommand, near: Pose, now_ns: int) -> Command | Refusal:
    """Return a message as a command, or why it is none; whether it may pass is not decided here.

    It is for the arm's joints, in their order, or for a pose of its hand.

    Args:
        message: What a source asks for.
        near: Joints ``[n]`` at hand in rad, that a pose is solved near.
        now_ns: On the ROS clock.
    """
    stamp_ns = to_ns(message.header.stamp)
    joints: Pose | None = None
    problem = ""
    if not message.hold:
        if message.use_pose:
            joints, problem = _solve(message, near)
        elif len(message.joint_names) != len(near) or tuple(message.joint_names) != wx250s.ARM_JOINTS:
            wanted = ", ".join(wx250s.ARM_JOINTS)
            return Refusal("names", f"command is not for the joints {wanted}, in this order")
        else:
            joints = np.asarray(message.joint_positions, dtype=np.float64)
    age = (now_ns - stamp_ns) * 1e-9
    hold = message.hold[:LONGEST_REASON]
    return Command(message.source, joints, message.gripper_opening, stamp_ns * 1e-9, age, problem, hold)


def _solve(message: ArmCommand, near: Pose) -> tuple[Pose | None, str]:
    """Return the joints for a pose, or None and why there are none."""
    p, q = message.pose.position, message.pose.orientation
    position, quaternion = np.array([p.x, p.y, p.z]), np.array([q.x, q.y, q.z, q.w])
    if not (np.isfinite(position).all() and np.isfinite(quaternion).all()):
        return np.full(len(near), np.nan), ""
    try:
        return inverse_kinematics.solve(position, quaternion, near), ""
    except inverse_kinematics.UnreachableError as error:
        return None, f"the last target is held: {error}"
