"""Product of exponentials: the pose of a serial arm's hand from its screw axes (Lynch and Park, Modern Robotics)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


def skew(vector: Array) -> Array:
    """Return the matrix ``[3, 3]`` that turns a cross product with ``vector [3]`` into a matrix product."""
    x, y, z = vector
    return np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])


def exponential(screw: Array, angle: float) -> Array:
    """Return the motion ``[4, 4]`` along a revolute screw axis.

    Args:
        screw: ``[6]``, the unit rotation axis, then the linear part in m, both in the space frame.
        angle: Turn about the axis in rad.
    """
    omega = skew(screw[:3])
    omega_squared = omega @ omega
    sine, versine = np.sin(angle), 1.0 - np.cos(angle)
    motion = np.eye(4)
    motion[:3, :3] += sine * omega + versine * omega_squared
    motion[:3, 3] = (angle * np.eye(3) + versine * omega + (angle - sine) * omega_squared) @ screw[3:]
    return motion


def forward_kinematics(screws: Array, zero_pose: Array, joints: Array) -> Array:
    """Return the hand's pose ``[4, 4]`` in the space frame.

    Args:
        screws: ``[n, 6]``, one axis a joint, base first, in the space frame at the zero pose.
        zero_pose: ``[4, 4]``, the hand's pose where all joints are 0.
        joints: ``[n]`` joint angles in rad.

    Raises:
        ValueError: the number of joints differs from the number of axes.
    """
    if joints.shape != (len(screws),):
        raise ValueError(f"expected {len(screws)} joint angles, got an array of shape {list(joints.shape)}")
    pose = zero_pose
    for screw, angle in zip(screws[::-1], joints[::-1], strict=True):
        pose = exponential(screw, float(angle)) @ pose
    return pose


def jacobian(screws: Array, zero_pose: Array, joints: Array) -> Array:
    """Return ``[6, n]``: angular velocity, then velocity in m/s of the hand, for 1 rad/s of each joint; space frame.

    Args:
        screws: ``[n, 6]``, one axis a joint, base first, in the space frame at the zero pose.
        zero_pose: ``[4, 4]``, the hand's pose where all joints are 0.
        joints: ``[n]`` joint angles in rad.
    """
    hand = forward_kinematics(screws, zero_pose, joints)[:3, 3]
    moved = np.eye(4)
    columns = []
    for screw, angle in zip(screws, joints, strict=True):
        axis = moved[:3, :3] @ screw[:3]
        velocity = moved[:3, :3] @ screw[3:] + skew(axis) @ (hand - moved[:3, 3])
        columns.append(np.hstack((axis, velocity)))
        moved = moved @ exponential(screw, float(angle))
    return np.stack(columns, axis=1)
