"""Parameters of the teleop node."""

from __future__ import annotations

from rclpy.node import Node

from arvla_ros.control.joystick import FIELDS, PRESETS, JoyError, Joystick
from arvla_ros.control.leader import LeaderLimits
from arvla_ros.control.operator_input import OperatorInput
from arvla_ros.control.teleop import TeleopLimits
from arvla_ros.nodes.parameters import apply_while_running, declare_live_numbers, declare_text
from arvla_ros.nodes.runtime import NodeError

DEVICES = {"keyboard": "none", "gamepad": "game_controller", "leader": "none"}
"""The joy_preset that goes with each device."""


def declare_device(node: Node) -> str:
    """Declare what the operator drives with, and return it.

    Raises:
        NodeError: there is no such device.
    """
    device = declare_text(node, "device", "keyboard", f"what the operator drives with: {', '.join(DEVICES)}")
    if device not in DEVICES:
        raise NodeError(f"parameter device={device!r}: choose one of {', '.join(DEVICES)}")
    return device


def declare_joystick(node: Node, device: str) -> Joystick:
    """Declare what axes and buttons of /joy mean, and return the joystick that reads them.

    Raises:
        NodeError: the preset is unknown, or an expression cannot be read.
    """
    presets = ", ".join(PRESETS)
    preset = declare_text(node, "joy_preset", DEVICES[device], f"meaning of axes and buttons of /joy: {presets}")
    if preset not in PRESETS:
        raise NodeError(f"parameter joy_preset={preset!r}: choose one of {presets}")
    expressions = {}
    for field in FIELDS:
        default = PRESETS[preset].get(field, "")
        description = f"what {field} is: a sum of axes (a), buttons (b), triggers (t) of /joy, e.g. 'b5-b4'; '': none"
        expressions[field] = declare_text(node, f"joy_{field}", default, description)
    try:
        return Joystick(expressions)
    except JoyError as error:
        raise NodeError(f"parameter joy_{error}") from error


def declare_limits(node: Node, limits: TeleopLimits, leader: LeaderLimits, operator: OperatorInput) -> None:
    """Declare speeds, bounds and times, all live, as attributes of the objects that use them."""
    live = declare_live_numbers(
        node,
        (
            (limits, "linear_speed", "speed of the hand at full deflection or by key, m/s", 0.01, 0.5),
            (limits, "angular_speed", "turn of the hand at full deflection or by key, rad/s", 0.05, 3.0),
            (limits, "gripper_speed", "speed between the fingers, m/s", 0.005, 0.5),
            (limits, "max_lead_m", "the target is this far ahead of the measured hand at the most, m", 0.005, 0.2),
            (limits, "max_lead_rad", "the target is turned this far ahead of the hand at the most, rad", 0.02, 1.0),
            (operator.keyboard, "hold_s", "a key press moves for so long, s", 0.05, 0.5),
            (operator, "idle_s", "a deadman taken by key lets go after so long without a key, s", 1.0, 300.0),
            (leader, "align_speed", "speed of the fastest joint on the way to the leader's pose, rad/s", 0.05, 1.5),
            (leader, "align_tolerance", "nearer to the leader than this in all joints, it mirrors, rad", 0.01, 0.3),
            (leader, "jump_rad", "a leader that jumps farther in a joint is approached anew, rad", 0.1, 3.2),
            (leader, "leader_gripper_closed", "between the leader's fingers when it means closed, m", 0.01, 0.04),
            (leader, "leader_gripper_open", "between the leader's fingers when it means open, m", 0.042, 0.12),
        ),
    )
    apply_while_running(node, live)
