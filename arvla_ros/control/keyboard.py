"""Keys of a plain terminal as motions and acts.

A terminal tells presses and repeats, never releases. So a press moves for a moment, and a key that is held down moves
on because the terminal repeats it.
"""

from __future__ import annotations

import re

import numpy as np

from arvla_ros.control.teleop import MOTIONS, Act
from arvla_ros.robots.action_space import Array

MOTION_KEYS: dict[str, tuple[str, float]] = {
    **{"w": ("x", 1.0), "s": ("x", -1.0), "a": ("y", 1.0), "d": ("y", -1.0), "r": ("z", 1.0), "f": ("z", -1.0)},
    **{"u": ("roll", -1.0), "o": ("roll", 1.0), "k": ("pitch", 1.0), "i": ("pitch", -1.0)},
    **{"j": ("yaw", 1.0), "l": ("yaw", -1.0), "m": ("gripper", 1.0), "n": ("gripper", -1.0)},
}
"""Axis of ``MOTIONS`` and its sign, by key."""

ACT_KEYS: dict[str, Act] = {
    " ": Act.ESTOP,
    "C": Act.RELEASE_ESTOP,
    "e": Act.ENABLE,
    "E": Act.DISABLE,
    "H": Act.HOME,
    "S": Act.SLEEP,
    "t": Act.DEADMAN,
    "b": Act.FRAME,
    "+": Act.FASTER,
    "=": Act.FASTER,
    "-": Act.SLOWER,
    "h": Act.HELP,
    "?": Act.HELP,
    "q": Act.QUIT,
}

HELP = (
    "move  w/s forward/back   a/d left/right   r/f up/down        n/m close/open the gripper",
    "turn  u/o roll   i/k nose up/down   j/l left/right           b base or tool axes   +/- faster, slower",
    "SPACE E-STOP   C clear the e-stop   t take/let go (deadman)  e arm  E disarm  H home  S sleep  h help  q quit",
)
"""Lines that tell the keys, 110 columns at the most."""

# What arrow, function and mouse keys send, and Alt with a key: never to be taken for the letters in it.
_ESCAPE = re.compile(r"\x1b(?:\[[0-9;:<=>?]*[ -/]*[@-~]|O.|[^\[O])", re.DOTALL)
_UNFINISHED = re.compile(r"\x1b(?:\[[0-9;:<=>?]*[ -/]*|O)?$")
_LONGEST_ESCAPE = 32


class KeyDecoder:
    """Bytes of a terminal as keys; escape sequences are dropped, also where a read has cut them in two."""

    def __init__(self) -> None:
        """Begin with nothing read."""
        self._rest = ""

    def decode(self, data: bytes) -> list[str]:
        """Return the keys in what was read."""
        text = _ESCAPE.sub("", self._rest + data.decode("utf-8", errors="ignore"))
        unfinished = _UNFINISHED.search(text)
        self._rest = unfinished.group() if unfinished and len(unfinished.group()) < _LONGEST_ESCAPE else ""
        return list(text[: len(text) - len(self._rest)] if self._rest else text)


class Keyboard:
    """Which motions keys ask for now; of two keys of one axis the newer counts."""

    def __init__(self, hold_s: float = 0.15) -> None:
        """Create a keyboard of which each press moves for ``hold_s`` seconds."""
        self.hold_s = hold_s
        self._pressed: dict[str, tuple[float, float]] = {}

    def press(self, key: str, now: float) -> Act | None:
        """Take in a key; return the act that it asks for, if any. An unknown key is nothing."""
        if key in MOTION_KEYS:
            axis, sign = MOTION_KEYS[key]
            self._pressed[axis] = (sign, now)
        return ACT_KEYS.get(key)

    def release_all(self) -> None:
        """Forget the keys pressed so far."""
        self._pressed.clear()

    def motion(self, now: float) -> Array:
        """Return the motion ``[7]`` asked for now."""
        signs = (self._pressed.get(axis, (0.0, float("-inf"))) for axis in MOTIONS)
        return np.array([sign if now - pressed_at < self.hold_s else 0.0 for sign, pressed_at in signs])
