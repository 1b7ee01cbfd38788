"""The newest joint states of an arm, and why its pose is not known now."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from arvla_ros.control.clock_watch import ClockWatch
from arvla_ros.control.joint_state_watch import JointStateWatch, StateFaultError, StateRefusedError

Pose = npt.NDArray[np.float64]


class ArmReading:
    """Where an arm was last seen, by the same rules as the guard's.

    Attributes:
        joints: ``[n]`` in rad; empty until there was a reading that can be believed.
        opening: between the fingers, m.
    """

    def __init__(self, topic: str, watch: JointStateWatch, timeout_s: float = 0.5) -> None:
        """Create a reading of ``topic`` that is stale ``timeout_s`` after the last one that ``watch`` believed."""
        self.joints: Pose = np.zeros(0)
        self.opening = float("nan")
        self._topic = topic
        self._watch = watch
        self._clock = ClockWatch()
        self._timeout_s = timeout_s
        self._believed_at: float | None = None
        self._faulty = False
        self._refusal = ""

    def on_message(
        self, names: Sequence[str], positions: Sequence[float], stamp: float, ros_now: float, now: float
    ) -> bool:
        """Take in a joint state; return whether it is believed.

        Args:
            names: Joints, in any order.
            positions: rad; m for the finger.
            stamp: When it was measured, s on the ROS clock.
            ros_now: Now on the ROS clock, s.
            now: Now on a steady clock, s.
        """
        if self._clock.check(ros_now, now):
            self._watch.forget()
        try:
            reading = self._watch.read(names, positions, stamp, ros_now - stamp, self._timeout_s)
        except StateRefusedError as error:
            self._refusal = str(error)
            self._faulty = self._faulty or isinstance(error, StateFaultError)
            return False
        self.joints, self.opening = reading.joints, reading.opening
        self._believed_at, self._faulty, self._refusal = now, False, ""
        return True

    def fault(self, now: float) -> str:
        """Return why the arm's pose is not known now, or an empty string."""
        why = self._refusal or "is the driver running?"
        if self._faulty:
            return f"{self._topic}: {self._refusal}"
        if self._believed_at is None:
            return f"no {self._topic} yet: {why}"
        if now - self._believed_at > self._timeout_s:
            return f"no {self._topic} for more than {self._timeout_s:g} s: {why}"
        return ""
