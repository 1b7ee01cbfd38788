"""Gymnasium spaces for what the package calls states, actions and instructions."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
from gymnasium import spaces

from arvla_ros.robots import wx250s
from arvla_ros.robots.contract import RobotContract

Vector = npt.NDArray[np.float32]

LONGEST_SHIFT, LONGEST_TURN = 0.05, 0.25
"""Of the hand in a step, m and rad: what BridgeData V2's environment clips actions to."""

# Room in rad for a servo that is pushed beyond its limit, in m for its encoder's steps; the hand reaches about 0.7 m.
_ANGLE_ROOM, _OPENING_ROOM, _REACH = 0.1, 0.002, 1.0
# Finger positions as a share of BridgeData V2's stroke, 10 to 35 mm from the middle.
_BRIDGE_GRIPPER = ((wx250s.FINGER_LOWER - 0.010) / 0.025, (wx250s.FINGER_UPPER - 0.010) / 0.025)
_OPENING = (wx250s.OPENING_LOWER, wx250s.OPENING_UPPER)


def action_box(contract: RobotContract) -> spaces.Box:
    """Return the box that actions ``[A]`` are drawn from, in raw units; what lies outside is limited, not refused."""
    longest = np.full(6, wx250s.ARM_VELOCITY / contract.control_rate_hz)
    hand, unit = np.full(3, LONGEST_SHIFT), np.ones(4)
    turn = np.full(3, LONGEST_TURN)
    low, high = {
        "joint_delta": (_join(-longest, _OPENING[0]), _join(longest, _OPENING[1])),
        "joint_position": (_join(wx250s.ARM_LOWER, _OPENING[0]), _join(wx250s.ARM_UPPER, _OPENING[1])),
        "ee_delta": (_join(-hand, -unit, _OPENING[0]), _join(hand, unit, _OPENING[1])),
        "bridge": (_join(-hand, -turn, _BRIDGE_GRIPPER[0]), _join(hand, turn, _BRIDGE_GRIPPER[1])),
    }[contract.action_space]
    return spaces.Box(low, high, dtype=np.float32)


def state_box(contract: RobotContract) -> spaces.Box:
    """Return the box of the policy state ``[S]``, with a little room for servos pushed beyond their limits."""
    joints = (wx250s.ARM_LOWER - _ANGLE_ROOM, wx250s.ARM_UPPER + _ANGLE_ROOM)
    opening = (_OPENING[0] - _OPENING_ROOM, _OPENING[1] + _OPENING_ROOM)
    gripper = (_BRIDGE_GRIPPER[0] - 0.1, _BRIDGE_GRIPPER[1] + 0.1)
    place, unit, angles = np.full(3, _REACH), np.full(4, 1.001), np.full(3, 1.001 * np.pi)
    low, high = {
        "joint_delta": (_join(joints[0], opening[0]), _join(joints[1], opening[1])),
        "joint_position": (_join(joints[0], opening[0]), _join(joints[1], opening[1])),
        "ee_delta": (_join(-place, -unit, opening[0]), _join(place, unit, opening[1])),
        "bridge": (_join(-place, -angles, gripper[0]), _join(place, angles, gripper[1])),
    }[contract.action_space]
    return spaces.Box(low, high, dtype=np.float32)


def instruction_text(instructions: Iterable[str]) -> spaces.Text:
    """Return the space of texts that a task's instructions are part of."""
    known = list(instructions)
    return spaces.Text(max(map(len, known)), charset="".join(sorted(set("".join(known)))))


def _join(*parts: npt.NDArray[np.float64] | float) -> Vector:
    return np.hstack(parts).astype(np.float32)
