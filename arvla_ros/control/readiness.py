"""What has to be so for the arm to be moved at all: joint states to believe, no switch pressed, nothing in the way."""

from __future__ import annotations

from arvla_ros.control.joint_state_watch import Reading
from arvla_ros.control.safety import JointLimits, outside_limits


class Readiness:
    """Keeps the last believable reading, the e-stop and what else forbids to move.

    Attributes:
        measured: The last believable reading, or None.
        measured_at: When it came, s.
        estop: The e-stop is pressed.
        blocked: Reasons by key.
    """

    def __init__(self, limits: JointLimits) -> None:
        """Begin with nothing measured and nothing forbidden."""
        self.measured: Reading | None = None
        self.measured_at = float("-inf")
        self.estop = False
        self.blocked: dict[str, str] = {}
        self._limits = limits
        self._refusal = ""

    def measure(self, reading: Reading, now: float) -> None:
        """Take in a believable reading."""
        self.measured, self.measured_at, self._refusal = reading, now, ""

    def refuse(self, reason: str) -> None:
        """Take in why a reading could not be believed."""
        self._refusal = reason

    def silence(self, timeout_s: float, now: float) -> str:
        """Return for how long there has been no reading, if that is too long, and why; else an empty string."""
        age = now - self.measured_at
        if age <= timeout_s:
            return ""
        return f"no joint states for {age:.2f} s" + (f"; the last ones: {self._refusal}" if self._refusal else "")

    def problem(self, timeout_s: float, now: float) -> str:
        """Return why the arm may not be moved, with the remedy, or an empty string."""
        if self.estop:
            return "the e-stop is pressed: publish false on /estop first"
        if self.blocked:
            return next(iter(self.blocked.values()))
        if self.measured is None:
            return "no joint states yet: is the driver running?"
        if now - self.measured_at > timeout_s:
            return f"joint states are {now - self.measured_at:.2f} s old: is the driver running?"
        return outside_limits(self.measured.joints, self._limits)
