"""Matrices [4, 4] made from planes; a plane is a point [3] of it and its normal [3]."""

import math

import numpy as np
from numpy.typing import ArrayLike

from .vectors import EPSILON, Array, unit_vector


def reflection_matrix(point: ArrayLike, normal: ArrayLike) -> Array:
    """Return the reflection at a plane."""
    n = unit_vector(np.asarray(normal)[:3])
    matrix = np.identity(4)
    matrix[:3, :3] -= 2.0 * np.outer(n, n)
    matrix[:3, 3] = 2.0 * np.dot(np.asarray(point)[:3], n) * n
    return matrix


def reflection_from_matrix(matrix: ArrayLike) -> tuple[Array, Array]:
    """Return a point [3] and the normal [3] of the plane that a matrix reflects at.

    Raises:
        ValueError: the matrix is no reflection.
    """
    m = np.asarray(matrix, dtype=np.float64)
    point = _eigenvectors(m, 1.0)[-1]
    return point[:3] / point[3], _eigenvectors(m[:3, :3], -1.0)[0]


def _eigenvectors(matrix: Array, value: float) -> Array:
    values, vectors = np.linalg.eig(matrix)
    found = np.real(vectors[:, abs(np.real(values) - value) < 1e-8]).T
    if not len(found):
        raise ValueError(f"no unit eigenvector corresponding to eigenvalue {value}")
    return np.asarray(found, dtype=np.float64)


def projection_matrix(
    point: ArrayLike,
    normal: ArrayLike,
    direction: ArrayLike | None = None,
    perspective: ArrayLike | None = None,
    pseudo: bool = False,
) -> Array:
    """Return the projection onto a plane.

    Args:
        point: a point of the plane.
        normal: the plane's normal.
        direction: project along this vector [3], default the normal.
        perspective: project towards this point [3] instead.
        pseudo: in perspective, keep the depth, so that what hides what can still be told.
    """
    p, n = np.asarray(point, dtype=np.float64)[:3], unit_vector(np.asarray(normal)[:3])
    matrix = np.identity(4)
    if perspective is not None:
        eye = np.asarray(perspective, dtype=np.float64)[:3]
        matrix[:3, :3] = np.dot(eye - p, n) * np.identity(3) - np.outer(eye, n)
        matrix[:3, 3] = np.dot(p, n) * eye
        if pseudo:
            matrix[:3, :3] -= np.outer(n, n)
            matrix[:3, 3] += np.dot(p, n) * n
        matrix[3] = [*-n, np.dot(eye, n)]
        return matrix
    along = n if direction is None else np.asarray(direction, dtype=np.float64)[:3]
    along = along / np.dot(along, n)
    matrix[:3, :3] -= np.outer(along, n)
    matrix[:3, 3] = np.dot(p, n) * along
    return matrix


def clip_matrix(
    left: float, right: float, bottom: float, top: float, near: float, far: float, perspective: bool = False
) -> Array:
    """Return the matrix that brings what is seen, a box or in perspective a frustum, to coordinates from -1 to 1.

    Raises:
        ValueError: the box has no volume, or the frustum begins behind the eye.
    """
    if left >= right or bottom >= top or near >= far:
        raise ValueError("invalid frustum")
    width, height, depth = right - left, top - bottom, far - near
    if not perspective:
        return np.array(
            [
                [2.0 / width, 0.0, 0.0, -(right + left) / width],
                [0.0, 2.0 / height, 0.0, -(top + bottom) / height],
                [0.0, 0.0, 2.0 / depth, -(far + near) / depth],
                [0.0, 0.0, 0.0, 1.0],
            ]
        )
    if near <= EPSILON:
        raise ValueError("invalid frustum: near <= 0")
    return np.array(
        [
            [-2.0 * near / width, 0.0, (right + left) / width, 0.0],
            [0.0, -2.0 * near / height, (top + bottom) / height, 0.0],
            [0.0, 0.0, -(far + near) / depth, 2.0 * far * near / depth],
            [0.0, 0.0, -1.0, 0.0],
        ]
    )


def shear_matrix(angle: float, direction: ArrayLike, point: ArrayLike, normal: ArrayLike) -> Array:
    """Return the shear by an angle in radians along a direction [3] in a plane.

    Raises:
        ValueError: the direction is not in the plane.
    """
    n, along = unit_vector(np.asarray(normal)[:3]), unit_vector(np.asarray(direction)[:3])
    if abs(np.dot(n, along)) > 1e-6:
        raise ValueError("direction and normal vectors are not orthogonal")
    slope = math.tan(angle)
    matrix = np.identity(4)
    matrix[:3, :3] += slope * np.outer(along, n)
    matrix[:3, 3] = -slope * np.dot(np.asarray(point)[:3], n) * along
    return matrix
