"""The WidowX 250 6-DOF (``wx250s``): names, limits, poses and kinematics as Interbotix publishes them.

Frames: ``base_link`` has x forward, y left, z up; ``ee_gripper_link`` has x along the fingers. Units are m and rad.
Sources: the ``wx250s`` URDF and servo configuration of ``interbotix_ros_manipulators``, and the screw axes of
``interbotix_ros_toolboxes``, which the tests hold the kinematics against.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from arvla_ros.control.safety import JointLimits

Array = npt.NDArray[np.float64]
ArrayLike = npt.NDArray[np.floating[Any]]

ARM_JOINTS = ("waist", "shoulder", "elbow", "forearm_roll", "wrist_angle", "wrist_rotate")
GRIPPER_JOINT = "gripper"
FINGER_JOINTS = ("left_finger", "right_finger")
JOINT_STATE_NAMES = (*ARM_JOINTS, GRIPPER_JOINT, *FINGER_JOINTS)
"""Entries of the driver's ``joint_states``, in its order."""

# The driver rounds a full turn inwards, so that the servo never meets its own end stop.
_TURN = np.pi - 1e-5
ARM_LOWER: Array = np.array([-_TURN, -1.88496, -2.14675, -_TURN, -1.74533, -_TURN])
ARM_UPPER: Array = np.array([_TURN, 1.98968, 1.60570, _TURN, 2.14675, _TURN])
ARM_VELOCITY = np.pi
"""Velocity limit of every arm joint, rad/s."""
ARM_ACCELERATION = 10.0
"""What every arm joint is asked for at the most, rad/s².

The driver's own profile for MoveIt (131/25) accelerates at 9.4. Shoulder and elbow are two XM430-W350 each, 8.2 N m at
stall; 250 g held at full reach take 4.9 of them, and what is left moves the 0.3 kg m² of such an arm at 11.
"""

FINGER_LOWER, FINGER_UPPER = 0.015, 0.037
"""Limits of ``left_finger``, m from the middle."""
OPENING_LOWER, OPENING_UPPER = 2 * FINGER_LOWER, 2 * FINGER_UPPER
"""Limits of the opening between the fingers, m: what ``linear_position`` commands mean."""

HOME: Array = np.zeros(6)
"""Upright with the hand forward: where ``go_to_home_pose`` goes."""
SLEEP: Array = np.array([0.0, -1.80, 1.55, 0.0, 0.8, 0.0])
"""Folded and resting on itself: the only pose in which torque may be dropped."""

LIMITS = JointLimits(
    names=ARM_JOINTS,
    lower=ARM_LOWER,
    upper=ARM_UPPER,
    velocity=np.full(len(ARM_JOINTS), ARM_VELOCITY),
    gripper_lower=OPENING_LOWER,
    gripper_upper=OPENING_UPPER,
)
"""What no command may leave."""

WORKSPACE_LOWER: Array = np.array([-0.35, -0.65, 0.01])
WORKSPACE_UPPER: Array = np.array([0.68, 0.65, 0.90])
"""Box in base_link, m, that elbow, wrist and fingertips stay in by default: all the arm's reach, a finger's breadth
above the table that it stands on."""

ENCODER_STEP = 2 * np.pi / 4096
"""Resolution of a published joint angle, rad."""

SHOULDER_HEIGHT = 0.11065
"""Of the shoulder's axis above ``base_link``, m; the waist turns about the vertical through both."""
_ELBOW_FORWARD, _ELBOW_UP = 0.04975, 0.25
UPPER_ARM, FOREARM, HAND = math.hypot(_ELBOW_FORWARD, _ELBOW_UP), 0.25, 0.158575
"""From shoulder to elbow, on to the wrist centre, where the last three axes meet, and to ``ee_gripper_link``, m."""
_FINGERTIPS = HAND + 0.0174
# The upper arm is bent forward at its top, so its own zero leans by this much.
_LEAN = math.atan2(_ELBOW_FORWARD, _ELBOW_UP)
# Beyond the stretched arm by less than this, m, is stretched: rounding, not distance.
_ROUNDING = 1e-9

_HORN, _ROD = 0.014, 0.024


