"""Matrices [4, 4] as products of simple ones, and the one that fits points best."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from .euler import euler_from_matrix, euler_matrix
from .vectors import SHEAR_IDENTITY, TRANSLATION_IDENTITY, ZOOM_IDENTITY, Array


def compose_matrix(
    scale: ArrayLike | None = None,
    shear: ArrayLike | None = None,
    angles: Sequence[float] | None = None,
    translate: ArrayLike | None = None,
) -> Array:
    """Return the product of translation, rotation, scaling and shear, in this order; see `decompose_matrix`.

    Args:
        scale: factors of x, y and z.
        shear: of xy, xz and yz.
        angles: roll, pitch and yaw in radians.
        translate: vector [3].
    """
    sheared = np.identity(3)
    sheared[np.triu_indices(3, 1)] = SHEAR_IDENTITY if shear is None else shear
    factors = np.asarray(ZOOM_IDENTITY if scale is None else scale, dtype=np.float64)
    matrix = np.identity(4) if angles is None else euler_matrix(angles[0], angles[1], angles[2])
    matrix[:3, :3] = matrix[:3, :3] @ np.diag(factors) @ sheared
    matrix[:3, 3] = TRANSLATION_IDENTITY if translate is None else translate
    return matrix


def decompose_matrix(matrix: ArrayLike) -> tuple[Array, Array, tuple[float, float, float], Array, None]:
    """Return scale (x, y, z), shear (xy, xz, yz), angles in radians, translation [3], and None for a perspective.

    Raises:
        ValueError: the matrix is singular.
    """
    m = np.array(matrix, dtype=np.float64)
    rotation, upper = np.linalg.qr(m[:3, :3])
    scale = np.diagonal(upper).copy()
    if not np.prod(scale):
        raise ValueError("matrix is singular")
    signs = np.sign(scale)
    signs[0] *= np.sign(np.linalg.det(rotation)) * np.prod(signs)  # a reflection: the scale of x is negative
    shear = (upper / scale[:, np.newaxis])[np.triu_indices(3, 1)]
    return scale * signs, shear, euler_from_matrix(rotation * signs), m[:3, 3].copy(), None


def scale_from_matrix(matrix: ArrayLike) -> tuple[float, Array, Array | None]:
    """Return the factor, the origin [3] and, if it is only scaled along one, the direction [3] of a scaling.

    Raises:
        ValueError: the matrix is no scaling.
    """
    m = np.asarray(matrix, dtype=np.float64)
    factor, direction = float(np.trace(m[:3, :3]) - 2.0), None
    values, vectors = np.linalg.eig(m[:3, :3])
    found = np.flatnonzero(abs(np.real(values) - factor) < 1e-8)
    if len(found):
        direction = np.real(vectors[:, found[0]])
        direction /= np.linalg.norm(direction)
    else:
        factor = (factor + 2.0) / 3.0
    values, vectors = np.linalg.eig(m)
    fixed = np.flatnonzero(abs(np.real(values) - 1.0) < 1e-8)
    if not len(fixed):
        raise ValueError("no eigenvector corresponding to eigenvalue 1")
    origin = np.real(vectors[:, fixed[-1]])
    return factor, origin[:3] / origin[3], direction


def orthogonalization_matrix(lengths: Sequence[float], angles: Sequence[float]) -> Array:
    """Return the matrix from coordinates of a crystal's cell, by its edges and angles in degrees, to orthogonal."""
    a, b, c = lengths
    sina, sinb, _ = np.sin(np.radians(angles))
    cosa, cosb, cosg = np.cos(np.radians(angles))
    co = (cosa * cosb - cosg) / (sina * sinb)
    return np.array(
        [
            [a * sinb * math.sqrt(1.0 - co * co), 0.0, 0.0, 0.0],
            [-a * sinb * co, b * sina, 0.0, 0.0],
            [a * cosb, b * cosa, c, 0.0],
            [0.0, 0.0, 0.0, 1.0],
        ]
    )


def superimposition_matrix(v0: ArrayLike, v1: ArrayLike, scaling: bool = False) -> Array:
    """Return the rigid transformation that brings points [3, n] closest to others [3, n] in least squares (Kabsch).

    Args:
        v0: the points to transform; further rows are ignored.
        v1: where they should come.
        scaling: allow a scaling as well.
    """
    source, target = np.asarray(v0, dtype=np.float64)[:3], np.asarray(v1, dtype=np.float64)[:3]
    from_centre, to_centre = source.mean(axis=1), target.mean(axis=1)
    source, target = source - from_centre[:, np.newaxis], target - to_centre[:, np.newaxis]
    left, _, right = np.linalg.svd(target @ source.T)
    linear = left @ np.diag([1.0, 1.0, np.sign(np.linalg.det(left @ right))]) @ right
    if scaling:
        linear = linear * math.sqrt(float((target**2).sum() / (source**2).sum()))
    matrix = np.identity(4)
    matrix[:3, :3] = linear
    matrix[:3, 3] = to_centre - linear @ from_centre
    return matrix
