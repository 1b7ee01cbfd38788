from __future__ import annotations

import numpy as np
import pytest

from arvla_ros.robots import wx250s
from arvla_ros.robots.contract import RobotContract
from arvla_ros.sim.env import RolloutEnv
from arvla_ros.sim.expert import make_expert
from arvla_ros.sim.rendering import mujoco
from arvla_ros.sim.score import ScoreConfig, ScoreError, run_episode, score
from arvla_ros.sim.stack3_expert import Stack3Expert, Stack3Style
from arvla_ros.sim.tasks import TaskError, make_task
from arvla_ros.sim.tasks.stack3 import CUPS, MILESTONES, covering_cup, is_picked

CONTRACT = RobotContract.load()


@pytest.fixture(scope="module")
def env() -> RolloutEnv:
    return RolloutEnv(make_task("stack3"), CONTRACT)


def run_until(env: RolloutEnv, expert: Stack3Expert, milestones: int) -> list[np.ndarray]:
    """Let the expert go on until it has reached so many milestones; return its actions."""
    actions = []
    while len(env.status().milestones) < milestones:
        assert not env.over, env.status().detail
        actions.append(expert.action(env.world))
        env.step(actions[-1])
    return actions


def test_the_expert_succeeds_with_either_cup_first(env: RolloutEnv) -> None:
    first = set()
    for seed in range(6):
        env.reset(seed)
        expert = make_expert("stack3", np.random.default_rng(seed))
        run_until(env, expert, 2)
        covering = covering_cup(env.world)
        assert covering is not None
        first.add(covering)
        run_until(env, expert, 4)
        assert env.status().score == 1.0
        assert env.status().milestones == MILESTONES
    assert first == set(CUPS)


def test_its_actions_are_within_what_a_policy_may_command(env: RolloutEnv) -> None:
    state = env.reset(1).state
    expert = make_expert("stack3", np.random.default_rng(1))
    while not env.over:
        action = expert.action(env.world)
        assert action.shape == (7,)
        assert np.abs(action[:6]).max() <= wx250s.ARM_VELOCITY / CONTRACT.control_rate_hz
        assert wx250s.OPENING_LOWER <= action[6] <= wx250s.OPENING_UPPER
        target = state[:6] + action[:6]
        assert (target >= wx250s.ARM_LOWER).all()
        assert (target <= wx250s.ARM_UPPER).all()
        state = env.step(action).state


def test_the_same_draw_gives_the_same_demonstration_and_another_one_another(env: RolloutEnv) -> None:
    def demonstrate(draw: int) -> np.ndarray:
        env.reset(2)
        return np.stack(run_until(env, make_expert("stack3", np.random.default_rng(draw)), 1))

    first = demonstrate(0)
    np.testing.assert_array_equal(first, demonstrate(0))
    assert not np.array_equal(first[:10], demonstrate(1)[:10])


def test_a_missed_grasp_is_noticed_and_tried_again(env: RolloutEnv) -> None:
    closings = []
    for seed in range(3):
        env.reset(seed)
        rng = np.random.default_rng(seed)
        actions = np.stack(run_until(env, make_expert("stack3", rng, miss=0.6), 4))
        closed = actions[:, 6] < 0.05
        closings.append(int((closed[1:] & ~closed[:-1]).sum()))
    assert min(closings) >= 2
    assert max(closings) > 2


@pytest.mark.parametrize("steps_before", [8, 75])
def test_after_a_shove_of_the_arm_it_goes_on(env: RolloutEnv, steps_before: int) -> None:
    env.reset(4)
    expert = Stack3Expert(np.random.default_rng(4))
    for _ in range(steps_before):
        env.step(expert.action(env.world))
    for _ in range(6):
        env.step(np.array([0.25, -0.1, 0, 0, 0, 0, wx250s.OPENING_UPPER], np.float32))
    run_until(env, expert, 4)


def test_a_cup_that_is_snatched_from_the_hand_is_fetched_again(env: RolloutEnv) -> None:
    env.reset(5)
    expert = Stack3Expert(np.random.default_rng(5))
    run_until(env, expert, 1)
    taken = next(cup for cup in CUPS if is_picked(env.world, cup))
    place = env.world.scenario.objects[taken.name]
    env.world.data.joint(taken.name).qpos = [place.x, place.y, 0, 1, 0, 0, 0]
    env.world.data.joint(taken.name).qvel = 0
    mujoco.mj_forward(env.world.model, env.world.data)
    run_until(env, expert, 4)


def test_what_lies_out_of_reach_is_left_alone(env: RolloutEnv) -> None:
    env.reset(6)
    for cup in CUPS:
        env.world.data.joint(cup.name).qpos[:2] = [0.60, 0.2 if cup == CUPS[0] else -0.2]
    expert = Stack3Expert(np.random.default_rng(6))
    for _ in range(60):
        env.step(expert.action(env.world))
    np.testing.assert_allclose(env.world.state()[:6], wx250s.READY, atol=0.2)
    assert env.status().score == 0.0


def test_between_the_cups_the_hand_rests_where_it_always_rests(env: RolloutEnv) -> None:
    ready = wx250s.forward_kinematics(wx250s.READY)[:3, 3]
    for seed in range(3):
        env.reset(seed)
        expert = make_expert("stack3", np.random.default_rng(seed))
        run_until(env, expert, 2)
        hands = []
        while len(env.status().milestones) == 2:
            env.step(expert.action(env.world))
            hands.append(env.world.ee_pose()[:3, 3])
        at_rest = np.linalg.norm(np.stack(hands) - ready, axis=1) < 0.016
        assert at_rest.sum() >= 4


def test_demonstrators_differ() -> None:
    assert len({Stack3Style.draw(np.random.default_rng(seed)) for seed in range(5)}) == 5


def test_scoring_counts_successes_and_milestones(capsys: pytest.CaptureFixture[str]) -> None:
    assert score(ScoreConfig(task="stack3", episodes=2, workers=1, first_seed=20)) == 0
    told = capsys.readouterr().out
    assert "stack3, seeds 20-21: 2 of 2 succeeded, mean score 1.000" in told
    assert all(f"2 {milestone}" in told for milestone in MILESTONES)
    assert run_episode(ScoreConfig(task="reach"), seed=3).success


@pytest.mark.parametrize("changed", [{"episodes": 0}, {"workers": -1}, {"miss": 1.5}, {"disturb": -0.1}])
def test_options_out_of_range_are_refused(changed: dict[str, float]) -> None:
    with pytest.raises(ScoreError, match=next(iter(changed))):
        score(ScoreConfig(**changed))


def test_an_unknown_task_is_refused() -> None:
    with pytest.raises(TaskError, match="task 'juggle' is none of reach, stack3, pusht2"):
        score(ScoreConfig(task="juggle"))
