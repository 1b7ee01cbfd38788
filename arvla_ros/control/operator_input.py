"""What an operator does with keys and a gamepad, made one: motion, deadman, acts, and what is wrong."""

from __future__ import annotations

import numpy as np

from arvla_ros.control.deadman import Deadman, Toggle
from arvla_ros.control.joystick import Joystick
from arvla_ros.control.keyboard import Keyboard, KeyDecoder
from arvla_ros.control.teleop import Act
from arvla_ros.robots.action_space import Array


class OperatorInput:
    """The joystick's button is the deadman where it has one; otherwise a key takes and lets go.

    Times are seconds on one steady clock that the caller chooses.

    Attributes:
        held: the deadman is held and nothing is wrong.
        problem: why it counts as let go; empty: the operator has let go.
        idle_s: a deadman taken by key lets go after this long without a key.
    """

    def __init__(self, joystick: Joystick, idle_s: float = 10.0) -> None:
        """Create an operator who holds nothing."""
        self.held = False
        self.problem = ""
        self.idle_s = idle_s
        self.keyboard = Keyboard()
        self._joystick = joystick
        self._decoder = KeyDecoder()
        self._toggle = Toggle()
        self._deadman = Deadman()
        self._idled = ""

    def on_terminal(self, data: bytes, now: float) -> list[Act]:
        """Take in what was typed; return the acts that it asks for, in order."""
        acts: list[Act] = []
        for key in self._decoder.decode(data):
            self._toggle.touch(now)
            act = self.keyboard.press(key, now)
            if act is Act.DEADMAN:
                self._toggle.flip(now)
            elif act is not None:
                acts.append(act)
        return acts

    def touch(self, now: float) -> None:
        """Note that the operator has moved something else: a leader arm."""
        self._toggle.touch(now)

    def let_go(self) -> None:
        """Drop the deadman taken by key, and all motion."""
        self._toggle.let_go()
        self.keyboard.release_all()

    def update(self, now: float, fault: str) -> bool:
        """Look at the deadman; with a fault, or a joystick that is lost, it counts as let go. Return ``held``."""
        fault = fault or (self._joystick.fault(now) if self._joystick.mapped else "")
        if fault:
            self.let_go()
        if self._toggle.idle(now, self.idle_s):
            self._idled = f"let go: no key for {self.idle_s:g} s"
        elif self._toggle.pressed:
            self._idled = ""
        pressed = self._joystick.pressed if self._joystick.has_deadman else self._toggle.pressed
        self.held = self._deadman.update(pressed, fault)
        if not self.held:
            self._toggle.let_go()
        self.problem = fault or self._idled
        return self.held

    def motion(self, now: float) -> Array:
        """Return the motion ``[7]`` that keys and sticks ask for together."""
        return np.clip(self._joystick.motion + self.keyboard.motion(now), -1.0, 1.0)
