"""What the guard is doing, and what one of its cycles sent."""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass, field

from arvla_ros.control.safety import Pose


class Mode(enum.IntEnum):
    """What the guard is doing; the values are those of GuardState.msg."""

    DISARMED = 0
    ACTIVE = 1
    HOLD = 2
    HOMING = 3
    ESTOP = 4


@dataclass
class Timeouts:
    """Ages in seconds beyond which the arm holds."""

    command_timeout_s: float = 0.5
    state_timeout_s: float = 0.5


@dataclass(frozen=True)
class Goal:
    """Where the guard itself takes the arm: joints in rad, opening in m (not finite: as it is), and its name."""

    name: str
    joints: Pose
    gripper: float = math.nan


@dataclass(frozen=True)
class Cycle:
    """What one cycle of the guard sent, and what had been asked for. ``sent`` is None when nothing may be sent."""

    mode: Mode
    reason: str
    source: str
    requested: Pose | None
    requested_gripper: float
    sent: Pose | None
    sent_gripper: float
    limited: list[str] = field(default_factory=list)
