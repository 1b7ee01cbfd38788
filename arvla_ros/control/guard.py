"""The guard's state machine: who may move the arm, when it holds, and what it sends at its own steady rate."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field

import numpy as np

from arvla_ros.control.safety import Pose, SafetyFilter

# Longest time over which a new target is approached: commands that come slower than this are held at their target.
LONGEST_SEGMENT_S = 0.2
# Share of the speed that is kept from one cycle to the next while coming to rest: 50 ms to a tenth, at 50 Hz.
BRAKE_DECAY = 0.4
# rad/s of the fastest joint on the way home.
HOME_SPEED = 0.8
# It slows down towards home: speed (rad/s) per rad left, and the speed of the last stretch.
HOME_SLOW_DOWN = 4.0
HOME_CREEP = 0.02
# rad: closer than this to home counts as there.
HOME_TOLERANCE = 1e-4
# rad a cycle: less is rest.
SLOWEST_STEP = 1e-4
# Armed again, the arm counts as moved by someone else when measured and last sent joints differ by this much, rad ...
FOLLOWING_TOLERANCE = 0.1
# ... although nothing has been sent for this long that would move it; s.
SETTLING_S = 0.5
# A reading older than this is not where the arm is now; s.
FRESH_S = 0.1


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


@dataclass
class _ArmedSource:
    """The source that gets through, its newest command, and when that is to be reached."""

    name: str = ""
    target: Pose | None = None
    gripper: float = float("nan")
    stamp: float = float("-inf")
    commanded_at: float = float("-inf")
    segment_s: float = 0.0


class Guard:
    """Passes on one armed source within limits; holds on silence, on faults and on the e-stop, and stays so.

    Times are seconds on one clock that the caller chooses. Nothing is sent before the first time it is armed or sent
    home. After a fault, a lost source or an e-stop only ``enable`` (a person) lets commands through again; the reason
    stays readable until then.
    """

    def __init__(self, safety: SafetyFilter, home: Pose, home_gripper: float, period_s: float = 0.02) -> None:
        """Create a disarmed guard that cycles every ``period_s``; ``home`` in rad, ``home_gripper`` in m."""
        self.timeouts = Timeouts()
        self.mode = Mode.DISARMED
        self.reason = "not armed yet: call /guard/enable"
        self.refused = 0
        self._safety = safety
        self._home = home
        self._home_gripper = home_gripper
        self._period_s = period_s
        self._estop = False
        self._measured: Pose | None = None
        self._measured_gripper = float("nan")
        self._measured_at = float("-inf")
        self._sent: Pose | None = None
        self._sent_gripper = float("nan")
        self._step: Pose = np.zeros_like(home)
        self._cycled_at = float("-inf")
        self._moved_at = float("-inf")
        self._source = _ArmedSource()

    def on_state(self, joints: Pose, gripper: float, now: float) -> None:
        """Take in measured joints (rad) and gripper opening (m); an implausible reading makes an armed guard hold."""
        if not np.isfinite(joints).all() or not np.isfinite(gripper):
            self._fault("joint states are not finite")
        elif np.all(np.abs(joints + np.pi) < 1e-3):
            # A failed bus read of the Interbotix driver: -pi for every joint, with a fresh stamp.
            self._fault("joint states read -pi for all joints: failed bus read")
        else:
            self._measured, self._measured_gripper, self._measured_at = joints, gripper, now

    def on_command(self, source: str, joints: Pose, gripper: float, stamp: float, now: float) -> str:
        """Take in a target of a source; return why it was refused, or an empty string."""
        refusal = self._refusal(source, joints, gripper, stamp, now)
        if refusal:
            self.refused += 1
            return refusal
        segment_s = min(now - self._source.commanded_at, LONGEST_SEGMENT_S)
        self._source = _ArmedSource(source, joints, gripper, stamp, now, segment_s)
        return ""

    def enable(self, now: float) -> tuple[bool, str]:
        """Arm: the first source that commands now gets through. Return (done, message)."""
        problem = self._not_ready(now)
        if problem:
            return False, problem
        self._start_where_the_arm_is(now)
        self._source = _ArmedSource()
        self.mode, self.reason = Mode.ACTIVE, ""
        return True, "armed"

    def disable(self, reason: str) -> None:
        """Disarm: brake, then keep sending the last safe pose; no source gets through."""
        if self.mode is not Mode.ESTOP:
            self._hold(reason)

    def go_home(self, now: float) -> tuple[bool, str]:
        """Start moving to the home pose, whatever source was armed. Return (done, message)."""
        problem = self._not_ready(now)
        if problem:
            return False, problem
        self._start_where_the_arm_is(now)
        self._source = _ArmedSource()
        self.mode, self.reason = Mode.HOMING, "moving home"
        return True, "moving home"

    def set_estop(self, pressed: bool) -> None:
        """Press or release the e-stop. Released, the guard still waits to be armed."""
        self._estop = pressed
        if pressed:
            self.mode, self.reason = Mode.ESTOP, "e-stop"
            self._step = np.zeros_like(self._step)
            self._source = _ArmedSource()

    def cycle(self, now: float) -> Cycle:
        """Compute what to send now. Call it at a steady rate; a longer gap does not allow a longer step."""
        self._check_silence(now)
        elapsed = min(max(now - self._cycled_at, 0.0), self._period_s)
        self._cycled_at = now
        if self._sent is None or self.mode is Mode.DISARMED:
            return self._report(None, [])
        wanted, gripper = self._wanted(now, elapsed)
        safe = self._safety.apply(wanted, gripper, self._sent, elapsed)
        self._step = safe.joints - self._sent
        if np.abs(self._step).max() > SLOWEST_STEP:
            self._moved_at = now
        self._sent, self._sent_gripper = safe.joints, safe.gripper
        if self.mode is Mode.HOMING and np.abs(self._sent - self._home).max() < HOME_TOLERANCE:
            self._step = np.zeros_like(self._step)
            self._hold("home reached")
        return self._report(self._sent, safe.limited)

    def _refusal(self, source: str, joints: Pose, gripper: float, stamp: float, now: float) -> str:
        if self.mode is not Mode.ACTIVE:
            return f"not armed: {self.reason}"
        if self._source.name and source != self._source.name:
            return f"source {source!r} is not the armed one, {self._source.name!r} is"
        if stamp <= self._source.stamp:
            return "command is not newer than the last one"
        if now - stamp > self.timeouts.command_timeout_s:
            return f"command is {now - stamp:.2f} s old"
        if joints.shape != self._home.shape:
            return f"command has {joints.size} joints, the arm has {self._home.size}"
        if not np.isfinite(joints).all() or not np.isfinite(gripper):
            self._fault(f"command of {source!r} is not finite")
            return self.reason
        return ""

    def _not_ready(self, now: float) -> str:
        if self._estop:
            return "the e-stop is pressed: publish false on /estop first"
        if self._measured is None:
            return "no joint states yet: is the driver running?"
        if now - self._measured_at > self.timeouts.state_timeout_s:
            return f"joint states are {now - self._measured_at:.2f} s old: is the driver running?"
        return ""

    def _check_silence(self, now: float) -> None:
        if self.mode not in (Mode.ACTIVE, Mode.HOMING):
            return
        state_age = now - self._measured_at
        command_age = now - self._source.commanded_at
        if state_age > self.timeouts.state_timeout_s:
            self._fault(f"no joint states for {state_age:.2f} s")
        elif self.mode is Mode.ACTIVE and self._source.name and command_age > self.timeouts.command_timeout_s:
            self._fault(f"no command from {self._source.name!r} for {command_age:.2f} s")

    def _wanted(self, now: float, elapsed: float) -> tuple[Pose, float]:
        """Return the unlimited pose for this cycle: on the way to the target, to home, or to rest."""
        assert self._sent is not None
        if self.mode is Mode.HOMING:
            way = self._home - self._sent
            distance = max(float(np.abs(way).max()), 1e-9)
            speed = min(HOME_SPEED, HOME_SLOW_DOWN * distance + HOME_CREEP) * self._safety.speed_scale
            share = min(1.0, speed * elapsed / distance)
            return self._sent + share * way, self._home_gripper
        if self.mode is Mode.ACTIVE and self._source.target is not None:
            left = self._source.commanded_at + self._source.segment_s - now
            share = 1.0 if left <= 0 else min(1.0, elapsed / (left + elapsed))
            return self._sent + share * (self._source.target - self._sent), self._source.gripper
        return self._sent + BRAKE_DECAY * self._step, self._sent_gripper

    def _start_where_the_arm_is(self, now: float) -> None:
        """Begin at the last sent pose, or at the measured one if nothing was sent or someone has moved the arm."""
        assert self._measured is not None
        if self._sent is not None:
            settled = now - self._moved_at > SETTLING_S and now - self._measured_at <= FRESH_S
            if not settled or np.abs(self._sent - self._measured).max() <= FOLLOWING_TOLERANCE:
                return
        self._sent, self._sent_gripper = self._measured, self._measured_gripper
        self._step = np.zeros_like(self._step)

    def _fault(self, reason: str) -> None:
        if self.mode in (Mode.ACTIVE, Mode.HOMING):
            self._hold(reason)

    def _hold(self, reason: str) -> None:
        self.mode = Mode.HOLD if self._sent is not None else Mode.DISARMED
        self.reason = reason
        self._source = _ArmedSource()

    def _report(self, sent: Pose | None, limited: list[str]) -> Cycle:
        return Cycle(
            self.mode,
            self.reason,
            self._source.name,
            self._source.target,
            self._source.gripper,
            sent,
            self._sent_gripper,
            limited,
        )
