"""The safety filter: what a requested pose becomes before it may reach the arm."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

Pose = npt.NDArray[np.float64]


@dataclass(frozen=True)
class JointLimits:
    """Limits of one arm: joints in rad and rad/s, gripper opening in m between the fingers."""

    names: tuple[str, ...]
    lower: Pose
    upper: Pose
    velocity: Pose
    gripper_lower: float
    gripper_upper: float


@dataclass(frozen=True)
class SafePose:
    """A pose that may be sent, and what was changed to make it so."""

    joints: Pose
    gripper: float
    limited: list[str] = field(default_factory=list)


class SafetyFilter:
    """Clips a requested pose to position limits and to the step that the speed limits allow from the last sent one.

    The result depends on what was *sent* before, never on what was asked: a jump is walked, however large.
    """

    def __init__(self, limits: JointLimits, max_joint_velocity: float = np.pi, speed_scale: float = 1.0) -> None:
        """Create a filter; ``max_joint_velocity`` (rad/s) caps every joint below its own limit."""
        self.limits = limits
        self.max_joint_velocity = max_joint_velocity
        self.speed_scale = speed_scale

    def apply(self, requested: Pose, gripper: float, last_sent: Pose, dt: float) -> SafePose:
        """Return the pose to send ``dt`` seconds after ``last_sent``.

        Raises:
            ValueError: the request is not finite or has the wrong length; nothing may be sent for it.
        """
        if requested.shape != self.limits.lower.shape:
            raise ValueError(f"command has {requested.size} joints, the arm has {self.limits.lower.size}")
        if not np.isfinite(requested).all() or not np.isfinite(gripper):
            raise ValueError("command is not finite")
        inside = np.clip(requested, self.limits.lower, self.limits.upper)
        longest = np.minimum(self.limits.velocity, self.max_joint_velocity) * self.speed_scale * dt
        sent = np.clip(inside, last_sent - longest, last_sent + longest)
        opening = min(max(gripper, self.limits.gripper_lower), self.limits.gripper_upper)
        limited = self._named("position", inside != requested) + self._named("step", sent != inside)
        if opening != gripper:
            limited.append("gripper")
        return SafePose(sent, opening, limited)

    def _named(self, kind: str, changed: npt.NDArray[np.bool_]) -> list[str]:
        return [f"{kind}:{self.limits.names[index]}" for index in np.flatnonzero(changed)]
