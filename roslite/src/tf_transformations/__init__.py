"""Rotations and rigid transformations over numpy; quaternions are [x, y, z, w], matrices 4 × 4 and act on columns.

Euler angles are named by four letters: ``s`` for rotations about static axes or ``r`` for rotating ones, then the axes
in the order in which the rotations are applied. The default is ``sxyz``: roll, pitch and yaw about fixed axes.
"""

from .euler import euler_from_matrix, euler_from_quaternion, euler_matrix, quaternion_from_euler
from .matrices import (
    concatenate_matrices,
    identity_matrix,
    inverse_matrix,
    is_same_transform,
    quaternion_from_matrix,
    quaternion_matrix,
    random_quaternion,
    random_rotation_matrix,
    rotation_from_matrix,
    rotation_matrix,
    scale_matrix,
    translation_from_matrix,
    translation_matrix,
)
from .quaternions import (
    quaternion_about_axis,
    quaternion_conjugate,
    quaternion_inverse,
    quaternion_multiply,
    quaternion_slerp,
)
from .vectors import ROTATION_IDENTITY, TRANSLATION_IDENTITY, unit_vector, vector_norm

__all__ = [
    "ROTATION_IDENTITY",
    "TRANSLATION_IDENTITY",
    "concatenate_matrices",
    "euler_from_matrix",
    "euler_from_quaternion",
    "euler_matrix",
    "identity_matrix",
    "inverse_matrix",
    "is_same_transform",
    "quaternion_about_axis",
    "quaternion_conjugate",
    "quaternion_from_euler",
    "quaternion_from_matrix",
    "quaternion_inverse",
    "quaternion_matrix",
    "quaternion_multiply",
    "quaternion_slerp",
    "random_quaternion",
    "random_rotation_matrix",
    "rotation_from_matrix",
    "rotation_matrix",
    "scale_matrix",
    "translation_from_matrix",
    "translation_matrix",
    "unit_vector",
    "vector_norm",
]
