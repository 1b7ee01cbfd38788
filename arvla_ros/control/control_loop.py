"""One control tick: re-anchor the newest prefix, let the policy act, grade the staleness, shape the command.

The loop knows neither ROS nor torch: a policy is anything with the three methods of ``Policy``.
"""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from arvla_ros.control.prefix_slot import PrefixSlot
from arvla_ros.control.step_clock import NS_PER_S, StepClock
from arvla_ros.robots.contract import RobotContract

# Speed cap in rad/s of each joint while the picture is late: slow enough to stop within a hand's width.
LATE_JOINT_SPEED = 0.4
# Share of the speed that is kept from tick to tick while coming to rest.
HOLD_DECAY = 0.5

P = TypeVar("P", contravariant=True)


class Mode(enum.IntEnum):
    """What the action expert is doing; the values are those of ActionStep.msg."""

    IDLE = 0
    WAITING = 1
    NORMAL = 2
    LATE = 3
    HOLD = 4


class Policy(Protocol[P]):
    """What the loop asks of a policy."""

    def reset(self) -> None:
        """Forget the history and the prefix."""

    def set_prefix(self, prefix: P, anchor_step: int) -> None:
        """Replace the prefix by one whose image was captured at ``anchor_step``."""

    def step(self, step: int, state: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Take in the state ``[S]`` measured at ``step`` and return the action ``[S]``, both in raw units."""


@dataclass
class StalenessLimits:
    """Ages of the picture in seconds at which the reaction changes."""

    late_s: float = 1.2
    max_s: float = 2.5

    def grade(self, staleness_s: float) -> Mode:
        """Return NORMAL, LATE or HOLD."""
        if staleness_s > self.max_s:
            return Mode.HOLD
        return Mode.LATE if staleness_s > self.late_s else Mode.NORMAL


@dataclass(frozen=True)
class StepResult:
    """What happened at one tick. ``joint_target`` is None when nothing may be commanded."""

    step: int
    missed: int
    mode: Mode
    reason: str
    anchor_step: int
    staleness_steps: int  # -1: no prefix
    staleness_s: float
    action: npt.NDArray[np.float32]
    joint_target: npt.NDArray[np.float64] | None
    gripper_opening: float


@dataclass
class _Command:
    """The command of the tick before: target in rad, its change in rad per tick, gripper opening in m."""

    target: npt.NDArray[np.float64]
    change: npt.NDArray[np.float64]
    opening: float


class ControlLoop(Generic[P]):
    """Runs a policy on a step clock."""

    def __init__(self, policy: Policy[P], contract: RobotContract, clock: StepClock) -> None:
        """Tie a policy to the robot it drives and to the timeline it runs on.

        Raises:
            ContractError: the policy's actions ask for poses of the hand, which would need inverse kinematics.
        """
        self.clock = clock
        self.slot: PrefixSlot[P] = PrefixSlot()
        self.limits = StalenessLimits()
        self._policy = policy
        self._space = contract.joint_space
        self._late_change = LATE_JOINT_SPEED / contract.control_rate_hz
        self._no_action = np.full(contract.action_size, np.nan, dtype=np.float32)
        self._last: _Command | None = None

    def reset(self, now_ns: int) -> None:
        """Forget history, prefix and last command; step 0 comes with the next tick."""
        self.clock.reset(now_ns)
        self.slot.reset()
        self._policy.reset()
        self._last = None

    def tick(self, now_ns: int, state: npt.NDArray[np.float32] | None) -> StepResult | None:
        """Run the step that is due with the state ``[S]`` just measured; None if it has run already.

        Without a usable state the policy is not stepped: the history keeps a gap, and the arm comes to rest.

        Raises:
            ClockJumpError: the clock went backwards since the last tick.
        """
        tick = self.clock.tick(now_ns)
        if tick is None:
            return None
        fresh = self.slot.take(self.clock)
        if fresh is not None:
            self._policy.set_prefix(fresh.prefix, fresh.anchor_step)
        held = self.slot.held
        staleness_s = (now_ns - held.stamp_ns) / NS_PER_S if held else -1.0
        if state is None:
            action, mode, reason = self._no_action, Mode.HOLD, "no usable joint states"
        else:
            # Without a prefix the policy still takes the state in: the history must be there when the picture comes.
            action = self._policy.step(tick.step, state)
            mode, reason = self._grade(held is not None, staleness_s, action)
        target, opening = self._command(mode, action, state)
        return StepResult(
            step=tick.step,
            missed=tick.missed,
            mode=mode,
            reason=reason,
            anchor_step=held.anchor_step if held else -1,
            staleness_steps=tick.step - held.anchor_step if held else -1,
            staleness_s=staleness_s,
            action=action,
            joint_target=target,
            gripper_opening=opening,
        )

    def _grade(self, has_prefix: bool, staleness_s: float, action: npt.NDArray[np.float32]) -> tuple[Mode, str]:
        if not has_prefix:
            return Mode.WAITING, "no prefix yet"
        if not np.isfinite(action).all():
            return Mode.HOLD, "the policy's action is not finite"
        mode = self.limits.grade(staleness_s)
        if mode is Mode.HOLD:
            return mode, f"picture is {staleness_s:.2f} s old, more than max_staleness_s {self.limits.max_s:g}"
        if mode is Mode.LATE:
            return mode, f"picture is {staleness_s:.2f} s old, more than late_staleness_s {self.limits.late_s:g}"
        return mode, ""

    def _command(
        self, mode: Mode, action: npt.NDArray[np.float32], state: npt.NDArray[np.float32] | None
    ) -> tuple[npt.NDArray[np.float64] | None, float]:
        """Return the joint target ``[n]`` in rad (None: stay silent) and the opening in m for this tick."""
        last = self._last
        if mode is Mode.WAITING or (last is None and (mode is Mode.HOLD or state is None)):
            return None, math.nan
        if last is not None and (mode is Mode.HOLD or state is None):
            last.change = last.change * HOLD_DECAY
            last.target = last.target + last.change
            return last.target, last.opening
        assert state is not None
        target, opening = self._space.target(action, state)
        before = last.target if last is not None else state[:-1].astype(np.float64)
        if mode is Mode.LATE:
            target = before + _shorten(target - before, self._late_change)
        self._last = _Command(target, target - before, opening)
        return target, opening


def _shorten(change: npt.NDArray[np.float64], longest: float) -> npt.NDArray[Any]:
    """Scale a change of joint positions so that no joint moves more than ``longest``, keeping its direction."""
    largest = float(np.abs(change).max())
    return change if largest <= longest else change * (longest / largest)
