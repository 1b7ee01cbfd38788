"""Homogeneous matrices [4, 4]."""

import math

import numpy as np
from numpy.typing import ArrayLike

from .vectors import EPSILON, Array, Quaternion, unit_vector


def identity_matrix() -> Array:
    """Return the matrix that changes nothing."""
    return np.identity(4)


def translation_matrix(direction: ArrayLike) -> Array:
    """Return the translation by a vector [3]."""
    matrix = np.identity(4)
    matrix[:3, 3] = np.asarray(direction, dtype=np.float64)[:3]
    return matrix


def translation_from_matrix(matrix: ArrayLike) -> Array:
    """Return the vector [3] that a matrix translates by."""
    return np.array(matrix, dtype=np.float64)[:3, 3]


def rotation_matrix(angle: float, direction: ArrayLike, point: ArrayLike | None = None) -> Array:
    """Return the rotation by an angle in radians about an axis [3], through a point [3] if one is given."""
    x, y, z = unit_vector(np.asarray(direction, dtype=np.float64)[:3])
    cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    matrix = np.identity(4)
    matrix[:3, :3] += math.sin(angle) * cross + (1.0 - math.cos(angle)) * (cross @ cross)
    if point is not None:
        centre = np.asarray(point, dtype=np.float64)[:3]
        matrix[:3, 3] = centre - matrix[:3, :3] @ centre
    return matrix


def rotation_from_matrix(matrix: ArrayLike) -> tuple[float, Array, Array]:
    """Return angle, axis [3] and a point of the axis [4] of a rotation.

    Raises:
        ValueError: the matrix is no rotation.
    """
    m = np.asarray(matrix, dtype=np.float64)
    values, vectors = np.linalg.eig(m[:3, :3].T)
    axis = int(np.argmin(abs(values - 1.0)))  # small angles have three eigenvalues near 1
    if abs(values[axis] - 1.0) > 1e-8:
        raise ValueError("no unit eigenvector corresponding to eigenvalue 1")
    direction = np.real(vectors[:, axis])
    values, vectors = np.linalg.eig(m)
    fixed = np.flatnonzero(abs(np.real(values) - 1.0) < 1e-8)
    if not len(fixed):
        raise ValueError("no unit eigenvector corresponding to eigenvalue 1")
    point = np.real(vectors[:, fixed[-1]])
    point = point / point[3]
    cosine = (np.trace(m[:3, :3]) - 1.0) / 2.0
    skew = np.array([m[2, 1] - m[1, 2], m[0, 2] - m[2, 0], m[1, 0] - m[0, 1]]) / 2.0
    return math.atan2(float(np.dot(skew, direction)), float(cosine)), direction, point


def scale_matrix(factor: float, origin: ArrayLike | None = None, direction: ArrayLike | None = None) -> Array:
    """Return the scaling by a factor about an origin [3], along one direction [3] only if it is given."""
    if direction is None:
        linear = factor * np.identity(3)
    else:
        axis = unit_vector(np.asarray(direction, dtype=np.float64)[:3])
        linear = np.identity(3) - (1.0 - factor) * np.outer(axis, axis)
    matrix = np.identity(4)
    matrix[:3, :3] = linear
    if origin is not None:
        centre = np.asarray(origin, dtype=np.float64)[:3]
        matrix[:3, 3] = centre - linear @ centre
    return matrix


def concatenate_matrices(*matrices: ArrayLike) -> Array:
    """Return the product of matrices, from left to right; the identity for none."""
    product = np.identity(4)
    for matrix in matrices:
        product = product @ np.asarray(matrix, dtype=np.float64)
    return product


def inverse_matrix(matrix: ArrayLike) -> Array:
    """Return the inverse of a square matrix."""
    return np.asarray(np.linalg.inv(np.asarray(matrix, dtype=np.float64)))


def is_same_transform(matrix0: ArrayLike, matrix1: ArrayLike) -> bool:
    """Whether two matrices do the same, up to their scale."""
    first, second = np.array(matrix0, dtype=np.float64), np.array(matrix1, dtype=np.float64)
    return bool(np.allclose(first / first[3, 3], second / second[3, 3]))


def quaternion_matrix(quaternion: ArrayLike) -> Array:
    """Return the rotation of a quaternion [x, y, z, w] of any length as a matrix."""
    q = np.array(quaternion, dtype=np.float64)[:4]
    squared = float(np.dot(q, q))
    if squared < EPSILON:
        return np.identity(4)
    x, y, z, w = q
    s = 2.0 / squared
    return np.array(
        [
            [1.0 - s * (y * y + z * z), s * (x * y - z * w), s * (x * z + y * w), 0.0],
            [s * (x * y + z * w), 1.0 - s * (x * x + z * z), s * (y * z - x * w), 0.0],
            [s * (x * z - y * w), s * (y * z + x * w), 1.0 - s * (x * x + y * y), 0.0],
            [0.0, 0.0, 0.0, 1.0],
        ]
    )


def quaternion_from_matrix(matrix: ArrayLike) -> Quaternion:
    """Return the rotation of a matrix as a quaternion [x, y, z, w] whose last number is not negative.

    The largest component is found first and the others from it (Shepperd 1978), so that no digits are lost.
    """
    m = np.asarray(matrix, dtype=np.float64)
    trace = m[0, 0] + m[1, 1] + m[2, 2]
    q = np.empty(4)
    if trace > 0.0:
        root = math.sqrt(trace + 1.0)
        q[3] = root / 2.0
        q[:3] = np.array([m[2, 1] - m[1, 2], m[0, 2] - m[2, 0], m[1, 0] - m[0, 1]]) / (2.0 * root)
        return _as_tuple(q)
    i = int(np.argmax(np.diagonal(m)[:3]))
    j, k = (i + 1) % 3, (i + 2) % 3
    root = math.sqrt(m[i, i] - m[j, j] - m[k, k] + 1.0)
    q[i] = root / 2.0
    q[j] = (m[i, j] + m[j, i]) / (2.0 * root)
    q[k] = (m[i, k] + m[k, i]) / (2.0 * root)
    q[3] = (m[k, j] - m[j, k]) / (2.0 * root)
    return _as_tuple(q if q[3] >= 0.0 else -q)


def _as_tuple(quaternion: Array) -> Quaternion:
    x, y, z, w = quaternion.tolist()
    return x, y, z, w


def random_quaternion(rand: ArrayLike | None = None) -> Array:
    """Return a rotation drawn uniformly, from three numbers in [0, 1) if given (Shoemake 1992)."""
    u0, u1, u2 = np.random.default_rng().random(3) if rand is None else np.asarray(rand, dtype=np.float64)
    inner, outer = math.sqrt(1.0 - u0), math.sqrt(u0)
    first, second = 2.0 * math.pi * u1, 2.0 * math.pi * u2
    return np.array(
        [inner * math.sin(first), inner * math.cos(first), outer * math.sin(second), outer * math.cos(second)]
    )


def random_rotation_matrix(rand: ArrayLike | None = None) -> Array:
    """Return :func:`random_quaternion` as a matrix."""
    return quaternion_matrix(random_quaternion(rand))
