"""Jumps of the ROS clock, told by a steady one beside it."""

from __future__ import annotations

# s: clocks are slewed by less; a jump beyond this makes stamps and ages mean something else.
JUMP_S = 0.25


class ClockWatch:
    """Notices that the ROS clock went backwards, or forward by more than time has passed."""

    def __init__(self) -> None:
        """Begin with the first ``check``."""
        self._ros: float | None = None
        self._steady = 0.0

    def check(self, ros: float, steady: float) -> str:
        """Return by how much the ROS clock jumped since the last call, as a sentence, or an empty string.

        Args:
            ros: Now on the ROS clock, s.
            steady: Now on a clock that nobody sets, s.
        """
        before, elapsed = self._ros, steady - self._steady
        self._ros, self._steady = ros, steady
        if before is None:
            return ""
        jump = ros - before - elapsed
        # A simulated clock may run slower than time: only what it loses by going back is a jump.
        if jump > JUMP_S or ros < before - JUMP_S:
            return f"the ROS clock jumped by {jump:+.2f} s"
        return ""
