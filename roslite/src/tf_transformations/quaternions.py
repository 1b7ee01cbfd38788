"""Quaternions [x, y, z, w]."""

import math

import numpy as np
from numpy.typing import ArrayLike

from .vectors import EPSILON, Array, Quaternion, unit_vector


def quaternion_about_axis(angle: float, axis: ArrayLike) -> Quaternion:
    """Return the rotation by an angle in radians about an axis [3] of any length."""
    direction = np.asarray(axis, dtype=np.float64)[:3]
    length = float(np.linalg.norm(direction))
    if length > EPSILON:
        direction = direction * (math.sin(angle / 2.0) / length)
    x, y, z = direction.tolist()
    return x, y, z, math.cos(angle / 2.0)


def quaternion_multiply(quaternion1: ArrayLike, quaternion0: ArrayLike) -> Quaternion:
    """Return the product: the rotation ``quaternion0`` followed by ``quaternion1``."""
    x0, y0, z0, w0 = np.asarray(quaternion0, dtype=np.float64).tolist()
    x1, y1, z1, w1 = np.asarray(quaternion1, dtype=np.float64).tolist()
    return (
        w1 * x0 + x1 * w0 + y1 * z0 - z1 * y0,
        w1 * y0 - x1 * z0 + y1 * w0 + z1 * x0,
        w1 * z0 + x1 * y0 - y1 * x0 + z1 * w0,
        w1 * w0 - x1 * x0 - y1 * y0 - z1 * z0,
    )


def quaternion_conjugate(quaternion: ArrayLike) -> Array:
    """Return the quaternion with its vector part negated."""
    return np.asarray(quaternion, dtype=np.float64) * [-1.0, -1.0, -1.0, 1.0]


def quaternion_inverse(quaternion: ArrayLike) -> Array:
    """Return the quaternion whose product with this one is [0, 0, 0, 1]."""
    q = np.asarray(quaternion, dtype=np.float64)
    return np.asarray(quaternion_conjugate(q) / np.dot(q, q), dtype=np.float64)


def quaternion_slerp(
    quat0: ArrayLike, quat1: ArrayLike, fraction: float, spin: int = 0, shortestpath: bool = True
) -> Array:
    """Return the rotation at a fraction of the way from one to another, at constant angular velocity.

    Args:
        quat0: where ``fraction`` is 0.
        quat1: where ``fraction`` is 1.
        fraction: how far.
        spin: how many half turns are added.
        shortestpath: go the shorter way round.
    """
    start, end = unit_vector(np.asarray(quat0)[:4]), unit_vector(np.asarray(quat1)[:4])
    if fraction == 0.0:
        return start
    if fraction == 1.0:
        return end
    cosine = float(np.dot(start, end))
    if abs(abs(cosine) - 1.0) < EPSILON:
        return start
    if shortestpath and cosine < 0.0:
        cosine, end = -cosine, -end
    angle = math.acos(cosine) + spin * math.pi
    if abs(angle) < EPSILON:
        return start
    weights = math.sin((1.0 - fraction) * angle), math.sin(fraction * angle)
    return np.asarray((weights[0] * start + weights[1] * end) / math.sin(angle), dtype=np.float64)
