"""Which joint states may be believed: matched by name, fresh by stamp and by arrival, finite, possible."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Pose = npt.NDArray[np.float64]

# A reading of more joints than this is not of this arm.
MOST_NAMES = 64
# s: clocks of two hosts may differ by this much; a stamp that is further ahead is wrong.
FUTURE_TOLERANCE_S = 0.1
# rad/s: twice what an XM430-W350 turns at without load; with the slack, rad, for stamps that tremble.
FASTEST = 9.6
JUMP_SLACK = 0.1
# A failed bus read of the Interbotix driver is -pi for every joint, with a fresh stamp.
_FAILED_READ_TOLERANCE = 1e-3


class StateRefusedError(ValueError):
    """A reading that cannot be used; the arm holds if nothing better comes. ``kind`` is a word to count by."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind = kind


class StateFaultError(StateRefusedError):
    """A reading after which an armed arm must hold at once."""


@dataclass(frozen=True)
class Reading:
    """What was measured: arm joints ``[n]`` in rad, opening between the fingers in m."""

    joints: Pose
    opening: float


class JointStateWatch:
    """Turns joint states into readings, and refuses those that cannot be where the arm is now."""

    def __init__(self, arm_joints: Sequence[str], finger_joint: str) -> None:
        """Watch for the given joints; the finger's position counts from the middle, in m."""
        self._wanted = (*arm_joints, finger_joint)
        self._names: list[str] = []
        self._indices: list[int] = []
        self.forget()

    def forget(self) -> None:
        """Compare the next reading with none before: the clock has jumped, or the torque was off."""
        self._stamp = float("-inf")
        self._raw: Pose | None = None

    def read(
        self, names: Sequence[str], positions: Sequence[float], stamp: float, age: float, oldest_s: float
    ) -> Reading:
        """Return what a joint state says of the arm.

        Args:
            names: Joints, in any order; others than the arm's are passed over.
            positions: rad; m for the finger.
            stamp: When it was measured, s on the ROS clock; 0 means that nobody knows.
            age: s from then to now.
            oldest_s: Age in s from which a reading is not believed.

        Raises:
            StateRefusedError: the reading cannot be used.
            StateFaultError: it shows that driver or arm are out of order.
        """
        self._check_stamp(stamp, age, oldest_s)
        raw = self._select(names, positions)
        if not np.isfinite(raw).all():
            raise StateFaultError("not_finite", "joint states are not finite")
        if np.all(np.abs(raw[:-1] + np.pi) < _FAILED_READ_TOLERANCE):
            raise StateFaultError("failed_read", "joint states read -pi for all joints: failed bus read")
        before, elapsed = self._raw, stamp - self._stamp
        # Kept even if it is refused: where a jump leads to is where the next reading is compared with.
        self._raw, self._stamp = raw, stamp
        if before is not None:
            self._check_jump(before, raw, elapsed)
        return Reading(raw[:-1], 2.0 * float(raw[-1]))

    def _check_stamp(self, stamp: float, age: float, oldest_s: float) -> None:
        if stamp <= 0.0:
            raise StateRefusedError("no_stamp", "joint states carry no stamp")
        if age > oldest_s:
            raise StateRefusedError("old", f"joint states are {age:.2f} s old by their stamp")
        if age < -FUTURE_TOLERANCE_S:
            raise StateRefusedError("future", f"joint states are {-age:.2f} s in the future by their stamp")
        if stamp <= self._stamp:
            raise StateRefusedError("not_newer", "joint states are not newer than those before")

    def _select(self, names: Sequence[str], positions: Sequence[float]) -> Pose:
        if len(names) > MOST_NAMES:
            raise StateRefusedError("oversized", f"joint state has {len(names)} names, at most {MOST_NAMES} are taken")
        if len(names) != len(positions):
            raise StateRefusedError("length", f"joint state has {len(names)} names but {len(positions)} positions")
        if names != self._names:
            self._learn(list(names))
        return np.asarray(positions, dtype=np.float64)[self._indices]

    def _learn(self, names: list[str]) -> None:
        missing = [name for name in self._wanted if name not in names]
        if missing:
            raise StateRefusedError("names", f"joint state lacks {', '.join(missing)}")
        twice = [name for name in self._wanted if names.count(name) > 1]
        if twice:
            raise StateRefusedError("names", f"joint state has {', '.join(twice)} more than once")
        self._names, self._indices = names, [names.index(name) for name in self._wanted]

    def _check_jump(self, before: Pose, now: Pose, elapsed: float) -> None:
        moved = np.abs(now - before)[:-1]
        joint = int(moved.argmax())
        if moved[joint] > FASTEST * elapsed + JUMP_SLACK:
            raise StateFaultError(
                "jump", f"joint states: {self._wanted[joint]} jumped by {moved[joint]:.2f} rad in {elapsed:.3f} s"
            )
