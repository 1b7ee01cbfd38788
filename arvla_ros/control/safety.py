"""The safety filter: what a requested motion becomes before it may reach the arm."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from arvla_ros.control.braking import braking_path, stopping_speed
from arvla_ros.control.workspace import Workspace

Pose = npt.NDArray[np.float64]

# rad/s: a step that differs from the wanted one by less counts as the wanted one.
_ROUNDING = 1e-6
# rad beyond its limits that a measured joint may be: the encoder's steps, and an arm pushed into its end stop.
LIMIT_SLACK = 0.05
# Shares of the way from braking to the wanted step that are tried, the longest first, where the workspace ends.
_SHARES = (0.75, 0.5, 0.25, 0.125)


@dataclass(frozen=True)
class JointLimits:
    """Limits of one arm: joints in rad and rad/s, gripper opening in m between the fingers."""

    names: tuple[str, ...]
    lower: Pose
    upper: Pose
    velocity: Pose
    gripper_lower: float
    gripper_upper: float


def outside_limits(joints: Pose, limits: JointLimits) -> str:
    """Return which measured joint ``[n]`` (rad) is outside its limits, with the remedy, or an empty string."""
    outside = (joints < limits.lower - LIMIT_SLACK) | (joints > limits.upper + LIMIT_SLACK)
    for index in np.flatnonzero(outside):
        return (
            f"{limits.names[index]} is measured at {joints[index]:.2f} rad, outside its limits "
            f"{limits.lower[index]:.2f} to {limits.upper[index]:.2f}: bring it inside by hand"
        )
    return ""


@dataclass(frozen=True)
class SafePose:
    """A pose inside the position limits, and what was changed to make it so."""

    joints: Pose
    gripper: float
    limited: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class SafeStep:
    """A step that may be sent: joints in rad, the velocity in rad/s that leads there, and what was limited."""

    joints: Pose
    velocity: Pose
    limited: list[str] = field(default_factory=list)


class SafetyFilter:
    """Clips targets to position limits, and each step to velocity, acceleration and workspace.

    A step depends on what was *sent* before, never on what was asked: a jump is walked, however large. Every step that
    it returns is one from which the arm can still come to rest inside all limits, braking at ``acceleration``; where
    the wanted step is not, it brakes.

    Attributes:
        limits: Of the arm.
        acceleration: In rad/s²; infinite for an ideal arm.
        workspace: Box that no point of the arm may leave; None: everywhere.
        max_joint_velocity: Caps every joint below its own limit, rad/s.
        speed_scale: Share of all speed limits that is allowed.
    """

    def __init__(
        self,
        limits: JointLimits,
        max_joint_velocity: float = np.pi,
        speed_scale: float = 1.0,
        acceleration: float = np.inf,
        workspace: Workspace | None = None,
        period_s: float = 0.02,
    ) -> None:
        """Create a filter for steps that come every ``period_s`` or sooner; see the attributes."""
        self.limits = limits
        self.max_joint_velocity = max_joint_velocity
        self.speed_scale = speed_scale
        self.acceleration = acceleration
        self.workspace = workspace
        self._period_s = period_s

    def limit_target(self, joints: Pose, gripper: float) -> SafePose:
        """Return the nearest pose inside the position limits.

        Raises:
            ValueError: the request is not finite or has the wrong length; nothing may be sent for it.
        """
        if joints.shape != self.limits.lower.shape:
            raise ValueError(f"command has {joints.size} joints, the arm has {self.limits.lower.size}")
        if not np.isfinite(joints).all() or not np.isfinite(gripper):
            raise ValueError("command is not finite")
        inside = np.clip(joints, self.limits.lower, self.limits.upper)
        opening = min(max(gripper, self.limits.gripper_lower), self.limits.gripper_upper)
        limited = self._named("position", inside != joints)
        if opening != gripper:
            limited.append("gripper")
        return SafePose(inside, opening, limited)

    def step(self, sent: Pose, velocity: Pose, wanted: Pose, dt: float) -> SafeStep:
        """Return the step to send ``dt`` seconds after ``sent``, which was reached at ``velocity``.

        Args:
            sent: Joints sent last, rad.
            velocity: Of the step that led there, rad/s.
            wanted: Velocity asked for, rad/s.
            dt: Length of the step in s.
        """
        cap = np.minimum(self.limits.velocity, self.max_joint_velocity) * self.speed_scale
        excess = float((np.abs(wanted) / cap).max())
        # All joints are slowed down alike, so that the arm stays on its way.
        capped = wanted if excess <= 1.0 else wanted / excess
        chosen = self._within_acceleration(sent, velocity, capped, dt)
        limited = self._named("step", np.abs(chosen - wanted) > _ROUNDING)
        joints = self._moved(sent, chosen, dt)
        if self.workspace is not None and not self._can_stop_inside(self.workspace, sent, joints, chosen):
            joints = self._shortened(self.workspace, sent, velocity, chosen, dt)
            limited.append("workspace")
        return SafeStep(joints, (joints - sent) / dt, limited)

    def _within_acceleration(self, sent: Pose, velocity: Pose, wanted: Pose, dt: float) -> Pose:
        change = self.acceleration * dt
        chosen = np.minimum(np.maximum(wanted, velocity - change), velocity + change)
        fastest_down = stopping_speed(sent - self.limits.lower, self.acceleration, dt)
        fastest_up = stopping_speed(self.limits.upper - sent, self.acceleration, dt)
        return np.minimum(np.maximum(chosen, -fastest_down), fastest_up)

    def _moved(self, sent: Pose, velocity: Pose, dt: float) -> Pose:
        return np.minimum(np.maximum(sent + velocity * dt, self.limits.lower), self.limits.upper)

    def _can_stop_inside(self, workspace: Workspace, sent: Pose, joints: Pose, velocity: Pose) -> bool:
        return workspace.allows(sent, braking_path(joints, velocity, self.acceleration, self._period_s))

    def _shortened(self, workspace: Workspace, sent: Pose, velocity: Pose, wanted: Pose, dt: float) -> Pose:
        """Return the longest step between ``wanted`` and braking after which the arm can stop in the workspace."""
        brake = self._within_acceleration(sent, velocity, np.zeros_like(velocity), dt)
        for share in _SHARES:
            shorter = brake + share * (wanted - brake)
            joints = self._moved(sent, shorter, dt)
            if self._can_stop_inside(workspace, sent, joints, shorter):
                return joints
        return self._moved(sent, brake, dt)

    def _named(self, kind: str, changed: npt.NDArray[np.bool_]) -> list[str]:
        return [f"{kind}:{self.limits.names[index]}" for index in np.flatnonzero(changed)]
