"""One control tick: re-anchor the newest prefix, let the policy act, grade the staleness, shape the command.

The loop knows neither ROS nor torch: a policy is anything with the three methods of ``Policy``.
"""

from __future__ import annotations

import enum
import time
from collections import Counter
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from arvla_ros.control.joint_state_watch import Reading
from arvla_ros.control.prefix_slot import HeldPrefix, PrefixSlot
from arvla_ros.control.step_clock import NS_PER_S, ClockJumpError, StepClock, Tick
from arvla_ros.robots.action_space import JointTarget
from arvla_ros.robots.commanding import Commander
from arvla_ros.robots.contract import RobotContract

# rad/s of the fastest joint while the picture is late: slow enough to stop within a hand's width.
LATE_JOINT_SPEED = 0.4
# rad/s that a target may move at whatever the policy asks for: what the servos do without load.
FASTEST_JOINT_SPEED = 3.14
# After a gap of this length, from a clock that was set or a process that was stopped, history is not the recent past.
LONGEST_GAP_S = 2.0

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
        """Take in the state ``[S]`` measured at ``step`` and return the action ``[A]``, both in raw units."""


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
    """What happened at one tick.

    Attributes:
        tick: which step, when, and how late.
        mode: how the picture's age was graded.
        reason: why, where it was not NORMAL, or why an action was not followed.
        held: the prefix attended to; None: there was none.
        staleness_s: seconds from the capture of its image to this tick; -1: no prefix.
        state: ``[S]``; empty: there was no usable reading.
        action: ``[A]``; NaN: the policy was not asked.
        command: where the arm shall go; None: nothing may be commanded.
        hold: why the guard shall bring the arm to rest, latched; empty: it need not.
        inference_s: what the policy took.
    """

    tick: Tick
    mode: Mode
    reason: str
    held: HeldPrefix[Any] | None
    staleness_s: float
    state: npt.NDArray[np.float32]
    action: npt.NDArray[np.float32]
    command: JointTarget | None
    hold: str
    inference_s: float

    @property
    def anchor_step(self) -> int:
        """The step of the picture's capture; -1: no prefix."""
        return self.held.anchor_step if self.held else -1

    @property
    def staleness_steps(self) -> int:
        """Steps since the picture's capture; -1: no prefix."""
        return self.tick.step - self.held.anchor_step if self.held else -1


class ControlLoop(Generic[P]):
    """Runs a policy on a step clock.

    Attributes:
        clock: the timeline.
        slot: where prefixes are handed over.
        limits: the ages at which the reaction to a picture changes.
        counts: what went wrong so far, by kind.
    """

    def __init__(self, policy: Policy[P], contract: RobotContract, clock: StepClock) -> None:
        """Tie a policy to the robot it drives and to the timeline it runs on."""
        self.clock = clock
        self.slot: PrefixSlot[P] = PrefixSlot()
        self.limits = StalenessLimits()
        self.counts: Counter[str] = Counter()
        self._policy = policy
        self._space = contract.space
        self._period_s = clock.period_ns / NS_PER_S
        self._commander = Commander(contract, 1.0 / self._period_s)
        self._no_state = np.zeros(0, dtype=np.float32)
        self._no_action = np.full(contract.action_size, np.nan, dtype=np.float32)
        self._forget()

    def reset(self, now_ns: int) -> None:
        """Forget history, prefix and last command; step 0 comes with the next tick."""
        self.clock.reset(now_ns)
        self.slot.reset()
        self._policy.reset()
        self._forget()

    def _forget(self) -> None:
        self._commander.reset()
        self._state: npt.NDArray[np.float32] | None = None

    def tick(self, now_ns: int, reading: Reading | None) -> StepResult | None:
        """Run the step that is due with the arm as just measured; None if it has run already.

        Without a usable reading the policy is not stepped, and the history keeps a gap. When the clock has gone back,
        or far ahead, everything is forgotten and this is step 0.
        """
        tick = self._advance(now_ns)
        if tick is None:
            return None
        fresh = self.slot.take(self.clock)
        if fresh is not None:
            self._policy.set_prefix(fresh.prefix, fresh.anchor_step)
        held = self.slot.held
        staleness_s = (now_ns - held.captured_ns) / NS_PER_S if held else -1.0
        state, action, inference_s = self._no_state, self._no_action, 0.0
        if reading is not None:
            # Without a prefix the policy still takes the state in: the history must be there when the picture comes.
            self._state = state = self._space.state(reading.joints, reading.opening, self._state)
            began = time.perf_counter()
            action = self._policy.step(tick.step, state)
            inference_s = time.perf_counter() - began
        mode, reason = self._grade(held is not None, staleness_s, reading, action)
        command = None
        if mode in (Mode.NORMAL, Mode.LATE) and reading is not None:
            command = self._command(mode, action, state, reading)
            if self._commander.problem:
                self.counts["actions_not_followed"] += 1
                reason = f"{reason}; held: {self._commander.problem}" if reason else f"held: {self._commander.problem}"
        else:
            # When the arm goes on, it goes on from where it is, not from where it was told to go once.
            self._commander.reset()
        # Without joint states silence is enough: the guard hears of them itself.
        hold = reason if mode is Mode.HOLD and reading is not None else ""
        return StepResult(tick, mode, reason, held, staleness_s, state, action, command, hold, inference_s)

    def _advance(self, now_ns: int) -> Tick | None:
        """Enter the tick in the clock; start over where what was before means nothing now."""
        try:
            tick = self.clock.tick(now_ns)
            if tick is None or tick.missed * self._period_s < LONGEST_GAP_S:
                return tick
        except ClockJumpError:
            pass
        self.counts["starts_over_after_clock_jump_or_stall"] += 1
        self.reset(now_ns)
        return self.clock.tick(now_ns)

    def _grade(
        self, has_prefix: bool, staleness_s: float, reading: Reading | None, action: npt.NDArray[np.float32]
    ) -> tuple[Mode, str]:
        if reading is None:
            self.counts["steps_without_joint_states"] += 1
            return Mode.WAITING if self._state is None else Mode.HOLD, "no usable joint states"
        if not has_prefix:
            return Mode.WAITING, "no prefix yet"
        if not np.isfinite(action).all():
            self.counts["actions_not_finite"] += 1
            return Mode.HOLD, "the policy's action is not finite"
        mode = self.limits.grade(staleness_s)
        if mode is Mode.HOLD:
            return mode, f"picture is {staleness_s:.2f} s old, more than max_staleness_s {self.limits.max_s:g}"
        if mode is Mode.LATE:
            return mode, f"picture is {staleness_s:.2f} s old, more than late_staleness_s {self.limits.late_s:g}"
        return mode, ""

    def _command(
        self, mode: Mode, action: npt.NDArray[np.float32], state: npt.NDArray[np.float32], reading: Reading
    ) -> JointTarget:
        """Return where the arm shall go at this tick."""
        speed = LATE_JOINT_SPEED if mode is Mode.LATE else FASTEST_JOINT_SPEED
        measured = JointTarget(reading.joints, reading.opening)
        command = self._commander.follow(action, state, measured, speed * self._period_s)
        self.counts["steps_shortened"] += self._commander.limited
        return command
