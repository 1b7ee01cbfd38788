"""Rotations as unit quaternions, and their ways to and from matrices and roll-pitch-yaw.

A quaternion is ``[4]`` in the order x, y, z, w, as in ``geometry_msgs/Quaternion`` and ``tf_transformations``. It
stands for the same rotation as its negative; which of the two is meant is decided by ``unit``. Roll, pitch and yaw are
``[3]`` in rad about the fixed x, y and z axes in that order: ``R = Rz(yaw) Ry(pitch) Rx(roll)``, ROS's convention
(REP 103).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
ArrayLike = npt.NDArray[np.floating[Any]]

IDENTITY: Array = np.array([0.0, 0.0, 0.0, 1.0])

# A quaternion shorter than this says nothing about a direction.
_SHORTEST = 1e-6
# Where the cosine of the pitch is below this, roll and yaw turn about one axis and only their sum is told.
_GIMBAL_LOCK = 1e-8


class RotationError(ValueError):
    """Numbers that are not a rotation; the message shows them."""


def unit(quaternion: ArrayLike, near: ArrayLike = IDENTITY) -> Array:
    """Return the unit quaternion of the same rotation, in the hemisphere of ``near``.

    With the default, w is not negative. With ``near`` the quaternion before it, a sequence never jumps between the two
    signs of one rotation.

    Args:
        quaternion: ``[4]``, of any length but 0.
        near: ``[4]``, what the result makes at most a right angle with.

    Raises:
        RotationError: the quaternion is zero or not finite.
    """
    wide = np.asarray(quaternion, dtype=np.float64)
    length = float(np.linalg.norm(wide))
    if not (np.isfinite(length) and length > _SHORTEST):
        raise RotationError(f"quaternion {wide.tolist()} has length {length:g}, which is no rotation")
    return wide / (length if wide @ near >= 0.0 else -length)


def multiply(second: Array, first: Array) -> Array:
    """Return the quaternion ``[4]`` of the rotation ``first``, followed by ``second`` about the same fixed axes."""
    x, y, z, w = second
    matrix = np.array([[w, -z, y, x], [z, w, -x, y], [-y, x, w, z], [-x, -y, -z, w]])
    product: Array = matrix @ first
    return product


def inverse(quaternion: Array) -> Array:
    """Return the quaternion ``[4]`` of the opposite turn of a unit quaternion."""
    return quaternion * (-1.0, -1.0, -1.0, 1.0)


def rotate(quaternion: Array, vector: Array) -> Array:
    """Return ``vector [3]`` turned by a unit quaternion."""
    rotated: Array = to_matrix(quaternion) @ vector
    return rotated


def angle(quaternion: Array) -> float:
    """Return how far a unit quaternion turns, 0 to pi rad; precise for small turns too."""
    return 2.0 * float(np.arctan2(np.linalg.norm(quaternion[:3]), abs(quaternion[3])))


def from_axis_angle(axis: Array, turn: float) -> Array:
    """Return the quaternion ``[4]`` of ``turn`` rad about a unit axis ``[3]``."""
    return np.append(np.sin(turn / 2.0) * axis, np.cos(turn / 2.0))


def to_matrix(quaternion: Array) -> Array:
    """Return the rotation matrix ``[3, 3]`` of a unit quaternion."""
    x, y, z, w = quaternion
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )


def from_matrix(matrix: Array, near: ArrayLike = IDENTITY) -> Array:
    """Return the unit quaternion ``[4]`` of a rotation matrix ``[3, 3]``, in the hemisphere of ``near``.

    Raises:
        RotationError: the matrix is not finite.
    """
    (r00, r01, r02), (r10, r11, r12), (r20, r21, r22) = matrix
    # Four times the outer product of the quaternion with itself; the row with the largest diagonal loses no digits.
    outer = np.array(
        [
            [1 + r00 - r11 - r22, r01 + r10, r02 + r20, r21 - r12],
            [r01 + r10, 1 - r00 + r11 - r22, r12 + r21, r02 - r20],
            [r02 + r20, r12 + r21, 1 - r00 - r11 + r22, r10 - r01],
            [r21 - r12, r02 - r20, r10 - r01, 1 + r00 + r11 + r22],
        ]
    )
    return unit(outer[outer.diagonal().argmax()], near)


def from_rpy(rpy: ArrayLike) -> Array:
    """Return the unit quaternion ``[4]`` of roll, pitch and yaw ``[3]`` in rad, with w not negative.

    Raises:
        RotationError: an angle is not finite.
    """
    roll, pitch, yaw = (from_axis_angle(axis, float(turn)) for axis, turn in zip(np.eye(3), rpy, strict=True))
    return unit(multiply(yaw, multiply(pitch, roll)))


def to_rpy(quaternion: Array) -> Array:
    """Return roll, pitch and yaw ``[3]`` in rad of a unit quaternion: pitch within a right angle, the others ±pi.

    Where the pitch is a right angle, yaw is 0 and roll holds the whole turn about the common axis.
    """
    matrix = to_matrix(quaternion)
    cos_pitch = np.hypot(matrix[0, 0], matrix[1, 0])
    pitch = np.arctan2(-matrix[2, 0], cos_pitch)
    if cos_pitch < _GIMBAL_LOCK:
        return np.array([np.arctan2(-matrix[1, 2], matrix[1, 1]), pitch, 0.0])
    return np.array([np.arctan2(matrix[2, 1], matrix[2, 2]), pitch, np.arctan2(matrix[1, 0], matrix[0, 0])])
