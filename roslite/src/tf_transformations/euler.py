"""Euler angles in radians."""

import math

import numpy as np
from numpy.typing import ArrayLike

from .matrices import quaternion_matrix
from .quaternions import quaternion_about_axis, quaternion_multiply
from .vectors import EPSILON, Array, Quaternion

_AXES = {"x": 0, "y": 1, "z": 2}


def _parse(axes: str) -> tuple[bool, list[int]]:
    """Return whether the axes rotate along, and their numbers as for static axes.

    Raises:
        KeyError: the axes are not named as in ``sxyz``.
    """
    frame, letters = axes[:1], axes[1:]
    valid = frame in ("s", "r") and len(letters) == 3 and set(letters) <= set("xyz")
    if not valid or letters[0] == letters[1] or letters[1] == letters[2]:
        raise KeyError(f"axes are '{axes}', but must be 's' or 'r' and three axes, neighbours differing: as 'sxyz'")
    numbers = [_AXES[letter] for letter in letters]
    return frame == "r", numbers[::-1] if frame == "r" else numbers


def quaternion_from_euler(ai: float, aj: float, ak: float, axes: str = "sxyz") -> Quaternion:
    """Return the rotation by three angles, in the order of the axes, as a quaternion [x, y, z, w]."""
    rotating, numbers = _parse(axes)
    angles = (ak, aj, ai) if rotating else (ai, aj, ak)
    unit = np.identity(3)
    q = (0.0, 0.0, 0.0, 1.0)
    for angle, number in zip(angles, numbers, strict=True):
        q = quaternion_multiply(quaternion_about_axis(angle, unit[number]), q)
    return q


def euler_matrix(ai: float, aj: float, ak: float, axes: str = "sxyz") -> Array:
    """Return the rotation by three angles, in the order of the axes, as a matrix [4, 4]."""
    return quaternion_matrix(quaternion_from_euler(ai, aj, ak, axes))


def euler_from_matrix(matrix: ArrayLike, axes: str = "sxyz") -> tuple[float, float, float]:
    """Return the three angles of a rotation, in the order of the axes; at a gimbal lock the last is 0."""
    rotating, (i, j, last) = _parse(axes)
    m = np.asarray(matrix, dtype=np.float64)[:3, :3]
    k = 3 - i - j
    sign = 1.0 if (i + 1) % 3 == j else -1.0
    if last == i:
        length = math.hypot(m[i, j], m[i, k])
        middle = math.atan2(length, m[i, i])
        if length > EPSILON:
            first, third = math.atan2(m[i, j], sign * m[i, k]), math.atan2(m[j, i], -sign * m[k, i])
        else:
            first, third = math.atan2(-sign * m[j, k], m[j, j]), 0.0
    else:
        length = math.hypot(m[i, i], m[j, i])
        middle = math.atan2(-sign * m[k, i], length)
        if length > EPSILON:
            first, third = math.atan2(sign * m[k, j], m[k, k]), math.atan2(sign * m[j, i], m[i, i])
        else:
            first, third = math.atan2(-sign * m[j, k], m[j, j]), 0.0
    return (third, middle, first) if rotating else (first, middle, third)


def euler_from_quaternion(quaternion: ArrayLike, axes: str = "sxyz") -> tuple[float, float, float]:
    """Return the three angles of a rotation [x, y, z, w], in the order of the axes."""
    return euler_from_matrix(quaternion_matrix(quaternion), axes)
