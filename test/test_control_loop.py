"""One tick of the control loop: re-anchoring, graded staleness, commands without jumps."""

from dataclasses import replace

import numpy as np
import pytest

from arvla_ros.control.control_loop import (
    FASTEST_JOINT_SPEED,
    LATE_JOINT_SPEED,
    ControlLoop,
    Mode,
    StepResult,
)
from arvla_ros.control.joint_state_watch import Reading
from arvla_ros.control.step_clock import StepClock
from arvla_ros.robots import rotations, wx250s
from arvla_ros.robots.contract import RobotContract

PERIOD_NS = 100_000_000
JOINTS = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6])
ARM = Reading(JOINTS, 0.04)


class ConstantPolicy:
    """Always moves every joint by ``delta`` rad; keeps what it was given."""

    def __init__(self, delta: float = 0.1) -> None:
        self.action = np.array([delta] * 6 + [0.05], dtype=np.float32)
        self.prefixes: list[tuple[str, int]] = []
        self.steps: list[int] = []
        self.resets = 0

    def reset(self) -> None:
        self.resets += 1

    def set_prefix(self, prefix: str, anchor_step: int) -> None:
        self.prefixes.append((prefix, anchor_step))

    def step(self, step: int, state: np.ndarray) -> np.ndarray:
        self.steps.append(step)
        return self.action


@pytest.fixture
def policy() -> ConstantPolicy:
    return ConstantPolicy()


@pytest.fixture
def loop(policy) -> ControlLoop:
    loop = ControlLoop(policy, RobotContract.load(), StepClock(10.0))
    loop.reset(0)
    return loop


def run(loop: ControlLoop, first: int, last: int, arm: Reading | None = ARM) -> list[StepResult]:
    return [loop.tick(k * PERIOD_NS, arm) for k in range(first, last + 1)]


def test_without_a_prefix_nothing_is_commanded_but_the_history_grows(loop, policy):
    results = run(loop, 0, 3)
    assert all(result.mode is Mode.WAITING and result.command is None for result in results)
    assert policy.steps == [0, 1, 2, 3]


def test_staleness_is_the_step_minus_the_anchor_at_every_tick(loop, policy):
    run(loop, 0, 4)
    loop.slot.offer("picture", 3 * PERIOD_NS)
    results = run(loop, 5, 8)
    assert policy.prefixes == [("picture", 3)]
    assert [result.staleness_steps for result in results] == [2, 3, 4, 5]
    assert [result.staleness_s for result in results] == pytest.approx([0.2, 0.3, 0.4, 0.5])


def test_a_fresh_picture_commands_what_the_policy_wants(loop):
    loop.slot.offer("picture", 1)
    (result,) = run(loop, 0, 0)
    assert result.mode is Mode.NORMAL
    np.testing.assert_allclose(result.command.joints, JOINTS + 0.1, atol=1e-6)
    assert result.command.opening == pytest.approx(0.05)


def test_a_late_picture_goes_on_with_a_speed_cap_in_the_same_direction(loop):
    loop.limits.late_s = 0.25
    loop.slot.offer("picture", 1)
    results = run(loop, 0, 6)
    assert [result.mode for result in results] == [Mode.NORMAL] * 3 + [Mode.LATE] * 4
    before = results[2].command.joints
    for result in results[3:]:
        assert np.abs(result.command.joints - before).max() <= LATE_JOINT_SPEED * 0.1 + 1e-9
        before = result.command.joints
    assert "late_staleness_s" in results[3].reason


def test_a_picture_too_old_asks_the_guard_to_hold_and_says_why(loop, policy):
    loop.limits.late_s = loop.limits.max_s = 0.25
    loop.slot.offer("picture", 1)
    run(loop, 0, 2)
    for result in run(loop, 3, 20):
        assert (result.mode, result.command) == (Mode.HOLD, None)
        assert result.hold == result.reason
        assert "more than max_staleness_s 0.25" in result.reason
    assert policy.steps == list(range(21)), "the history goes on"


def test_before_the_first_joint_states_it_waits(loop, policy):
    (result,) = run(loop, 0, 0, None)
    assert (result.mode, result.reason) == (Mode.WAITING, "no usable joint states")
    assert policy.steps == []


def test_after_a_hold_commands_begin_where_the_arm_is(loop):
    loop.limits.late_s = loop.limits.max_s = 0.25
    loop.slot.offer("picture", 1)
    run(loop, 0, 20)
    moved = Reading(JOINTS + 1.0, 0.04)
    loop.slot.offer("picture", 20 * PERIOD_NS)
    (result,) = run(loop, 21, 21, moved)
    np.testing.assert_allclose(result.command.joints, moved.joints + 0.1, atol=1e-6)


def test_without_joint_states_it_is_silent_and_leaves_them_to_the_guard(loop):
    loop.slot.offer("picture", 1)
    run(loop, 0, 0)
    (result,) = run(loop, 1, 1, None)
    assert (result.mode, result.command, result.hold) == (Mode.HOLD, None, "")
    assert result.reason == "no usable joint states"


def test_a_short_lack_of_joint_states_is_ridden_out(loop, policy):
    loop.slot.offer("picture", 1)
    run(loop, 0, 3)
    (without,) = run(loop, 4, 4, None)
    (after,) = run(loop, 5, 5)
    assert (without.mode, after.mode) == (Mode.HOLD, Mode.NORMAL)
    assert policy.steps == [0, 1, 2, 3, 5], "the history keeps a gap"
    assert loop.counts["steps_without_joint_states"] == 1


