"""The deadman: motion only while a person means it."""

from __future__ import annotations


class Deadman:
    """Held while pressed, and only after a fresh press: one that lasted through a fault does not count.

    So a gamepad that comes back with its button still down, or one that was taped, does not set an arm in motion.
    """

    def __init__(self) -> None:
        """Begin let go; a button that is already down has to come up first."""
        self.held = False
        self._fresh = False

    def update(self, pressed: bool, fault: str) -> bool:
        """Take in the button and what is wrong with the device (empty: nothing); return whether it is held."""
        # A lost device says nothing about its button: only one seen up when all is well counts as up.
        if fault or not pressed:
            self._fresh = not fault
        self.held = pressed and self._fresh
        return self.held


class Toggle:
    """A deadman for devices that cannot tell a release: one press takes, the next lets go, and so does idling."""

    def __init__(self) -> None:
        """Begin let go."""
        self.pressed = False
        self._used_at = float("-inf")

    def flip(self, now: float) -> None:
        """Take, or let go."""
        self.pressed = not self.pressed
        self._used_at = now

    def touch(self, now: float) -> None:
        """Note that the operator has done something."""
        self._used_at = now

    def let_go(self) -> None:
        """Let go, whatever was."""
        self.pressed = False

    def idle(self, now: float, idle_s: float) -> bool:
        """Let go when nothing was done for ``idle_s``; return whether that has just happened."""
        expired = self.pressed and now - self._used_at > idle_s
        if expired:
            self.pressed = False
        return expired
