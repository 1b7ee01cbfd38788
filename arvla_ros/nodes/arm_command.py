"""From an ArmCommand message to what the guard's logic decides on."""

from __future__ import annotations

import numpy as np

from arvla_ros.control.arbitration import Command, Refusal
from arvla_ros.control.safety import Pose
from arvla_ros.msg import ArmCommand
from arvla_ros.nodes.stamps import to_ns
from arvla_ros.robots import wx250s
from arvla_ros.robots.inverse_kinematics import UnreachableError
from arvla_ros.robots.pose_following import PoseFollowing
from arvla_ros.robots.rotations import RotationError

# As much of a reason as somebody can read: it is published at 50 Hz from here on.
LONGEST_REASON = 200


class CommandReader:
    """Reads commands for the arm's joints, in their order, or for poses of its hand."""

    def __init__(self) -> None:
        self._poses = PoseFollowing()

    def read(self, message: ArmCommand, near: Pose, now_ns: int) -> Command | Refusal:
        """Return a message as a command, or why it is none; whether it may pass is not decided here.

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
                joints, problem = self._solve(message, near)
            elif len(message.joint_names) != len(near) or tuple(message.joint_names) != wx250s.ARM_JOINTS:
                wanted = ", ".join(wx250s.ARM_JOINTS)
                return Refusal("names", f"command is not for the joints {wanted}, in this order")
            else:
                joints = np.asarray(message.joint_positions, dtype=np.float64)
        age = (now_ns - stamp_ns) * 1e-9
        hold = message.hold[:LONGEST_REASON]
        return Command(message.source, joints, message.gripper_opening, stamp_ns * 1e-9, age, problem, hold)

    def _solve(self, message: ArmCommand, near: Pose) -> tuple[Pose | None, str]:
        """Return the joints for a pose, or None and why there are none."""
        p, q = message.pose.position, message.pose.orientation
        position, quaternion = np.array([p.x, p.y, p.z]), np.array([q.x, q.y, q.z, q.w])
        if not (np.isfinite(position).all() and np.isfinite(quaternion).all()):
            return np.full(len(near), np.nan), ""
        try:
            return self._poses.solve(position, quaternion, near), ""
        except (UnreachableError, RotationError) as error:
            return None, f"the last target is held: {error}"
