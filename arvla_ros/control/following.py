"""Whether the arm goes where it is told: a joint that is blocked, or has torqued itself off, does not."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Pose = npt.NDArray[np.float64]

# rad: gravity makes the servos sag by less than this, as their controllers have no integral part ...
TOLERANCE = 0.2
# ... and s: they lag behind a moving target by less than this.
LAG_S = 0.15
LONGEST_S = 0.5


class FollowingWatch:
    """Notices a joint whose measured position is far from the sent one for long."""

    def __init__(self, names: Sequence[str]) -> None:
        """Watch the joints ``names``."""
        self._names = names
        self._since = float("inf")

    def reset(self) -> None:
        """Begin anew: the arm is about to move from where it is."""
        self._since = float("inf")

    def check(self, sent: Pose, velocity: Pose, measured: Pose, now: float) -> str:
        """Return why the arm does not follow, or an empty string.

        Args:
            sent: ``[n]`` rad.
            velocity: ``[n]`` rad/s, of the last step sent.
            measured: ``[n]`` rad.
            now: s.
        """
        beyond = np.abs(measured - sent) - (TOLERANCE + LAG_S * np.abs(velocity))
        joint = int(beyond.argmax())
        if beyond[joint] <= 0.0:
            self._since = float("inf")
            return ""
        self._since = min(self._since, now)
        if now - self._since <= LONGEST_S:
            return ""
        error = abs(float(measured[joint] - sent[joint]))
        return (
            f"{self._names[joint]} does not follow: {error:.2f} rad from what was sent for {now - self._since:.1f} s; "
            "it is blocked, or its servo has switched its torque off (see /guard/enable's answer)"
        )
