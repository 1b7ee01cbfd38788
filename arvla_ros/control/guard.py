"""The guard's state machine: who may move the arm, when it holds, and what it sends at its own steady rate."""

from __future__ import annotations

import enum
import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from arvla_ros.control.arbitration import SOURCES, Arbiter, Command, Refusal
from arvla_ros.control.braking import approach
from arvla_ros.control.following import FollowingWatch
from arvla_ros.control.joint_state_watch import Reading
from arvla_ros.control.safety import Pose, SafetyFilter

# rad/s and rad/s² of the fastest joint on the way home, to sleep, or back to where a blocked arm is.
TRAVEL_SPEED = 0.8
TRAVEL_ACCELERATION = 2.0
# rad: closer than this to the goal counts as there.
GOAL_TOLERANCE = 1e-4
# s: a way to the goal that makes no headway for this long is blocked.
PATIENCE_S = 2.0
# rad a cycle: less is rest.
SLOWEST_STEP = 1e-4
# Armed again, the arm counts as moved by someone else when measured and last sent joints differ by this much, rad ...
FOLLOWING_TOLERANCE = 0.1
# ... although nothing has been sent for this long that would move it; s.
SETTLING_S = 0.5
# A reading older than this is not where the arm is now; s.
FRESH_S = 0.1
# rad beyond its limits that a measured joint may be: the encoder's steps, and an arm pushed into its end stop.
LIMIT_SLACK = 0.05
# Cycles without a call after which the arm has come to rest at the last sent pose, whatever its speed was.
REST_CYCLES = 2.5


class Mode(enum.IntEnum):
    """What the guard is doing; the values are those of GuardState.msg."""

    DISARMED = 0
    ACTIVE = 1
    HOLD = 2
    HOMING = 3
    ESTOP = 4


@dataclass
class Timeouts:
    """Ages in seconds beyond which the arm holds."""

    command_timeout_s: float = 0.5
    state_timeout_s: float = 0.5


@dataclass(frozen=True)
class Goal:
    """Where the guard itself takes the arm: joints in rad, opening in m (not finite: as it is), and its name."""

    name: str
    joints: Pose
    gripper: float = math.nan


