from __future__ import annotations

import numpy as np
import pytest

from arvla_ros.control.arbitration import Command
from arvla_ros.control.guard import Guard
from arvla_ros.control.joint_state_watch import Reading
from arvla_ros.control.safety import SafetyFilter
from arvla_ros.robots import wx250s
from arvla_ros.robots.contract import RobotContract
from arvla_ros.sim.env import GUARD_RATE_HZ, RolloutEnv
from arvla_ros.sim.expert import ReachExpert
from arvla_ros.sim.tasks import make_task
from arvla_ros.sim.world import WidowXWorld

CONTRACT = RobotContract.load()


@pytest.fixture(scope="module")
def env() -> RolloutEnv:
    return RolloutEnv(make_task("reach"), CONTRACT)


def random_actions(count: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    return np.column_stack([rng.normal(0, 0.2, (count, 6)), rng.uniform(0.0, 0.1, count)]).astype(np.float32)


def test_a_step_lasts_one_control_period(env: RolloutEnv) -> None:
    env.reset(0)
    env.step(random_actions(1)[0])
    assert env.world.elapsed == pytest.approx(1 / CONTRACT.control_rate_hz)


def test_same_seed_and_same_actions_give_the_same_states_and_pictures(env: RolloutEnv) -> None:
    def run() -> tuple[np.ndarray, np.ndarray]:
        env.reset(7)
        states = [env.step(action).state for action in random_actions(15)]
        return np.stack(states), env.render_policy_image()

    states, image = run()
    again, image_again = run()
    np.testing.assert_array_equal(states, again)
    np.testing.assert_array_equal(image, image_again)


def test_the_policy_image_is_the_camera_frame_through_the_contract(env: RolloutEnv) -> None:
    env.reset(0)
    np.testing.assert_array_equal(env.render_policy_image(), CONTRACT.image(env.world.render("side")))


def test_the_arm_goes_where_the_action_says(env: RolloutEnv) -> None:
    state = env.reset(0).state
    target, opening = CONTRACT.command(action := np.array([0.1, 0.05, -0.05, 0, 0, 0.1, 0.05], np.float32), state)
    env.step(action)
    still = np.append(target - env.world.state()[:6], opening).astype(np.float32)
    for _ in range(5):
        env.step(still)
        still = np.append(target - env.world.state()[:6], opening).astype(np.float32)
    np.testing.assert_allclose(env.world.state()[:6], target, atol=0.003)
    assert env.world.state()[6] == pytest.approx(opening, abs=0.002)


@pytest.mark.parametrize("action", [np.zeros(6, np.float32), np.zeros((1, 7), np.float32)])
def test_an_action_of_the_wrong_shape_is_refused(env: RolloutEnv, action: np.ndarray) -> None:
    env.reset(0)
    with pytest.raises(ValueError, match=r"action must have shape \[7\]"):
        env.step(action)


def test_an_action_that_is_not_finite_is_refused(env: RolloutEnv) -> None:
    env.reset(0)
    with pytest.raises(ValueError, match="not finite"):
        env.step(np.full(7, np.nan, np.float32))


def test_commands_are_limited_as_the_guard_limits_them(env: RolloutEnv) -> None:
    """The same targets through the guard's own code, at its own rate, move a second world in the same way."""
    env.reset(4)
    guarded = WidowXWorld(make_task("reach"), CONTRACT)
    scenario = guarded.reset(4)
    guard = Guard(SafetyFilter(wx250s.LIMITS), 1 / GUARD_RATE_HZ)
    cycles = round(GUARD_RATE_HZ / CONTRACT.control_rate_hz)
    tick = 1 / GUARD_RATE_HZ
    rest = Reading(scenario.arm, scenario.opening)
    guard.on_state(rest, 0.0)
    assert guard.enable(0.0)[0]
    # A first command tells the guard how far apart they come.
    guard.on_command(Command("replay", rest.joints, rest.opening, 0.0, 0.0), 0.0)
    guard.cycle(1 / CONTRACT.control_rate_hz - tick)
    start = 1 / CONTRACT.control_rate_hz
    for step, action in enumerate(random_actions(20)):
        now = start * (step + 1)
        target, opening = CONTRACT.command(action, guarded.state())
        guard.on_state(Reading(guarded.state()[:-1].astype(np.float64), opening), now)
        assert guard.on_command(Command("replay", target, opening, now, 0.0), now) == ""
        for cycle in range(cycles):
            sent = guard.cycle(now + cycle * tick)
            assert sent.sent is not None
            guarded.set_arm_target(sent.sent)
            guarded.set_gripper_target(sent.sent_gripper)
            guarded.advance(tick)
        env.step(action)
        np.testing.assert_allclose(env.world.data.qpos, guarded.data.qpos, atol=1e-6)


def test_an_episode_is_over_at_success_or_when_time_is_up(env: RolloutEnv) -> None:
    env.reset(0)
    expert = ReachExpert()
    steps = 0
    while not env.over:
        env.step(expert.action(env.world))
        steps += 1
    assert env.status().success
    assert env.world.elapsed == pytest.approx(steps / CONTRACT.control_rate_hz)
    assert env.world.elapsed < env.world.task.time_limit_s
