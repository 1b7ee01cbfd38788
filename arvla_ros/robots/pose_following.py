"""From a stream of hand poses to joints that move as smoothly as the hand does."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from arvla_ros.robots import inverse_kinematics, rotations
from arvla_ros.robots.inverse_kinematics import UnreachableError

Array = npt.NDArray[np.float64]

# Near a singularity a small motion of the hand asks for a large one of the joints: m and rad, against rad.
SMALL_SHIFT, SMALL_TURN = 0.03, 0.3
LARGE_MOTION = 1.0


class PoseFollowing:
    """Solves each pose near the joints at hand, and refuses those that only a leap of the joints could reach."""

    def __init__(self) -> None:
        """Begin without a last pose."""
        self._last: tuple[Array, Array, Array] | None = None

    def solve(self, position: Array, quaternion: Array, near: Array) -> Array:
        """Return the arm joints ``[6]`` in rad for a pose of ``ee_gripper_link`` in ``base_link``.

        Args:
            position: ``[3]`` m.
            quaternion: ``[4]`` x, y, z, w, of any length but 0.
            near: ``[6]`` joints at hand, rad.

        Raises:
            UnreachableError: no joints reach it, or none that are near those of the pose before.
            RotationError: the quaternion is zero or not finite.
        """
        turned = rotations.unit(quaternion)
        joints = inverse_kinematics.solve(position, turned, near)
        if self._last is not None:
            self._check_leap(position, turned, joints, *self._last)
        self._last = position, turned, joints
        return joints

    def _check_leap(
        self, position: Array, turned: Array, joints: Array, last_position: Array, last_turned: Array, last: Array
    ) -> None:
        shift = float(np.linalg.norm(position - last_position))
        turn = 2.0 * float(np.arccos(min(abs(float(turned @ last_turned)), 1.0)))
        motion = float(np.abs(joints - last).max())
        if shift < SMALL_SHIFT and turn < SMALL_TURN and motion > LARGE_MOTION:
            raise UnreachableError(
                f"the hand is near a singularity: {1000 * shift:.0f} mm and {turn:.2f} rad of it ask for {motion:.2f} "
                "rad of a joint; lead it around"
            )
