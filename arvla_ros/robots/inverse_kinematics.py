"""In closed form: the joints nearest to the ones at hand that bring the hand of a ``wx250s`` to a pose.

The last three axes meet in the wrist centre, so that position and rotation part (Pieper 1968): the wrist centre tells
waist, shoulder and elbow, and what rotation is left tells the wrist. Two ways to face, two to bend the elbow and two to
turn the wrist make up to eight solutions.

Near a singularity (wrist stretched, wrist centre above the waist, arm stretched) a small move of the hand may need a
large one of the joints. Such a pose is refused: what is returned reaches the pose exactly, and never lies farther from
``near`` than ``allowed_joint_step`` of the way from the hand's pose there. Which of the directions that a singularity
leaves open is meant only a person or a policy can tell, by bending the wrist first.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from arvla_ros.robots import rotations, wx250s
from arvla_ros.robots.action_space import Array, ArrayLike

SMALL_JOINT_STEP = 0.2
"""What the farthest joint may turn for the smallest move of the hand, rad: at 50 Hz the guard spreads it over 4 cycles.

Towards the stretched arm the elbow turns with the square root of the way, which needs this much.
"""
JOINT_STEP_PER_METRE, JOINT_STEP_PER_RADIAN = 20.0, 5.0
"""What it may turn in addition, in rad for each m and each rad that the hand moves.

A wrist bent by 0.2 rad or more, 5 cm or more from the waist's axis, needs less.
"""

_LOWER, _UPPER = tuple(wx250s.ARM_LOWER.tolist()), tuple(wx250s.ARM_UPPER.tolist())
# Nearer to a singular point than this, m or the sine of an angle, rounding tells the direction; ``near`` does instead.
_SINGULAR = 1e-9
# A joint beyond its limit by less than this, rad, is at its limit: rounding, not a turn.
_ROUNDING = 1e-9

_Joints = tuple[float, float, float, float, float, float]
_Row = tuple[float, float, float]


class UnreachableError(ValueError):
    """No joints within the limits, near the present ones, bring the hand to a pose; the message says why."""


def solve(position: ArrayLike, rotation: ArrayLike, near: ArrayLike) -> Array:
    """Return the arm joints ``[6]`` in rad, nearest to ``near``, that put ``ee_gripper_link`` at a pose.

    Args:
        position: ``[3]`` in m, in ``base_link``.
        rotation: ``[4]`` unit quaternion (x, y, z, w), in ``base_link``.
        near: ``[6]`` present joints in rad.

    Raises:
        UnreachableError: the pose is not finite, out of reach, beyond a joint limit, or, beside a singularity, too far
            a turn from ``near`` for so small a move of the hand.
    """
    goal = _goal(position, rotation)
    start = [float(joint) for joint in near]
    found = list(_solutions(goal, start))
    if not found:
        raise UnreachableError(f"pose at {_shown(goal)} m is out of reach: the arm is too short, or cannot fold so far")
    inside = [joints for joints in found if _within_limits(joints)]
    if not inside:
        raise UnreachableError(f"pose at {_shown(goal)} m is out of reach: {_limits_passed(_nearest(found, start))}")
    joints: Array = np.clip(_nearest(inside, start), wx250s.ARM_LOWER, wx250s.ARM_UPPER)
    turn = np.abs(joints - start)
    allowed = allowed_joint_step(wx250s.forward_kinematics(np.array(start)), goal)
    if turn.max() > allowed:
        raise UnreachableError(
            f"pose at {_shown(goal)} m is out of reach from here: so small a move would turn "
            f"{wx250s.ARM_JOINTS[turn.argmax()]} by {turn.max():.2f} rad, more than {allowed:.2f}, close to a "
            "singularity or another way to bend the arm; go around it, or bend the wrist first"
        )
    return joints


def allowed_joint_step(pose: Array, goal: Array) -> float:
    """Return how far, in rad, a joint may turn to bring the hand from one pose ``[4, 4]`` to another."""
    cosine = (float(np.vdot(pose[:3, :3], goal[:3, :3])) - 1.0) / 2.0
    turned = math.acos(min(max(cosine, -1.0), 1.0))
    moved = math.dist(pose[:3, 3], goal[:3, 3])
    return SMALL_JOINT_STEP + JOINT_STEP_PER_METRE * moved + JOINT_STEP_PER_RADIAN * turned


def _goal(position: ArrayLike, rotation: ArrayLike) -> Array:
    """Return a pose ``[4, 4]``."""
    goal = np.eye(4)
    goal[:3, 3] = position
    try:
        goal[:3, :3] = rotations.to_matrix(rotations.unit(rotation))
    except rotations.RotationError as error:
        raise UnreachableError(f"pose at {_shown(goal)} m has no rotation: {error}") from error
    if not np.isfinite(goal).all():
        raise UnreachableError(f"pose at {_shown(goal)} m is not finite")
    return goal


def _solutions(goal: Array, near: list[float]) -> Iterator[_Joints]:
    """Yield all joints that reach a pose, whatever their limits; ``near`` chooses where infinitely many do."""
    rows: tuple[_Row, _Row, _Row] = tuple(goal[:3, :3].tolist())
    x, y, z = (goal[:3, 3] - wx250s.HAND * goal[:3, 0]).tolist()
    forward = math.hypot(x, y)
    facing = near[0] if forward < _SINGULAR else math.atan2(y, x)
    for waist, ahead in ((facing, forward), (wx250s.wrap(facing + math.pi), -forward)):
        for shoulder, elbow in wx250s.bend(ahead, z - wx250s.SHOULDER_HEIGHT):
            for roll, wrist, rotate in _wrist(_in_forearm(rows, waist, shoulder + elbow), near):
                yield (waist, shoulder, elbow, roll, wrist, rotate)


def _in_forearm(rows: tuple[_Row, _Row, _Row], waist: float, pitch: float) -> tuple[_Row, _Row, _Row]:
    """Return the rows of the hand's rotation as seen from the forearm: ``Ry(-pitch) Rz(-waist) R``."""
    c1, s1, cp, sp = math.cos(waist), math.sin(waist), math.cos(pitch), math.sin(pitch)
    (a0, a1, a2), (b0, b1, b2), (z0, z1, z2) = rows
    x0, x1, x2 = c1 * a0 + s1 * b0, c1 * a1 + s1 * b1, c1 * a2 + s1 * b2
    return (
        (cp * x0 - sp * z0, cp * x1 - sp * z1, cp * x2 - sp * z2),
        (c1 * b0 - s1 * a0, c1 * b1 - s1 * a1, c1 * b2 - s1 * a2),
        (sp * x0 + cp * z0, sp * x1 + cp * z1, sp * x2 + cp * z2),
    )


