"""Coming to rest in time: how fast a joint may be so near a limit, and the way it takes while it brakes."""

from __future__ import annotations

import math
from typing import TypeVar

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Distance = TypeVar("Distance", float, Array)


def stopping_speed(distance: Distance, acceleration: float, dt: float) -> Distance:
    """Return the highest speed (rad/s) of the next step after which a joint can still stop within ``distance``.

    A step at speed v, then braking at a, takes at most v dt + v²/(2a); that solved for v. Where this has held for one
    step it holds for the next one with v - a dt, whatever the lengths of the steps: braking never has to be harder.

    Args:
        distance: Way left in rad; below 0 counts as 0.
        acceleration: In rad/s²; infinite: the whole distance in one step.
        dt: Length of the next step in s.
    """
    left = np.maximum(distance, 0.0)
    if math.isinf(acceleration):
        speed = left / dt
    else:
        change = acceleration * dt
        speed = np.sqrt(change * change + 2.0 * acceleration * left) - change
    return speed  # type: ignore[no-any-return]


def braking_path(joints: Array, velocity: Array, acceleration: float, dt: float) -> Array:
    """Return the poses ``[k, n]`` in rad from ``joints`` to rest, one a cycle of ``dt``, each joint braking for itself.

    Args:
        joints: ``[n]`` where braking begins, in rad: the first of the poses.
        velocity: ``[n]`` of the step that led there, rad/s.
        acceleration: In rad/s²; infinite: it rests at once.
        dt: Length of a cycle in s.
    """
    speed = np.abs(velocity)
    if math.isinf(acceleration):
        return joints[None]
    change = acceleration * dt
    cycles = np.arange(math.ceil(float(speed.max()) / change) + 1)[:, None]
    moving = np.minimum(cycles, np.floor(speed / change))
    way = dt * moving * (speed - 0.5 * change * (moving + 1.0))
    return np.asarray(joints + np.copysign(way, velocity))


def approach(way: Array, left: float, acceleration: float, dt: float) -> Array:
    """Return the velocity ``[n]`` in rad/s at which to go on along ``way``, straight, to rest at its end.

    It is the speed v that covers the way in the time left, one cycle, and half the time that braking from v takes: a
    target that moves evenly is followed evenly, later by that much. The lag is what lets the arm rest where it was told
    to, rather than beyond, if no further target comes.

    Args:
        way: ``[n]`` from the last sent joints to the target, rad.
        left: Time in s until the target should be reached.
        acceleration: With which to come to rest, rad/s²; infinite: at once.
        dt: Length of a cycle in s.
    """
    distance = float(np.abs(way).max())
    if distance == 0.0:
        return np.zeros_like(way)
    return way * (float(stopping_speed(distance, acceleration, left + dt)) / distance)
