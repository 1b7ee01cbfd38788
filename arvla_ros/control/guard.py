"""The guard's state machine: who may move the arm, when it holds, and what it sends at its own steady rate."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from arvla_ros.control.arbitration import SOURCES, Arbiter, Command, Refusal
from arvla_ros.control.braking import approach
from arvla_ros.control.following import FollowingWatch
from arvla_ros.control.guard_modes import Cycle, Goal, Mode, Timeouts
from arvla_ros.control.joint_state_watch import Reading
from arvla_ros.control.readiness import Readiness
from arvla_ros.control.safety import Pose, SafetyFilter
from arvla_ros.control.travel import PATIENCE_S, has_arrived, travel

__all__ = ["Cycle", "Goal", "Guard", "Mode", "Timeouts"]

# rad a cycle: less is rest.
SLOWEST_STEP = 1e-4
# Armed again, the arm counts as moved by someone else when measured and last sent joints differ by this much, rad ...
FOLLOWING_TOLERANCE = 0.1
# ... although nothing has been sent for this long that would move it; s.
SETTLING_S = 0.5
# A reading older than this is not where the arm is now; s.
FRESH_S = 0.1
# Cycles without a call after which the arm has come to rest at the last sent pose, whatever its speed was.
REST_CYCLES = 2.5


class Guard:
    """Passes on one armed source within limits; holds on silence, on faults and on the e-stop, and stays so.

    Times are seconds on a steady clock, ``stamp`` and ``age`` of commands on the ROS clock. Nothing is sent before the
    first time it is armed or sent somewhere. After a fault, a lost source or an e-stop only ``enable`` (a person) lets
    commands through again; the reason stays readable until then.

    Attributes:
        timeouts: May be changed while it runs.
        arbiter: Whose command counts.
        mode: What it is doing.
        reason: Why it does not pass on commands.
        dry_run: What is sent does not reach the arm; set by ``set_dry_run``.
    """

    def __init__(self, safety: SafetyFilter, period_s: float = 0.02, sources: Sequence[str] = SOURCES) -> None:
        """Create a disarmed guard that cycles every ``period_s``."""
        names = safety.limits.names
        self.timeouts = Timeouts()
        self.arbiter = Arbiter(len(names), period_s, sources)
        self.mode = Mode.DISARMED
        self.reason = "not armed yet: call /guard/enable"
        self._safety = safety
        self._period_s = period_s
        self.dry_run = False
        self._readiness = Readiness(safety.limits)
        self._following = FollowingWatch(names)
        self._sent: Pose | None = None
        self._sent_gripper = float("nan")
        self._velocity: Pose = np.zeros(len(names))
        self._cycled_at = float("-inf")
        self._moved_at = float("-inf")
        self._requested: Pose | None = None
        self._limited_target: list[str] = []
        self._goal: Goal | None = None

    @property
    def joints(self) -> Pose | None:
        """The arm joints ``[n]`` in rad sent last, else measured last, else None."""
        if self._sent is not None:
            return self._sent
        return None if self.measured is None else self.measured.joints

    @property
    def measured(self) -> Reading | None:
        """The last believable reading, or None."""
        return self._readiness.measured

    def on_state(self, reading: Reading, now: float) -> None:
        """Take in what was measured."""
        self._readiness.measure(reading, now)

    def on_refused_state(self, reason: str) -> None:
        """Take in why joint states cannot be believed: what the arm holds for, if none come that can."""
        self._readiness.refuse(reason)

    def on_fault(self, reason: str) -> None:
        """Hold, if the arm is being moved."""
        if self.mode in (Mode.ACTIVE, Mode.HOMING):
            self._hold(reason)

    def on_clock_jump(self, reason: str) -> None:
        """Hold, and take stamps as new from here on, whatever they are."""
        self.on_fault(reason)
        self.arbiter.armed.stamp = float("-inf")

    def on_command(self, command: Command, now: float) -> str:
        """Take in a target of a source; return why it was refused, or an empty string."""
        if self.mode is not Mode.ACTIVE:
            return self.arbiter.refuse(Refusal("not_armed", f"not armed: {self.reason}"))
        refusal = self.arbiter.check(command, self.timeouts.command_timeout_s, now)
        if refusal:
            return self.arbiter.refuse(refusal)
        if command.hold:
            if self.arbiter.armed.name == command.source:
                self._hold(f"{command.source}: {command.hold}")
            else:
                self.arbiter.bar(command.source, command.hold)
            return ""
        if command.joints is None:
            # The source is alive, and its last target stays.
            last = self.arbiter.armed.target if command.source == self.arbiter.armed.name else None
            command = replace(command, joints=last if last is not None else self._sent)
        assert command.joints is not None
        try:
            safe = self._safety.limit_target(command.joints, command.gripper)
        except ValueError:
            self._hold(f"command of {command.source!r} is not finite")
            return self.arbiter.refuse(Refusal("not_finite", self.reason))
        self.arbiter.take(command, safe.joints, safe.gripper, now)
        self._requested, self._limited_target = command.joints, safe.limited
        return ""

    def enable(self, now: float) -> tuple[bool, str]:
        """Arm: the first source that commands now gets through. Return (done, message)."""
        problem = self.not_ready(now)
        if problem:
            return False, problem
        self._start_where_the_arm_is(now)
        self.arbiter.admit_all()
        self._take_up(Mode.ACTIVE, "")
        return True, "armed"

    def go_to(self, goal: Goal, now: float) -> tuple[bool, str]:
        """Start moving to a pose, whatever source was armed. Return (done, message)."""
        problem = self.not_ready(now)
        if problem:
            return False, problem
        self._start_where_the_arm_is(now)
        self._take_up(Mode.HOMING, f"moving to {goal.name}")
        self._goal, self._moved_at = goal, now
        return True, self.reason

    def disable(self, reason: str) -> None:
        """Disarm: brake, then keep sending the last safe pose; no source gets through."""
        if self.mode is not Mode.ESTOP:
            self._hold(reason)

    def block(self, key: str, reason: str) -> None:
        """Hold, and let nobody arm, until ``unblock(key)``."""
        self._readiness.blocked[key] = reason
        if self.mode is not Mode.ESTOP:
            self._hold(reason)

    def unblock(self, key: str) -> None:
        """Take back ``block``; a person still has to arm."""
        self._readiness.blocked.pop(key, None)

    def forget(self) -> None:
        """Send nothing until armed anew, and that only once the arm has been measured again: its torque is off."""
        self._sent, self._readiness.measured = None, None
        self._velocity = np.zeros_like(self._velocity)
        if self.mode is not Mode.ESTOP:
            self._hold(self.reason)

    def press_estop(self, stays: bool = True) -> None:
        """Stop at once. A switch that ``stays`` pressed keeps the guard from being armed until it is released."""
        self._readiness.estop = self._readiness.estop or stays
        self.mode, self.reason = Mode.ESTOP, "e-stop"
        self._velocity = np.zeros_like(self._velocity)
        self._drop_target()

    def release_estop(self) -> None:
        """Release the e-stop. The guard still waits to be armed."""
        self._readiness.estop = False

    def set_dry_run(self, on: bool) -> None:
        """Say whether what is sent reaches the arm. From now on it does: go on from where the arm is, or not at all."""
        if self.dry_run and not on and self._sent is not None:
            if self.mode in (Mode.ACTIVE, Mode.HOMING) and self.measured is not None:
                self._begin_at(self.measured)
            else:
                self.forget()
        self.dry_run = on
        self._following.reset()

    def cycle(self, now: float) -> Cycle:
        """Compute what to send now. A gap longer than the period does not allow a longer step, nor a burst later."""
        elapsed = now - self._cycled_at
        if elapsed > REST_CYCLES * self._period_s:
            self._velocity = np.zeros_like(self._velocity)
        self._cycled_at = now
        self._check(now)
        if self._sent is None:
            return self._report([])
        dt = min(elapsed, self._period_s)
        if self.mode is Mode.ESTOP or dt <= 0.0:
            return self._report([])
        step = self._safety.step(self._sent, self._velocity, self._wanted(now, dt), dt)
        if float(np.abs(step.joints - self._sent).max()) > SLOWEST_STEP:
            self._moved_at = now
        self._sent, self._velocity = step.joints, step.velocity
        if self.mode is Mode.ACTIVE and self.arbiter.armed.target is not None:
            self._sent_gripper = self.arbiter.armed.gripper
        if self.mode is Mode.HOMING:
            self._arrive(now)
        return self._report(step.limited)

    def not_ready(self, now: float) -> str:
        """Return why the arm may not be moved, with the remedy, or an empty string."""
        return self._readiness.problem(self.timeouts.state_timeout_s, now)

    def _check(self, now: float) -> None:
        if self.mode not in (Mode.ACTIVE, Mode.HOMING):
            return
        armed = self.arbiter.armed
        command_age = now - armed.commanded_at
        if silence := self._readiness.silence(self.timeouts.state_timeout_s, now):
            self._hold(silence)
        elif lost := self.arbiter.deadman_lost(now):
            self._hold(lost)
        elif self.arbiter.paused():
            self.arbiter.rest(now)
        elif armed.name and command_age > self.timeouts.command_timeout_s:
            refused = f"; the last one: {self.arbiter.last_refusal}" if self.arbiter.last_refusal else ""
            self._hold(f"no command from {armed.name!r} for {command_age:.2f} s{refused}")
        elif not self.dry_run and self._sent is not None and self.measured is not None:
            blocked = self._following.check(self._sent, self._velocity, self.measured.joints, now)
            if blocked:
                # Going on pushing would only overload the servos: what is sent goes back to where the arm is.
                self._hold(blocked)
                self._goal = Goal("where it is", self.measured.joints)

    def _wanted(self, now: float, dt: float) -> Pose:
        """Return the velocity wanted for this cycle: towards the target, towards a goal of the guard, or to rest."""
        assert self._sent is not None
        if self._goal is not None:
            way, safety = self._goal.joints - self._sent, self._safety
            return travel(way, self._velocity, safety.speed_scale, safety.acceleration, self._period_s, dt)
        target = self.arbiter.armed.target
        if self.mode is Mode.ACTIVE and target is not None:
            left = max(self.arbiter.armed.commanded_at + self.arbiter.armed.segment_s - now, 0.0)
            return approach(target - self._sent, left, self._safety.acceleration, self._period_s)
        return np.zeros_like(self._velocity)

    def _arrive(self, now: float) -> None:
        assert self._goal is not None
        assert self._sent is not None
        if has_arrived(self._goal.joints - self._sent):
            if math.isfinite(self._goal.gripper):
                self._sent_gripper = self._goal.gripper
            self._hold(f"{self._goal.name} reached")
        elif now - self._moved_at > PATIENCE_S:
            self._hold(f"the way to {self._goal.name} leaves the workspace: bring the arm nearer by hand or by teleop")

    def _start_where_the_arm_is(self, now: float) -> None:
        """Begin at the last sent pose, or at the measured one if nothing was sent or someone has moved the arm."""
        assert self.measured is not None
        self._following.reset()
        if self._sent is not None and not self.dry_run:
            settled = now - self._moved_at > SETTLING_S and now - self._readiness.measured_at <= FRESH_S
            if not settled or np.abs(self._sent - self.measured.joints).max() <= FOLLOWING_TOLERANCE:
                return
        self._begin_at(self.measured)

    def _begin_at(self, reading: Reading) -> None:
        """Take a measured pose as sent: the nearest one inside the limits."""
        start = self._safety.limit_target(reading.joints, reading.opening)
        self._sent, self._sent_gripper = start.joints, start.gripper
        self._velocity = np.zeros_like(self._velocity)

    def _take_up(self, mode: Mode, reason: str) -> None:
        self.mode, self.reason = mode, reason
        self._drop_target()

    def _hold(self, reason: str) -> None:
        self._take_up(Mode.HOLD if self._sent is not None else Mode.DISARMED, reason)

    def _drop_target(self) -> None:
        self.arbiter.clear()
        self._goal, self._requested, self._limited_target = None, None, []

    def _report(self, limited: list[str]) -> Cycle:
        armed = self.arbiter.armed
        mode, reason = self.mode, self.reason
        if mode is Mode.ACTIVE and self.arbiter.paused():
            mode, reason = Mode.HOLD, "the deadman is released: hold it to go on"
        elif mode is Mode.ACTIVE:
            reason = armed.problem or ("" if armed.name else self.arbiter.barred)
        return Cycle(
            mode,
            reason,
            armed.name,
            self._requested,
            armed.gripper,
            self._sent,
            self._sent_gripper,
            self._limited_target + limited + (["unreachable"] if armed.problem else []),
        )
