"""Teleoperation by hand: what an operator may ask for, and the moving target that a twist becomes."""

from __future__ import annotations

import enum
from dataclasses import dataclass

import numpy as np

from arvla_ros.robots import rotations
from arvla_ros.robots.action_space import Array, EndEffectorTarget

MOTIONS = ("x", "y", "z", "roll", "pitch", "yaw", "gripper")
"""What a motion ``[7]`` holds, each from -1 to 1: along and about the axes of a frame, then opening the gripper."""


class Act(enum.Enum):
    """What an operator asks for at the press of a key or button."""

    ESTOP = "e-stop, at once"
    RELEASE_ESTOP = "release the e-stop"
    ENABLE = "arm the guard"
    DISABLE = "disarm the guard"
    HOME = "go home"
    SLEEP = "go to the sleep pose"
    DEADMAN = "take or let go (deadman)"
    FRAME = "base or tool axes"
    FASTER = "faster"
    SLOWER = "slower"
    HELP = "help"
    QUIT = "quit"


@dataclass
class TeleopLimits:
    """How fast the target moves, and how far it may be ahead of the measured hand."""

    linear_speed: float = 0.10
    """m/s"""
    angular_speed: float = 0.6
    """rad/s"""
    gripper_speed: float = 0.05
    """m/s between the fingers"""
    max_lead_m: float = 0.05
    max_lead_rad: float = 0.3


class HandServo:
    """A target pose that is moved by twists, begins where the hand is, and never runs away from it.

    The lead is bounded because a target that runs on while the arm is blocked, slow or out of reach is a jump saved up
    for later. Poses are of ``ee_gripper_link`` in ``base_link``.

    Attributes:
        tool_frame: twists are along and about the axes of the hand instead of the base.
    """

    def __init__(self, limits: TeleopLimits, opening_lower: float, opening_upper: float) -> None:
        """Create a servo that has hold of nothing; openings in m between the fingers."""
        self.tool_frame = False
        self._limits = limits
        self._opening_lower, self._opening_upper = opening_lower, opening_upper
        self._target: EndEffectorTarget | None = None

    @property
    def target(self) -> EndEffectorTarget | None:
        """Where the hand shall go; None: the servo has hold of nothing."""
        return self._target

    def take(self, measured: EndEffectorTarget) -> None:
        """Begin at a measured pose; ``measured.opening`` is what the gripper was last told, so that a grasp holds."""
        self._target = measured

    def release(self) -> None:
        """Let go: the next ``take`` begins anew."""
        self._target = None

    def advance(self, motion: Array, measured: EndEffectorTarget, dt: float) -> EndEffectorTarget:
        """Move the target for ``dt`` seconds and return it.

        Args:
            motion: ``[7]`` as in ``MOTIONS``; a direction longer than 1 counts as 1, so a diagonal is not faster.
            measured: the hand now; its opening is not looked at.
            dt: s.

        Raises:
            ValueError: nothing has been taken yet.
        """
        if self._target is None:
            raise ValueError("advance() before take(): the target has no pose to begin at")
        shift = _at_most(motion[:3], 1.0) * self._limits.linear_speed * dt
        turn = _turn(_at_most(motion[3:6], 1.0) * self._limits.angular_speed * dt)
        before = self._target.rotation
        if self.tool_frame:
            shift, rotation = rotations.rotate(before, shift), rotations.multiply(before, turn)
        else:
            rotation = rotations.multiply(turn, before)
        opening = self._target.opening + float(np.clip(motion[6], -1.0, 1.0)) * self._limits.gripper_speed * dt
        lead = _at_most(self._target.position + shift - measured.position, self._limits.max_lead_m)
        self._target = EndEffectorTarget(
            position=measured.position + lead,
            rotation=rotations.unit(self._within_lead(rotation, measured.rotation), before),
            opening=min(max(opening, self._opening_lower), self._opening_upper),
        )
        return self._target

    def _within_lead(self, rotation: Array, measured: Array) -> Array:
        ahead = rotations.unit(rotations.multiply(rotation, rotations.inverse(measured)))
        angle = rotations.angle(ahead)
        if angle <= self._limits.max_lead_rad:
            return rotation
        axis = ahead[:3] / np.linalg.norm(ahead[:3])
        return rotations.multiply(rotations.from_axis_angle(axis, self._limits.max_lead_rad), measured)


def _at_most(vector: Array, length: float) -> Array:
    """Return a vector, shortened to ``length`` if it is longer."""
    return vector * min(1.0, length / max(float(np.linalg.norm(vector)), 1e-12))


def _turn(rotation_vector: Array) -> Array:
    angle = float(np.linalg.norm(rotation_vector))
    return rotations.from_axis_angle(rotation_vector / max(angle, 1e-12), angle)