def forward_kinematics(joints: ArrayLike) -> Array:
    """Return the pose ``[4, 4]`` of ``ee_gripper_link`` in ``base_link`` for arm joints ``[6]`` in rad.

    The product of exponentials over the published screw axes, multiplied out: the rotation is
    ``Rz(waist) Ry(shoulder + elbow) Rx(forearm_roll) Ry(wrist_angle) Rx(wrist_rotate)``.

    Raises:
        ValueError: there are not 6 joints.
    """
    if np.shape(joints) != (len(ARM_JOINTS),):
        raise ValueError(f"expected {len(ARM_JOINTS)} joint angles, got an array of shape {list(np.shape(joints))}")
    waist, shoulder, elbow, roll, wrist, rotate = (float(joint) for joint in joints)
    c1, s1, cp, sp = math.cos(waist), math.sin(waist), math.cos(shoulder + elbow), math.sin(shoulder + elbow)
    c4, s4, c5, s5 = math.cos(roll), math.sin(roll), math.cos(wrist), math.sin(wrist)
    c6, s6 = math.cos(rotate), math.sin(rotate)
    # Rows of the hand's rotation in the forearm's frame.
    x = (c5, s5 * s6, s5 * c6)
    y = (s4 * s5, c4 * c6 - s4 * c5 * s6, -c4 * s6 - s4 * c5 * c6)
    z = (-c4 * s5, s4 * c6 + c4 * c5 * s6, c4 * c5 * c6 - s4 * s6)
    forward = UPPER_ARM * math.sin(shoulder + _LEAN) + FOREARM * cp
    up = SHOULDER_HEIGHT + UPPER_ARM * math.cos(shoulder + _LEAN) - FOREARM * sp
    ahead = [cp * a + sp * b for a, b in zip(x, z, strict=True)]
    lift = [cp * b - sp * a for a, b in zip(x, z, strict=True)]
    pose = np.eye(4)
    pose[0, :3] = [c1 * a - s1 * b for a, b in zip(ahead, y, strict=True)]
    pose[1, :3] = [s1 * a + c1 * b for a, b in zip(ahead, y, strict=True)]
    pose[2, :3] = lift
    pose[:3, 3] = (c1 * forward, s1 * forward, up)
    pose[:3, 3] += HAND * pose[:3, 0]
    return pose


def bend(forward: float, up: float) -> list[tuple[float, float]]:
    """Return shoulder and elbow in rad that bring the wrist centre to a point of the arm's plane.

    Both solutions of the triangle of upper arm and forearm, the one with the elbow up first, whatever the joint limits;
    none where the arm is too short, or too long, for the point.

    Args:
        forward: from the waist's axis in m, the way the waist faces; negative behind it.
        up: above the shoulder's axis in m.
    """
    distance = math.hypot(forward, up)
    if not abs(UPPER_ARM - FOREARM) - _ROUNDING <= distance <= UPPER_ARM + FOREARM + _ROUNDING:
        return []
    cosine = (distance**2 - UPPER_ARM**2 - FOREARM**2) / (2 * UPPER_ARM * FOREARM)
    kink = math.acos(min(max(cosine, -1.0), 1.0))
    towards, solutions = math.atan2(forward, up), []
    for turn in (kink, -kink):
        tilt = towards - math.atan2(FOREARM * math.sin(turn), UPPER_ARM + FOREARM * math.cos(turn))
        solutions.append((wrap(tilt - _LEAN), wrap(turn - math.pi / 2 + _LEAN)))
    return solutions


def wrap(angle: float) -> float:
    """Return the same angle between -pi and pi rad."""
    return math.remainder(angle, math.tau)


