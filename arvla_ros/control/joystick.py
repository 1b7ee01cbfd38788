"""sensor_msgs/Joy as motions and acts: which axis and button means what, and when to believe it.

A mapping is one short expression for each motion and act, a sum of terms: ``a1`` is axis 1, ``b4`` button 4 (0 or 1),
``t5`` the trigger on axis 5 of ``joy_node`` (1 at rest, -1 pressed; here 0 to 1); each may have a sign, as in
``t2-t5``. Axes are as ROS has them: left and up are positive.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from arvla_ros.control.teleop import MOTIONS, Act
from arvla_ros.robots.action_space import Array

ACT_BUTTONS: dict[str, Act] = {
    "estop": Act.ESTOP,
    "release_estop": Act.RELEASE_ESTOP,
    "enable": Act.ENABLE,
    "home": Act.HOME,
    "frame": Act.FRAME,
}
FIELDS = (*MOTIONS, "deadman", *ACT_BUTTONS)
"""What a mapping maps; an empty expression: nothing."""

_STICKS = {"x": "a1", "y": "a0", "z": "a4", "yaw": "a3", "roll": "-a6", "pitch": "-a7", "gripper": "t2-t5"}
PRESETS: dict[str, dict[str, str]] = {
    # joy's game_controller_node: one layout for every controller that SDL knows; triggers go from 0 to -1.
    "game_controller": {
        **{"x": "a1", "y": "a0", "z": "a3", "yaw": "a2", "roll": "b14-b13", "pitch": "b12-b11", "gripper": "a5-a4"},
        **{"deadman": "b9", "estop": "b1", "release_estop": "b4", "enable": "b6", "home": "b3", "frame": "b2"},
    },
    # joy_node on Linux, where numbers are the kernel driver's.
    "xbox": {
        **_STICKS,
        **{"deadman": "b4", "estop": "b1", "release_estop": "b6", "enable": "b7", "home": "b3", "frame": "b2"},
    },
    "ps4": {
        **_STICKS,
        **{"deadman": "b4", "estop": "b1", "release_estop": "b8", "enable": "b9", "home": "b2", "frame": "b3"},
    },
    # spacenav: six axes in ROS's frame; its buttons are too few and too unsteady for a deadman.
    "spacemouse": {"x": "a0", "y": "a1", "z": "a2", "roll": "a3", "pitch": "a4", "yaw": "a5"},
    "none": {},
}
"""Expressions by field, for the drivers that there are; what is left out is nothing."""

_TERM = re.compile(r"([+-]?)([abt])(\d+)")
_AT_REST = 0.9


class JoyError(ValueError):
    """A mapping that cannot be read, or a message that does not fit it; the message names field and number."""


class Term(NamedTuple):
    """One axis (a), button (b) or trigger (t), with its sign."""

    sign: float
    kind: str
    number: int


def parse(field: str, expression: str) -> tuple[Term, ...]:
    """Return the terms of an expression such as ``t2-t5``.

    Raises:
        JoyError: it is not a sum of terms.
    """
    compact = expression.replace(" ", "")
    terms = tuple(Term(-1.0 if m[1] == "-" else 1.0, m[2], int(m[3])) for m in _TERM.finditer(compact))
    if _TERM.sub("", compact):
        raise JoyError(f"{field}={expression!r} is not a sum of axes, buttons and triggers such as 'a1' or 't2-t5'")
    return terms


class Joystick:
    """What the newest Joy message asks for, and what is wrong with it.

    Attributes:
        motion: ``[7]`` as in ``MOTIONS``.
        pressed: whether the deadman button is down.
    """

    def __init__(self, expressions: Mapping[str, str], deadzone: float = 0.1, timeout_s: float = 0.5) -> None:
        """Create a joystick from expressions by field.

        Raises:
            JoyError: an expression cannot be read.
        """
        self._terms = {field: parse(field, expressions.get(field, "")) for field in FIELDS}
        self._deadzone = deadzone
        self._timeout_s = timeout_s
        used = [term for terms in self._terms.values() for term in terms]
        self._axes_needed = max((term.number + 1 for term in used if term.kind != "b"), default=0)
        self._buttons_needed = max((term.number + 1 for term in used if term.kind == "b"), default=0)
        self._triggers_seen: set[int] = set()
        self._down: set[Act] = set()
        self._problem = ""
        self._heard_at: float | None = None
        self.motion: Array = np.zeros(len(MOTIONS))
        self.pressed = False

    @property
    def mapped(self) -> bool:
        """Whether anything is mapped at all."""
        return bool(self._axes_needed or self._buttons_needed)

    @property
    def has_deadman(self) -> bool:
        """Whether one of its buttons is a deadman."""
        return bool(self._terms["deadman"])

    def on_message(self, axes: Sequence[float], buttons: Sequence[int], now: float) -> list[Act]:
        """Take in a message; return the acts whose buttons have gone down with it."""
        self._heard_at = now
        self._problem = self._misfit(axes, buttons)
        if self._problem:
            self._stop()
            return []
        self._triggers_seen |= {index for index, value in enumerate(axes) if value > _AT_REST}
        self.motion = np.clip([self._value(axis, axes, buttons) for axis in MOTIONS], -1.0, 1.0)
        self.pressed = self._value("deadman", axes, buttons) > 0.5
        down = {act for field, act in ACT_BUTTONS.items() if self._value(field, axes, buttons) > 0.5}
        fresh = [act for act in ACT_BUTTONS.values() if act in down - self._down]
        self._down = down
        return fresh

    def fault(self, now: float) -> str:
        """Return why nothing it says may be believed, or an empty string; motion is zero then."""
        problem = self._problem
        if self._heard_at is None:
            problem = "no /joy yet: is joy's game_controller_node running?"
        elif now - self._heard_at > self._timeout_s:
            problem = f"no /joy for more than {self._timeout_s:g} s: unplugged?"
        if problem:
            self._stop()
        return problem

    def _stop(self) -> None:
        self.motion = np.zeros(len(MOTIONS))
        self.pressed = False

    def _misfit(self, axes: Sequence[float], buttons: Sequence[int]) -> str:
        if len(axes) < self._axes_needed or len(buttons) < self._buttons_needed:
            return (
                f"/joy has {len(axes)} axes and {len(buttons)} buttons, the mapping needs {self._axes_needed} and "
                f"{self._buttons_needed}: set joy_preset, or joy_<motion>"
            )
        if not np.isfinite(axes).all():
            return "/joy has an axis that is not finite"
        return ""

    def _value(self, field: str, axes: Sequence[float], buttons: Sequence[int]) -> float:
        return sum(term.sign * self._read(term, axes, buttons) for term in self._terms[field])

    def _read(self, term: Term, axes: Sequence[float], buttons: Sequence[int]) -> float:
        if term.kind == "b":
            return float(buttons[term.number] != 0)
        if term.kind == "a":
            value = float(axes[term.number])
            beyond = max(abs(value) - self._deadzone, 0.0) / (1.0 - self._deadzone)
            return float(np.copysign(beyond, value))
        # joy_node says 0, half pressed, of a trigger that has not been touched yet.
        if term.number not in self._triggers_seen:
            return 0.0
        return max((1.0 - float(axes[term.number])) / 2.0 - self._deadzone, 0.0) / (1.0 - self._deadzone)
