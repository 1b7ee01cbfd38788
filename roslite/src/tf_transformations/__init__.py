"""Rotations and rigid transformations over numpy; quaternions are [x, y, z, w], matrices 4 × 4 and act on columns.

Euler angles are named by four letters: ``s`` for rotations about static axes or ``r`` for rotating ones, then the axes
in the order in which the rotations are applied. The default is ``sxyz``: roll, pitch and yaw about fixed axes.
"""

from .affine import (
    compose_matrix,
    decompose_matrix,
    orthogonalization_matrix,
    scale_from_matrix,
    superimposition_matrix,
)
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
from .planes import clip_matrix, projection_matrix, reflection_from_matrix, reflection_matrix, shear_matrix
from .quaternions import (
    quaternion_about_axis,
    quaternion_conjugate,
    quaternion_inverse,
    quaternion_multiply,
    quaternion_slerp,
)
from .vectors import (
    ROTATION_IDENTITY,
    SHEAR_IDENTITY,
    TRANSLATION_IDENTITY,
    ZOOM_IDENTITY,
    random_vector,
    unit_vector,
    vector_norm,
)

__all__ = [
    "ROTATION_IDENTITY",
    "SHEAR_IDENTITY",
    "TRANSLATION_IDENTITY",
    "ZOOM_IDENTITY",
    "clip_matrix",
    "compose_matrix",
    "concatenate_matrices",
    "decompose_matrix",
    "euler_from_matrix",
    "euler_from_quaternion",
    "euler_matrix",
    "identity_matrix",
    "inverse_matrix",
    "is_same_transform",
    "orthogonalization_matrix",
    "projection_matrix",
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
    "random_vector",
    "reflection_from_matrix",
    "reflection_matrix",
    "rotation_from_matrix",
    "rotation_matrix",
    "scale_from_matrix",
    "scale_matrix",
    "shear_matrix",
    "superimposition_matrix",
    "translation_from_matrix",
    "translation_matrix",
    "unit_vector",
    "vector_norm",
]