def test_a_jump_of_three_rad_is_walked_at_the_speed_of_the_servos(loop, policy):
    policy.action = np.array([3.0] * 6 + [0.05], dtype=np.float32)
    loop.slot.offer("picture", 1)
    told = JOINTS
    for result in run(loop, 0, 5):
        assert np.abs(result.command.joints - told).max() <= FASTEST_JOINT_SPEED * 0.1 + 1e-9
        told = result.command.joints
    assert loop.counts["steps_shortened"] == 6


def test_the_target_does_not_run_away_from_an_arm_that_does_not_follow(loop, policy):
    policy.action = np.array([0.3] * 6 + [0.05], dtype=np.float32)
    loop.slot.offer("picture", 1)
    loop.limits.max_s = loop.limits.late_s = 100.0
    assert max(np.abs(result.command.joints - JOINTS).max() for result in run(loop, 0, 50)) <= 0.3 + 1e-6


def test_while_an_operator_moves_the_arm_the_history_goes_on_and_the_target_follows_the_arm(loop, policy):
    loop.slot.offer("picture", 1)
    loop.limits.max_s = loop.limits.late_s = 100.0
    for step in range(40):
        arm = Reading(JOINTS + 0.02 * step, 0.04)
        result = loop.tick(step * PERIOD_NS, arm)
        assert np.abs(result.command.joints - arm.joints).max() <= 0.1 + 1e-6
    assert policy.steps == list(range(40))


def test_an_action_that_is_not_finite_holds(loop, policy):
    loop.slot.offer("picture", 1)
    run(loop, 0, 1)
    policy.action = np.full(7, np.nan, dtype=np.float32)
    (result,) = run(loop, 2, 2)
    assert result.mode is Mode.HOLD
    assert result.command is None
    assert "not finite" in result.hold
    assert loop.counts["actions_not_finite"] == 1


def test_reset_forgets_the_prefix_and_starts_at_step_zero(loop, policy):
    loop.slot.offer("picture", 1)
    run(loop, 0, 3)
    loop.reset(10 * PERIOD_NS)
    result = loop.tick(10 * PERIOD_NS, ARM)
    assert (result.tick.step, result.mode) == (0, Mode.WAITING)
    assert policy.resets == 2


@pytest.mark.parametrize("now_ns", [2 * PERIOD_NS, 36_000 * PERIOD_NS])
def test_a_clock_that_jumps_starts_everything_over(loop, policy, now_ns):
    loop.slot.offer("picture", 1)
    run(loop, 0, 5)
    result = loop.tick(now_ns, ARM)
    assert (result.tick.step, result.mode, result.command) == (0, Mode.WAITING, None)
    assert policy.resets == 2
    assert loop.counts["starts_over_after_clock_jump_or_stall"] == 1
    loop.slot.offer("a new picture", now_ns)
    assert loop.tick(now_ns + PERIOD_NS, ARM).mode is Mode.NORMAL


def test_the_ages_of_a_picture_are_those_of_its_way_to_the_command(loop):
    run(loop, 0, 4)
    loop.slot.offer("picture", 2 * PERIOD_NS, 0.15)
    results = run(loop, 5, 6)
    assert [result.held.ready_age_s for result in results] == [0.15, 0.15]
    assert [result.held.first_used_s for result in results] == pytest.approx([0.3, 0.3])
    assert [result.staleness_s for result in results] == pytest.approx([0.3, 0.4])


def test_same_inputs_give_the_same_commands():
    def once() -> list[np.ndarray]:
        loop = ControlLoop(ConstantPolicy(), RobotContract.load(), StepClock(10.0))
        loop.reset(0)
        loop.slot.offer("picture", 1)
        return [result.command.joints for result in run(loop, 0, 10)]

    np.testing.assert_array_equal(once(), once())


class Downwards(ConstantPolicy):
    """Moves the hand straight down, far below the table in the end."""

    def __init__(self) -> None:
        super().__init__()
        self.action = np.array([0, 0, -0.03, 0, 0, 0, 1.0], dtype=np.float32)


def test_poses_of_the_hand_become_joints_and_one_out_of_reach_holds_and_says_why():
    loop = ControlLoop(Downwards(), replace(RobotContract.load(), action_space="bridge"), StepClock(10.0))
    loop.reset(0)
    loop.limits.max_s = loop.limits.late_s = 100.0
    loop.slot.offer("picture", 1)
    arm, heights = Reading(wx250s.READY, 0.07), []
    for step in range(40):
        result = loop.tick(step * PERIOD_NS, arm)
        arm = Reading(result.command.joints, 0.07)
        heights.append(wx250s.forward_kinematics(arm.joints)[2, 3])
    assert heights[0] == pytest.approx(0.21, abs=1e-6)
    assert heights[-1] == heights[-2] < 0.0
    assert "held: pose at" in result.reason
    assert "out of reach" in result.reason
    assert result.mode is Mode.NORMAL
    assert loop.counts["actions_not_followed"] > 0
    pose = wx250s.forward_kinematics(arm.joints)
    np.testing.assert_allclose(
        pose[:3, :3], rotations.to_matrix(rotations.from_rpy(np.array([0, np.pi / 2, 0]))), atol=1e-6
    )
