"""Whatever is asked, whenever and by whom, nothing that breaks a limit of the arm is ever sent."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from arvla_ros.control.arbitration import SOURCES, Command
from arvla_ros.control.guard import Goal, Guard, Mode
from arvla_ros.control.joint_state_watch import Reading
from arvla_ros.control.safety import SafetyFilter
from arvla_ros.control.workspace import Workspace
from arvla_ros.robots import wx250s

PERIOD = 0.02
SHORTEST_GAP = PERIOD / 4
LIMITS = wx250s.LIMITS
COMMANDS_A_RUN = 60
RUNS = 200
GOALS = (Goal("home", wx250s.READY, wx250s.OPENING_UPPER), Goal("sleep pose", wx250s.SLEEP))
EVENTS = ("enable", "enable", "home", "sleep", "estop", "release", "button", "fault", "disable", "slower", "faster",
          "deadman", "let go", "clock", "no states", "dry run", "wet run", "stall")  # fmt: skip


class Run:
    """A guard with random company; every pose that it sends is checked against the one before."""

    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)
        low, high = wx250s.WORKSPACE_LOWER, wx250s.WORKSPACE_UPPER
        if self.random.random() < 0.5:
            low, high = np.array([-0.3, -0.2, 0.03]), np.array([0.4, 0.25, 0.5])
        self.workspace = Workspace(wx250s.extreme_points, low, high)
        self.safety = SafetyFilter(
            LIMITS, acceleration=wx250s.ARM_ACCELERATION, workspace=self.workspace, period_s=PERIOD
        )
        self.guard = Guard(self.safety, PERIOD)
        self.now = self.cycled_at = 100.0
        self.measured = wx250s.READY
        self.states = True
        self.before: tuple[np.ndarray, np.ndarray] | None = None
        self.moved = 0
        self.guard.cycle(self.now)
        self.guard.on_state(Reading(self.measured, 0.05), self.now)

    def cycle(self, at: float) -> None:
        self.now = at
        if self.states:
            self.guard.on_state(Reading(self.measured, 0.05), at)
        cycle = self.guard.cycle(at)
        dt, self.cycled_at = at - self.cycled_at, at
        if cycle.sent is None:
            self.before = None
            return
        self.check(cycle.sent, dt)
        assert LIMITS.gripper_lower <= cycle.sent_gripper <= LIMITS.gripper_upper
        if not self.guard.dry_run:
            self.measured = cycle.sent

    def check(self, sent: np.ndarray, dt: float) -> None:
        assert np.all((sent >= LIMITS.lower) & (sent <= LIMITS.upper))
        assert self.workspace.contains(sent)
        joints, velocity = self.before if self.before is not None else (self.measured, np.zeros(6))
        if dt > 2.5 * PERIOD:
            velocity = np.zeros(6)  # the arm has been at rest at the last pose
        dt = min(dt, PERIOD)
        now = (sent - joints) / dt
        cap = self.safety.max_joint_velocity * self.safety.speed_scale
        allowed = np.maximum(cap, np.abs(velocity) - wx250s.ARM_ACCELERATION * dt)
        assert np.all(np.abs(now) <= allowed + 1e-6)
        assert np.abs(now - velocity).max() <= wx250s.ARM_ACCELERATION * dt + 1e-6
        self.moved += bool(np.abs(now).max() > 1e-3)
        self.before = sent, now

    def until(self, end: float) -> None:
        while self.cycled_at + PERIOD <= end:
            self.cycle(self.cycled_at + PERIOD * (1 + 0.1 * self.random.random()))
        self.now = max(self.now, end)

    def joints(self) -> np.ndarray:
        near = self.before[0] if self.before is not None else self.measured
        kind = self.random.random()
        if kind < 0.6:
            return near + self.random.normal(0, 0.3, 6)
        if kind < 0.8:
            return self.random.uniform(LIMITS.lower - 0.5, LIMITS.upper + 0.5)
        joints = self.random.uniform(-3, 3, 6)
        joints[self.random.integers(6)] = self.random.choice([1e308, -1e308, 1e9, 6.0, np.nan, np.inf, -np.inf])
        return joints if kind < 0.97 else joints[: self.random.integers(6)]

    def command(self) -> None:
        source = str(self.random.choice(["action_expert"] * 8 + [*SOURCES, "", "x" * 1000]))
        age = float(self.random.choice([0.0] * 20 + [-5.0, 5.0, -0.05, 0.2]))
        gripper = float(self.random.choice([0.05, 0.06, 0.0, 1e9, -1.0] * 5 + [np.nan, np.inf]))
        joints = None if self.random.random() < 0.05 else self.joints()
        command = Command(source, joints, gripper, self.now - age, age, "out of reach" if joints is None else "")
        if not self.guard.on_command(command, self.now) and self.now - self.cycled_at >= SHORTEST_GAP:
            self.cycle(self.now)

    def starts_anew(self, yes: bool) -> None:
        """What a dry run has sent never reached the arm: the next pose is compared with where the arm is."""
        if yes:
            self.before = None

    def happen(self, event: str) -> None:
        guard = self.guard
        if event == "enable":
            self.states = True
            guard.on_state(Reading(self.measured, 0.05), self.now)
            guard.release_estop()
            self.starts_anew(guard.dry_run and guard.enable(self.now)[0])
            guard.enable(self.now)
        elif event in ("home", "sleep"):
            moves, _ = guard.go_to(GOALS[event == "sleep"], self.now)
            self.starts_anew(guard.dry_run and moves)
        elif event in ("estop", "button"):
            guard.press_estop(stays=event == "estop")
            # It stops dead: no faster than the arm's own lag, which is not the guard's to limit.
            self.before = (self.before[0], np.zeros(6)) if self.before else None
        elif event == "release":
            guard.release_estop()
        elif event == "fault":
            guard.on_fault("joint states are not finite")
        elif event == "disable":
            guard.disable("stopped by hand")
        elif event in ("slower", "faster"):
            self.safety.speed_scale = 0.1 if event == "slower" else 1.0
        elif event in ("deadman", "let go"):
            guard.arbiter.deadman_required = bool(self.random.integers(2))
            guard.arbiter.on_deadman(event == "deadman", self.now)
        elif event == "clock":
            guard.on_clock_jump("the ROS clock jumped")
        elif event == "no states":
            self.states = False
        elif event == "stall":
            self.now += 0.3
        elif event in ("dry run", "wet run"):
            self.starts_anew(guard.dry_run and event == "wet run")
            guard.set_dry_run(event == "dry run")


@settings(max_examples=RUNS, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.02, 0.0333, 0.1, 0.007, 0.2]), st.floats(0.0, 0.3))
def test_whatever_is_asked_nothing_leaves_the_limits_of_position_velocity_acceleration_and_workspace(
    seed: int, interval: float, disorder: float
) -> None:
    run = Run(seed)
    run.happen("enable")
    for _ in range(COMMANDS_A_RUN):
        run.until(run.now + interval * run.random.uniform(0.5, 1.5))
        run.command()
        if run.random.random() < disorder:
            run.happen(str(run.random.choice(EVENTS)))


def test_the_random_runs_do_move_the_arm() -> None:
    """The property above would hold for a guard that sends nothing, too."""
    runs = [Run(seed) for seed in range(20)]
    for run in runs:
        run.happen("enable")
        for _ in range(COMMANDS_A_RUN):
            run.until(run.now + 0.05)
            run.happen("enable") if run.guard.mode is not Mode.ACTIVE else run.command()
    assert np.median([run.moved for run in runs]) > 30
