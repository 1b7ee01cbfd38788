"""One tick of the control loop: re-anchoring, graded staleness, commands without jumps."""

import numpy as np
import pytest

from arvla_ros.control.control_loop import LATE_JOINT_SPEED, ControlLoop, Mode
from arvla_ros.control.step_clock import StepClock
from arvla_ros.robots.contract import RobotContract

PERIOD_NS = 100_000_000
STATE = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.04], dtype=np.float32)


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


def run(loop: ControlLoop, first: int, last: int):
    return [loop.tick(k * PERIOD_NS, STATE) for k in range(first, last + 1)]


def test_without_a_prefix_nothing_is_commanded_but_the_history_grows(loop, policy):
    results = run(loop, 0, 3)
    assert all(result.mode is Mode.WAITING and result.joint_target is None for result in results)
    assert policy.steps == [0, 1, 2, 3]


def test_staleness_is_the_step_minus_the_anchor_at_every_tick(loop, policy):
    run(loop, 0, 4)
    loop.slot.offer("picture", 3 * PERIOD_NS)
    results = run(loop, 5, 8)
    assert policy.prefixes == [("picture", 3)]
    assert [result.staleness_steps for result in results] == [2, 3, 4, 5]
    assert [result.staleness_s for result in results] == pytest.approx([0.2, 0.3, 0.4, 0.5])


def test_a_fresh_picture_commands_what_the_policy_wants(loop):
    loop.slot.offer("picture", 0)
    (result,) = run(loop, 0, 0)
    assert result.mode is Mode.NORMAL
    np.testing.assert_allclose(result.joint_target, STATE[:6] + 0.1, atol=1e-6)
    assert result.gripper_opening == pytest.approx(0.05)


def test_a_late_picture_goes_on_with_a_speed_cap_in_the_same_direction(loop):
    loop.limits.late_s = 0.25
    loop.slot.offer("picture", 0)
    results = run(loop, 0, 6)
    assert [result.mode for result in results] == [Mode.NORMAL] * 3 + [Mode.LATE] * 4
    before = results[2].joint_target
    for result in results[3:]:
        assert np.abs(result.joint_target - before).max() <= LATE_JOINT_SPEED * 0.1 + 1e-9
        before = result.joint_target
    assert "late_staleness_s" in results[3].reason


def test_a_picture_too_old_brings_the_arm_to_rest_without_a_jump(loop, policy):
    loop.limits.late_s = loop.limits.max_s = 0.25
    loop.slot.offer("picture", 0)
    run(loop, 0, 0)
    policy.action = np.array([0.15] * 6 + [0.05], dtype=np.float32)
    results = run(loop, 1, 20)
    assert results[-1].mode is Mode.HOLD
    steps = np.abs(np.diff([result.joint_target[0] for result in results[2:]]))
    assert np.all(np.diff(steps) <= 1e-12), "the speed only falls"
    assert steps[-1] < 1e-4
    assert policy.steps == list(range(21)), "the history goes on in shadow"


def test_an_action_that_is_not_finite_holds(loop, policy):
    loop.slot.offer("picture", 0)
    run(loop, 0, 1)
    policy.action = np.full(7, np.nan, dtype=np.float32)
    (result,) = run(loop, 2, 2)
    assert result.mode is Mode.HOLD
    assert np.isfinite(result.joint_target).all()
    assert "not finite" in result.reason


def test_reset_forgets_the_prefix_and_starts_at_step_zero(loop, policy):
    loop.slot.offer("picture", 0)
    run(loop, 0, 3)
    loop.reset(10 * PERIOD_NS)
    result = loop.tick(10 * PERIOD_NS, STATE)
    assert (result.step, result.mode) == (0, Mode.WAITING)
    assert policy.resets == 2