def extreme_points(joints: ArrayLike) -> Array:
    """Return elbow, wrist and fingertips ``[..., 3, 3]`` in ``base_link``, m, for arm joints ``[..., 6]`` in rad.

    Everything else above the base lies between these points, as far as an arm is as thin as its axes. The fingertips
    are the middle between them, 17.4 mm beyond ``ee_gripper_link``.
    """
    sine, cosine = np.sin(joints), np.cos(joints)
    # In the vertical plane that the waist turns: forward, sideways, up.
    forearm = np.asarray(joints)[..., 1] + np.asarray(joints)[..., 2]
    forearm_sine, forearm_cosine = np.sin(forearm), np.cos(forearm)
    planar = np.zeros((*np.shape(joints)[:-1], 3, 3))
    planar[..., 0, 0] = _ELBOW_FORWARD * cosine[..., 1] + _ELBOW_UP * sine[..., 1]
    planar[..., 0, 2] = SHOULDER_HEIGHT + _ELBOW_UP * cosine[..., 1] - _ELBOW_FORWARD * sine[..., 1]
    planar[..., 1, 0] = planar[..., 0, 0] + FOREARM * forearm_cosine
    planar[..., 1, 2] = planar[..., 0, 2] - FOREARM * forearm_sine
    # The hand in the forearm's frame: bent down by the wrist angle, that turned by the forearm's roll.
    along, side, below = cosine[..., 4], sine[..., 3] * sine[..., 4], cosine[..., 3] * sine[..., 4]
    planar[..., 2, 0] = planar[..., 1, 0] + _FINGERTIPS * (along * forearm_cosine - below * forearm_sine)
    planar[..., 2, 1] = _FINGERTIPS * side
    planar[..., 2, 2] = planar[..., 1, 2] - _FINGERTIPS * (along * forearm_sine + below * forearm_cosine)
    points: Array = planar.copy()
    waist_sine, waist_cosine = sine[..., 0, None], cosine[..., 0, None]
    points[..., 0] = waist_cosine * planar[..., 0] - waist_sine * planar[..., 1]
    points[..., 1] = waist_sine * planar[..., 0] + waist_cosine * planar[..., 1]
    return points


def gripper_down(position: ArrayLike, wrist_rotate: float = 0.0) -> Array:
    """Return the arm joints ``[6]`` that put ``ee_gripper_link`` at ``position [3]``, fingers pointing straight down.

    Closed form: the waist faces the point, shoulder and elbow are a triangle in that vertical plane with the elbow
    up, the wrist makes up the rest.

    Raises:
        ValueError: the point is out of reach, or a joint would leave its limits; the message says which.
    """
    x, y, z = (float(value) for value in position)
    solutions = bend(math.hypot(x, y), z + HAND - SHOULDER_HEIGHT)
    if not solutions:
        raise ValueError(f"({x:.3f}, {y:.3f}, {z:.3f}) m is out of reach with the fingers down")
    shoulder, elbow = solutions[0]
    joints = np.array([math.atan2(y, x), shoulder, elbow, 0.0, math.pi / 2 - shoulder - elbow, wrist_rotate])
    outside = (joints < ARM_LOWER) | (joints > ARM_UPPER)
    if outside.any():
        names = ", ".join(f"{ARM_JOINTS[i]} {joints[i]:.3f} rad" for i in np.flatnonzero(outside))
        raise ValueError(f"({x:.3f}, {y:.3f}, {z:.3f}) m with the fingers down needs {names}, beyond the limits")
    return joints


READY: Array = gripper_down(np.array([0.14, 0.0, 0.24]))
"""Hand drawn back above the table, fingers down: where a policy starts."""


def finger_from_servo(angle: float) -> float:
    """Return ``left_finger`` in m for the gripper servo's angle in rad: horn and rod are a slider crank."""
    return float(_HORN * np.sin(angle) + np.sqrt(_ROD**2 - (_HORN * np.cos(angle)) ** 2))


def servo_from_opening(opening: float) -> float:
    """Return the gripper servo's angle in rad for an opening between the fingers in m.

    Raises:
        ValueError: no angle gives this opening (0.020 to 0.076 m are possible).
    """
    finger = opening / 2
    cosine = (_HORN**2 + finger**2 - _ROD**2) / (2 * _HORN * finger) if finger > 0 else np.inf
    if not abs(cosine) <= 1 + 1e-9:
        raise ValueError(f"opening {opening} m is outside {2 * (_ROD - _HORN):.3f} to {2 * (_ROD + _HORN):.3f} m")
    return float(np.pi / 2 - np.arccos(np.clip(cosine, -1.0, 1.0)))
