"""A recorded motion, sent again: first slowly to where it begins, then as it was."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

APPROACH_SPEED = 0.3
"""rad/s of the fastest joint on the way to the first pose."""


class Replay:
    """What to command at any time since the start.

    Attributes:
        approach_s: how long the way to the first pose takes.
        duration_s: from the start to the last command.
    """

    def __init__(
        self, times_s: Array, joints: Array, openings: Array, measured: Array, measured_opening: float
    ) -> None:
        """Plan.

        Args:
            times_s: ``[N]`` ascending, when each command was sent, s.
            joints: ``[N, n]`` what was sent, rad.
            openings: ``[N]`` between the fingers, m.
            measured: ``[n]`` where the arm is now, rad.
            measured_opening: m.

        Raises:
            ValueError: there is nothing to send, or it is not finite.
        """
        if len(times_s) == 0:
            raise ValueError("nothing was sent to the arm in this episode")
        if not (np.isfinite(joints).all() and np.isfinite(openings).all() and np.isfinite(measured).all()):
            raise ValueError("a recorded command, or where the arm is now, is not finite")
        self.approach_s = float(np.abs(joints[0] - measured).max()) / APPROACH_SPEED
        self.duration_s = self.approach_s + float(times_s[-1] - times_s[0])
        self._times = times_s - times_s[0]
        self._joints, self._openings = joints, openings
        self._from, self._opening = measured, measured_opening

    def command(self, elapsed_s: float) -> tuple[Array, float]:
        """Return joints ``[n]`` in rad and opening in m ``elapsed_s`` after the start; past the end the last."""
        if elapsed_s < self.approach_s:
            share = elapsed_s / self.approach_s
            joints = self._from + share * (self._joints[0] - self._from)
            return joints, self._opening + share * (float(self._openings[0]) - self._opening)
        at = min(elapsed_s - self.approach_s, float(self._times[-1]))
        after = int(np.searchsorted(self._times, at, side="left").clip(0, len(self._times) - 1))
        before = max(after - 1, 0)
        gap = float(self._times[after] - self._times[before])
        share = 1.0 if gap == 0 else (at - float(self._times[before])) / gap
        joints = self._joints[before] + share * (self._joints[after] - self._joints[before])
        return joints, float(self._openings[before] + share * (self._openings[after] - self._openings[before]))
