"""Vectors."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

EPSILON = np.finfo(np.float64).eps * 4.0
"""Below this, a length or an angle counts as none."""

TRANSLATION_IDENTITY = [0.0, 0.0, 0.0]
ROTATION_IDENTITY = [0.0, 0.0, 0.0, 1.0]
ZOOM_IDENTITY = [1.0, 1.0, 1.0]
SHEAR_IDENTITY = [0.0, 0.0, 0.0]

Quaternion = tuple[float, float, float, float]


def vector_norm(data: ArrayLike, axis: int | None = None) -> Any:
    """Return the Euclidean length of a vector, or of vectors along an axis."""
    return np.linalg.norm(np.asarray(data, dtype=np.float64), axis=axis)


def unit_vector(data: ArrayLike, axis: int | None = None) -> Array:
    """Return a vector, or vectors along an axis, scaled to length one."""
    vector = np.array(data, dtype=np.float64)
    return np.asarray(vector / np.linalg.norm(vector, axis=axis, keepdims=axis is not None), dtype=np.float64)


def random_vector(size: int) -> Array:
    """Return numbers drawn uniformly from [0, 1)."""
    return np.random.default_rng().random(size)