@dataclass(frozen=True)
class Cycle:
    """What one cycle of the guard sent, and what had been asked for. ``sent`` is None when nothing may be sent."""

    mode: Mode
    reason: str
    source: str
    requested: Pose | None
    requested_gripper: float
    sent: Pose | None
    sent_gripper: float
    limited: list[str] = field(default_factory=list)


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
        self._estop = False
        self.dry_run = False
        self._blocked: dict[str, str] = {}
        self._following = FollowingWatch(names)
        self._measured: Reading | None = None
        self._measured_at = float("-inf")
        self._state_refusal = ""
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
        return None if self._measured is None else self._measured.joints

    @property
    def measured(self) -> Reading | None:
        """The last believable reading, or None."""
        return self._measured

    def on_state(self, reading: Reading, now: float) -> None:
        """Take in what was measured."""
        self._measured, self._measured_at = reading, now
        self._state_refusal = ""

    def on_refused_state(self, reason: str) -> None:
        """Take in why joint states cannot be believed: what the arm holds for, if none come that can."""
        self._state_refusal = reason

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
            self._hold(f"{command.source}: {command.hold}")
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
        self._blocked[key] = reason
        if self.mode is not Mode.ESTOP:
            self._hold(reason)

    def unblock(self, key: str) -> None:
        """Take back ``block``; a person still has to arm."""
        self._blocked.pop(key, None)

    def forget(self) -> None:
        """Send nothing until armed anew, and that only once the arm has been measured again: its torque is off."""
        self._sent, self._measured = None, None
        self._velocity = np.zeros_like(self._velocity)
        if self.mode is not Mode.ESTOP:
            self._hold(self.reason)

    def press_estop(self, stays: bool = True) -> None:
        """Stop at once. A switch that ``stays`` pressed keeps the guard from being armed until it is released."""
        self._estop = self._estop or stays
        self.mode, self.reason = Mode.ESTOP, "e-stop"
        self._velocity = np.zeros_like(self._velocity)
        self._drop_target()

    def release_estop(self) -> None:
        """Release the e-stop. The guard still waits to be armed."""
        self._estop = False

    def set_dry_run(self, on: bool) -> None:
        """Say whether what is sent reaches the arm. It may from now on: go on from where the arm is."""
        if self.dry_run and not on and self._sent is not None and self._measured is not None:
            self._begin_at(self._measured)
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
        if self._estop:
            return "the e-stop is pressed: publish false on /estop first"
        if self._blocked:
            return next(iter(self._blocked.values()))
        if self._measured is None:
            return "no joint states yet: is the driver running?"
        if now - self._measured_at > self.timeouts.state_timeout_s:
            return f"joint states are {now - self._measured_at:.2f} s old: is the driver running?"
        limits, joints = self._safety.limits, self._measured.joints
        outside = (joints < limits.lower - LIMIT_SLACK) | (joints > limits.upper + LIMIT_SLACK)
        for index in np.flatnonzero(outside):
            return (
                f"{limits.names[index]} is measured at {joints[index]:.2f} rad, outside its limits "
                f"{limits.lower[index]:.2f} to {limits.upper[index]:.2f}: bring it inside by hand"
            )
        return ""

    def _check(self, now: float) -> None:
        if self.mode not in (Mode.ACTIVE, Mode.HOMING):
            return
        armed = self.arbiter.armed
        state_age, command_age = now - self._measured_at, now - armed.commanded_at
        if state_age > self.timeouts.state_timeout_s:
            refused = f"; the last ones: {self._state_refusal}" if self._state_refusal else ""
            self._hold(f"no joint states for {state_age:.2f} s{refused}")
        elif lost := self.arbiter.deadman_lost(now):
            self._hold(lost)
        elif self.arbiter.paused():
            self.arbiter.rest(now)
        elif armed.name and command_age > self.timeouts.command_timeout_s:
            refused = f"; the last one: {self.arbiter.last_refusal}" if self.arbiter.last_refusal else ""
            self._hold(f"no command from {armed.name!r} for {command_age:.2f} s{refused}")
        elif not self.dry_run and self._sent is not None and self._measured is not None:
            blocked = self._following.check(self._sent, self._velocity, self._measured.joints, now)
            if blocked:
                # Going on pushing would only overload the servos: what is sent goes back to where the arm is.
                self._hold(blocked)
                self._goal = Goal("where it is", self._measured.joints)

    def _wanted(self, now: float, dt: float) -> Pose:
        """Return the velocity wanted for this cycle: towards the target, towards a goal of the guard, or to rest."""
        assert self._sent is not None
        if self._goal is not None:
            return self._travel(self._goal.joints - self._sent, dt)
        target = self.arbiter.armed.target
        if self.mode is Mode.ACTIVE and target is not None:
            left = max(self.arbiter.armed.commanded_at + self.arbiter.armed.segment_s - now, 0.0)
            return approach(target - self._sent, left, self._safety.acceleration, self._period_s)
        return np.zeros_like(self._velocity)

    def _travel(self, way: Pose, dt: float) -> Pose:
        """Return a velocity along ``way`` that starts, goes and ends gently."""
        acceleration = min(TRAVEL_ACCELERATION, self._safety.acceleration)
        wanted = approach(way, 0.0, acceleration, self._period_s)
        fastest = min(TRAVEL_SPEED * self._safety.speed_scale, float(np.abs(self._velocity).max()) + acceleration * dt)
        return wanted * min(1.0, fastest / max(float(np.abs(wanted).max()), 1e-12))

    def _arrive(self, now: float) -> None:
        assert self._goal is not None
        assert self._sent is not None
        if np.abs(self._sent - self._goal.joints).max() < GOAL_TOLERANCE:
            if math.isfinite(self._goal.gripper):
                self._sent_gripper = self._goal.gripper
            self._hold(f"{self._goal.name} reached")
        elif now - self._moved_at > PATIENCE_S:
            self._hold(f"the way to {self._goal.name} leaves the workspace: bring the arm nearer by hand or by teleop")

    def _start_where_the_arm_is(self, now: float) -> None:
        """Begin at the last sent pose, or at the measured one if nothing was sent or someone has moved the arm."""
        assert self._measured is not None
        self._following.reset()
        if self._sent is not None and not self.dry_run:
            settled = now - self._moved_at > SETTLING_S and now - self._measured_at <= FRESH_S
            if not settled or np.abs(self._sent - self._measured.joints).max() <= FOLLOWING_TOLERANCE:
                return
        self._begin_at(self._measured)

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
        elif mode is Mode.ACTIVE and armed.problem:
            reason = armed.problem
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
