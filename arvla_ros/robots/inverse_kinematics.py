"""Damped least squares: the joints near the ones at hand that bring the hand of a ``wx250s`` to a pose.

Each step is ``J^T (J J^T + d I)^-1 e`` (Nakamura and Hanafusa 1986; Wampler 1986) with joints kept in their limits. It
finds the nearby solution that a servoed hand wants, not every solution; a pose that needs another elbow is refused.
"""

from __future__ import annotations

import numpy as np

from arvla_ros.robots import rotations, wx250s
from arvla_ros.robots.action_space import Array, ArrayLike

_ITERATIONS = 30
_DAMPING = 1e-4
_LONGEST_STEP = 0.3
POSITION_TOLERANCE, ROTATION_TOLERANCE = 1e-4, 1e-3
"""How near a solution is: m and rad."""


class UnreachableError(ValueError):
    """No joints within the limits, near the present ones, bring the hand to a pose; the message says how far off."""


def solve(position: ArrayLike, rotation: ArrayLike, near: ArrayLike) -> Array:
    """Return the arm joints ``[6]`` in rad that put ``ee_gripper_link`` at a pose.

    Args:
        position: ``[3]`` in m, in ``base_link``.
        rotation: ``[4]`` unit quaternion (x, y, z, w), in ``base_link``.
        near: ``[6]`` joints in rad where the search begins.

    Raises:
        UnreachableError: the pose is out of reach, beyond a joint limit, or far from ``near``.
    """
    joints = np.clip(np.asarray(near, dtype=np.float64), wx250s.ARM_LOWER, wx250s.ARM_UPPER)
    goal = rotations.to_matrix(np.asarray(rotation, dtype=np.float64))
    for _ in range(_ITERATIONS):
        pose = wx250s.forward_kinematics(joints)
        shift = np.asarray(position, dtype=np.float64) - pose[:3, 3]
        turn = _rotation_vector(goal @ pose[:3, :3].T)
        if np.linalg.norm(shift) < POSITION_TOLERANCE and np.linalg.norm(turn) < ROTATION_TOLERANCE:
            return joints
        jacobian = wx250s.jacobian(joints)
        error = np.hstack((turn, shift))
        step = jacobian.T @ np.linalg.solve(jacobian @ jacobian.T + _DAMPING * np.eye(6), error)
        step *= min(1.0, _LONGEST_STEP / max(float(np.abs(step).max()), 1e-12))
        joints = np.clip(joints + step, wx250s.ARM_LOWER, wx250s.ARM_UPPER)
    at = ", ".join(f"{value:.3f}" for value in position)
    raise UnreachableError(
        f"pose at ({at}) m is out of reach from here: the nearest found is {1000 * np.linalg.norm(shift):.1f} mm and "
        f"{np.degrees(np.linalg.norm(turn)):.1f} degrees off; ask for smaller steps, nearer the base"
    )


def _rotation_vector(matrix: Array) -> Array:
    quaternion = rotations.from_matrix(matrix)
    length = float(np.linalg.norm(quaternion[:3]))
    return quaternion[:3] * (rotations.angle(quaternion) / length if length > 1e-12 else 2.0)
