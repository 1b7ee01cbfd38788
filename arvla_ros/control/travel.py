"""The guard's own way to a goal: straight, slow, gentle at both ends."""

from __future__ import annotations

import numpy as np

from arvla_ros.control.braking import approach
from arvla_ros.control.safety import Pose

# rad/s and rad/s² of the fastest joint on the way home, to sleep, or back to where a blocked arm is.
SPEED = 0.8
ACCELERATION = 2.0
# rad: closer than this to the goal counts as there.
GOAL_TOLERANCE = 1e-4
# s: a way to the goal that makes no headway for this long is blocked.
PATIENCE_S = 2.0


def travel(way: Pose, velocity: Pose, speed_scale: float, acceleration: float, period_s: float, dt: float) -> Pose:
    """Return the velocity ``[n]`` in rad/s for the next step along ``way``.

    Args:
        way: ``[n]`` from the last sent joints to the goal, rad.
        velocity: ``[n]`` of the last step, rad/s.
        speed_scale: Share of the travelling speed that is allowed.
        acceleration: Of the arm, rad/s²; travelling takes less.
        period_s: Of the cycles.
        dt: Length of the next step in s.
    """
    gentle = min(ACCELERATION, acceleration)
    wanted = approach(way, 0.0, gentle, period_s)
    fastest = min(SPEED * speed_scale, float(np.abs(velocity).max()) + gentle * dt)
    return wanted * min(1.0, fastest / max(float(np.abs(wanted).max()), 1e-12))


def has_arrived(way: Pose) -> bool:
    """Return whether the goal is reached, ``way`` rad from it."""
    return bool(np.abs(way).max() < GOAL_TOLERANCE)
