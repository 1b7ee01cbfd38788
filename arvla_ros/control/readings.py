"""The newest joint states of an arm, and whether they can be believed."""

from __future__ import annotations

import numpy as np

from arvla_ros.control.safety import Pose


def fault_of(joints: Pose, opening: float) -> str:
    """Return why a reading cannot be believed, or an empty string.

    Args:
        joints: ``[n]`` in rad.
        opening: between the fingers, m.
    """
    if not np.isfinite(joints).all() or not np.isfinite(opening):
        return "joint states are not finite"
    if np.all(np.abs(joints + np.pi) < 1e-3):
        # The Interbotix driver publishes -pi for every joint, with a fresh stamp, where it could not read the bus.
        return "joint states read -pi for all joints: failed bus read"
    return ""


class ArmReading:
    """Where an arm was last seen.

    Attributes:
        joints: ``[n]`` in rad; empty until there was a reading that can be believed.
        opening: between the fingers, m.
    """

    def __init__(self, topic: str, timeout_s: float = 0.5) -> None:
        """Create a reading of ``topic`` that is stale after ``timeout_s`` without news."""
        self.joints: Pose = np.zeros(0)
        self.opening = float("nan")
        self._topic = topic
        self._timeout_s = timeout_s
        self._heard_at: float | None = None
        self._problem = ""

    def take_in(self, joints: Pose, opening: float, now: float) -> None:
        """Take in joints (rad) and opening (m); what cannot be believed is remembered as a fault."""
        self._heard_at = now
        self._problem = fault_of(joints, opening)
        if not self._problem:
            self.joints, self.opening = joints, opening

    def refuse(self, reason: str, now: float) -> None:
        """Note that joint states came that are of no use."""
        self._heard_at, self._problem = now, reason

    def fault(self, now: float) -> str:
        """Return why the arm's pose is not known now, or an empty string."""
        if self._heard_at is None:
            return f"no {self._topic} yet: is the driver running?"
        if now - self._heard_at > self._timeout_s:
            return f"no {self._topic} for more than {self._timeout_s:g} s: is the driver running?"
        return f"{self._topic}: {self._problem}" if self._problem else ""