def _wrist(rows: tuple[_Row, _Row, _Row], near: list[float]) -> Iterator[_Row]:
    """Yield forearm_roll, wrist_angle, wrist_rotate that make a rotation: ``Rx Ry Rx``.

    The roll comes first and the others from what it leaves, so that its rounding near the singularity cancels.
    """
    (x0, _, _), (y0, y1, y2), (z0, z1, z2) = rows
    if math.hypot(y0, z0) < _SINGULAR:
        # Only the sum of both rolls is told: they share the change, halves that end within their limits.
        change = wx250s.wrap(math.atan2(z1, y1) - near[3] - near[5])
        rolls = [near[3] + change / 2]
    else:
        first = math.atan2(y0, -z0)
        rolls = [first, wx250s.wrap(first + math.pi)]
    for roll in rolls:
        c4, s4 = math.cos(roll), math.sin(roll)
        wrist = math.atan2(s4 * y0 - c4 * z0, x0)
        rotate = math.atan2(-(c4 * y2 + s4 * z2), c4 * y1 + s4 * z1)
        yield (wx250s.wrap(roll), wrist, rotate)


def _nearest(solutions: list[_Joints], near: list[float]) -> _Joints:
    return min(solutions, key=lambda joints: max(abs(a - b) for a, b in zip(joints, near, strict=True)))


def _within_limits(joints: _Joints) -> bool:
    ranges = zip(joints, _LOWER, _UPPER, strict=True)
    return all(lower - _ROUNDING <= joint <= upper + _ROUNDING for joint, lower, upper in ranges)


def _limits_passed(joints: _Joints) -> str:
    """Name the joints that are beyond their limits."""
    return "beyond the limits of the nearest solution: " + ", ".join(
        f"{name} {joint:.3f} rad is not in {lower:.3f} to {upper:.3f}"
        for name, joint, lower, upper in zip(wx250s.ARM_JOINTS, joints, _LOWER, _UPPER, strict=True)
        if not lower <= joint <= upper
    )


def _shown(goal: Array) -> str:
    return "(" + ", ".join(f"{value:.3f}" for value in goal[:3, 3]) + ")"
