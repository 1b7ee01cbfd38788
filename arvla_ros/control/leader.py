"""A leader arm and the arm that follows it: slowly to its pose first, then joint by joint at its rate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from arvla_ros.control.safety import Pose

# rad: less is not a person who moves the leader.
_STIR = 0.02


@dataclass
class LeaderLimits:
    """How a follower comes to its leader, and what a leader's gripper means."""

    align_speed: float = 0.3
    """rad/s of the fastest joint on the way to the leader's pose"""
    align_tolerance: float = 0.05
    """rad: nearer than this, it mirrors"""
    jump_rad: float = 0.5
    """a leader that is this far from one reading to the next is approached anew"""
    leader_gripper_closed: float = 0.030
    """m between the leader's fingers that means closed"""
    leader_gripper_open: float = 0.074


class Follower:
    """The target of an arm that follows a leader.

    Attributes:
        mirroring: it has come to the leader's pose and repeats it.
        difference: rad, leader - target of each joint, at the last ``advance``.
    """

    def __init__(self, limits: LeaderLimits, opening_lower: float, opening_upper: float) -> None:
        """Create a follower that has hold of nothing; openings of the follower in m between the fingers."""
        self.mirroring = False
        self.difference: Pose = np.zeros(0)
        self._limits = limits
        self._opening_lower, self._opening_upper = opening_lower, opening_upper
        self._target: Pose | None = None
        self._opening = float("nan")

    @property
    def taken(self) -> bool:
        """Whether it has begun anywhere."""
        return self._target is not None

    def take(self, joints: Pose, opening: float) -> None:
        """Begin at measured joints ``[n]`` (rad) and at what the gripper was last told (m)."""
        self._target, self._opening, self.mirroring = joints, opening, False

    def release(self) -> None:
        """Let go: the next ``take`` begins anew, with the slow way to the leader."""
        self._target, self.mirroring = None, False

    def advance(self, leader: Pose, leader_opening: float, dt: float) -> tuple[Pose, float]:
        """Return joints ``[n]`` (rad) and opening (m) to go to, ``dt`` seconds after the last.

        Args:
            leader: ``[n]`` measured joints of the leader, rad.
            leader_opening: between the leader's fingers, m; the gripper follows only while mirroring.
            dt: s.

        Raises:
            ValueError: nothing has been taken yet.
        """
        if self._target is None:
            raise ValueError("advance() before take(): the follower has no pose to begin at")
        self.difference = leader - self._target
        farthest = float(np.abs(self.difference).max())
        self.mirroring = farthest <= (self._limits.jump_rad if self.mirroring else self._limits.align_tolerance)
        if self.mirroring:
            self._target, self._opening = leader, self._mapped(leader_opening)
        else:
            self._target = self._target + self.difference * min(1.0, self._limits.align_speed * dt / farthest)
        return self._target, self._opening

    def _mapped(self, leader_opening: float) -> float:
        closed, opened = self._limits.leader_gripper_closed, self._limits.leader_gripper_open
        fraction = min(max((leader_opening - closed) / (opened - closed), 0.0), 1.0)
        return self._opening_lower + fraction * (self._opening_upper - self._opening_lower)


class Stir:
    """Notices that a leader is moved, which keeps up a deadman that was taken by key."""

    def __init__(self) -> None:
        """Begin without a pose."""
        self._since: Pose | None = None

    def moved(self, joints: Pose) -> bool:
        """Return whether joints ``[n]`` (rad) have moved since the last time that they had."""
        if self._since is not None and np.abs(joints - self._since).max() <= _STIR:
            return False
        self._since = joints
        return True
