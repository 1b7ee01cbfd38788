"""From metres between the fingers to what the Interbotix driver wants for its gripper, by operating mode.

Only the guard's driver side knows of these: policy, recorder and guard count in metres.
Sources: ``interbotix_ros_toolboxes`` (``gripper.py``: working range of the PWM) and its issue 37 (dead zone).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Protocol

from arvla_ros.robots import wx250s

# Raw PWM (885 = 100 %): below the working range it does not move reliably, below 50 not at all.
PWM_LEAST, PWM_MOST = 150.0, 350.0
# Raw PWM per m: full strength from 10 mm on.
PWM_PER_METRE = 20_000.0
# m: an opening this near counts as reached, and a target that moves by less is the same one.
TOLERANCE = 0.001
# m and s: fingers that move less than this in that time are stalled.
STALL_WAY, STALL_S = 0.0005, 0.3


class GripperDrive(Protocol):
    """Turns a target into the command of one operating mode."""

    def command(self, opening: float, measured: float, now: float) -> float:
        """Return the ``cmd`` of a ``JointSingleCommand``.

        Args:
            opening: Wanted between the fingers, m.
            measured: Measured between the fingers, m.
            now: s on a steady clock.
        """


class LinearPosition:
    """Mode ``linear_position``: the command is the opening itself, m."""

    def command(self, opening: float, measured: float, now: float) -> float:
        """Return the opening in m."""
        return opening


class Position:
    """Mode ``position``: the command is the servo's angle, rad."""

    def command(self, opening: float, measured: float, now: float) -> float:
        """Return the servo's angle in rad."""
        return wx250s.servo_from_opening(opening)


class Pwm:
    """Mode ``pwm``: the command is a strength, positive opens, and lasts until the next one; the driver never stops it.

    So it is closed here, around the measured opening: weaker as the target comes near, 0 once it is reached. Fingers
    that are stalled while they open get 0. Fingers that are stalled while they close have something between them, and
    go on holding it with the least strength of the working range.
    """

    def __init__(self) -> None:
        """Begin without a target."""
        self._target = math.nan
        self._stalled = False
        self._seen = math.nan
        self._seen_at = 0.0

    def command(self, opening: float, measured: float, now: float) -> float:
        """Return raw PWM, 0 or 150 to 350 of either sign."""
        if not math.isfinite(measured):
            return 0.0
        if not abs(opening - self._target) <= TOLERANCE:
            self._target, self._stalled = opening, False
            self._seen, self._seen_at = measured, now
        way = self._target - measured
        if abs(way) <= TOLERANCE:
            self._seen, self._seen_at = measured, now
            return 0.0
        self._notice_stall(measured, now)
        if self._stalled:
            return 0.0 if way > 0 else -PWM_LEAST
        return math.copysign(min(PWM_LEAST + PWM_PER_METRE * abs(way), PWM_MOST), way)

    def _notice_stall(self, measured: float, now: float) -> None:
        if abs(measured - self._seen) > STALL_WAY:
            self._seen, self._seen_at, self._stalled = measured, now, False
        elif now - self._seen_at > STALL_S:
            self._stalled = True


DRIVES: dict[str, Callable[[], GripperDrive]] = {"linear_position": LinearPosition, "position": Position, "pwm": Pwm}
"""Operating modes that the guard can drive the gripper in."""
