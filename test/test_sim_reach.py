from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arvla_ros.robots import wx250s
from arvla_ros.robots.contract import RobotContract
from arvla_ros.sim.env import RolloutEnv
from arvla_ros.sim.expert import Disturbance, ReachExpert, ReachStyle, make_expert, reach_action
from arvla_ros.sim.tasks import ObjectPose, TaskError, make_task
from arvla_ros.sim.tasks.reach import (
    PROPS,
    SEPARATION,
    START_LOWER,
    START_UPPER,
    X_RANGE,
    Y_RANGE,
    Reach,
    goal_above,
)

TASK = Reach()
FRESH_SEEDS = range(5000, 5010)


@pytest.fixture(scope="module")
def env() -> RolloutEnv:
    return RolloutEnv(make_task("reach"), RobotContract.load())


def run_to(env: RolloutEnv, goal: np.ndarray) -> None:
    """Bring the fingertips to a point that was chosen without looking, and stay there."""
    while not env.over:
        env.step(reach_action(env.world.state(), goal, ReachStyle()))


@given(st.integers(0, 2**32))
def test_layouts_lie_within_bounds_and_apart(seed: int) -> None:
    scenario = TASK.sample(np.random.default_rng(seed))
    assert set(scenario.objects) == {prop.name for prop in PROPS}
    assert scenario.instruction in TASK.instructions
    for place in scenario.objects.values():
        assert X_RANGE[0] <= place.x <= X_RANGE[1]
        assert Y_RANGE[0] <= place.y <= Y_RANGE[1]
    for a, b in itertools.combinations(scenario.objects.values(), 2):
        assert np.hypot(a.x - b.x, a.y - b.y) >= SEPARATION
    hand = wx250s.forward_kinematics(scenario.arm)[:3, 3]
    assert (hand >= START_LOWER - 1e-9).all()
    assert (hand <= START_UPPER + 1e-9).all()


def test_two_seeds_differ_and_one_seed_repeats() -> None:
    first, again, other = (TASK.sample(np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert first.objects == again.objects
    assert first.instruction == again.instruction
    assert first.objects != other.objects


def test_every_object_is_asked_for_about_as_often() -> None:
    asked = [TASK.target(TASK.sample(np.random.default_rng(seed)).instruction).name for seed in range(300)]
    assert all(70 < asked.count(prop.name) < 130 for prop in PROPS)


def test_every_instruction_names_its_object() -> None:
    assert len(set(TASK.instructions)) == 15
    for instruction in TASK.instructions:
        assert TASK.target(instruction).name in instruction


@pytest.mark.parametrize("instruction", ["reach the yellow duck", "", "blue battery"])
def test_an_unknown_instruction_is_refused_with_what_can_be_said(instruction: str) -> None:
    with pytest.raises(TaskError, match=r"'reach the \{\}'.*blue battery, green battery, red cup"):
        TASK.target(instruction)


def test_the_goal_is_two_centimetres_above_the_top(env: RolloutEnv) -> None:
    env.reset(0)
    for prop, height in zip(PROPS, (0.0345, 0.0345, 0.070), strict=True):
        goal = goal_above(env.world, prop)
        np.testing.assert_allclose(goal, env.world.object_pose(prop.name)[:3, 3] + [0, 0, height + 0.02], atol=1e-9)


def test_the_expert_succeeds_on_fresh_seeds_without_touching_anything(env: RolloutEnv) -> None:
    for seed in FRESH_SEEDS:
        env.reset(seed)
        before = {prop.name: env.world.object_pose(prop.name) for prop in PROPS}
        expert = make_expert("reach", np.random.default_rng(seed))
        while not env.over:
            env.step(expert.action(env.world))
        assert env.status().success, f"seed {seed}: {env.status().detail}"
        assert env.status().score == 1.0
        for name, pose in before.items():
            np.testing.assert_allclose(env.world.object_pose(name), pose, atol=1e-3)


def test_the_expert_recovers_from_pushes(env: RolloutEnv) -> None:
    successes = 0
    for seed in FRESH_SEEDS:
        env.reset(seed)
        rng = np.random.default_rng(seed)
        expert, disturbance = make_expert("reach", rng), Disturbance(rng)
        while not env.over:
            env.step(disturbance(expert.action(env.world)))
        successes += env.status().success
    assert successes >= 9


def test_above_another_object_is_a_failure(env: RolloutEnv) -> None:
    for seed in FRESH_SEEDS[:4]:
        env.reset(seed)
        asked_for = TASK.target(env.world.instruction)
        run_to(env, goal_above(env.world, next(prop for prop in PROPS if prop != asked_for)))
        assert not env.status().success
        assert env.status().score < 1.0


def test_the_middle_of_all_places_is_a_failure(env: RolloutEnv) -> None:
    middle = np.array([np.mean(X_RANGE), np.mean(Y_RANGE), 0.0])
    successes = 0
    for seed in FRESH_SEEDS:
        env.reset(seed)
        middle[2] = TASK.target(env.world.instruction).height + 0.02
        run_to(env, middle)
        successes += env.status().success
    assert successes <= 1


def test_standing_still_is_a_failure_with_a_low_score(env: RolloutEnv) -> None:
    env.reset(0)
    while not env.over:
        env.step(np.array([0, 0, 0, 0, 0, 0, 0.074], dtype=np.float32))
    assert not env.status().success
    assert env.status().score < 0.05
    assert env.status().elapsed == pytest.approx(TASK.time_limit_s)


def test_passing_through_the_goal_is_not_enough(env: RolloutEnv) -> None:
    env.reset(0)
    expert, still = ReachExpert(), 0
    while still < 2:
        env.step(expert.action(env.world))
        distance = np.linalg.norm(
            env.world.fingertips()[:3, 3] - goal_above(env.world, TASK.target(env.world.instruction))
        )
        still += distance < 0.015
    up = np.array([0, -0.3, 0, 0, 0, 0, 0.074], dtype=np.float32)
    for _ in range(15):
        env.step(up)
    assert not env.status().success


@pytest.mark.parametrize(("tilt_degrees", "success"), [(10, True), (40, False)])
def test_the_hand_must_point_down(env: RolloutEnv, tilt_degrees: float, success: bool) -> None:
    scenario = TASK.sample(np.random.default_rng(0))
    target = TASK.target(scenario.instruction)
    others = [ObjectPose(0.22, 0.13, 0.0), ObjectPose(0.22, -0.13, 0.0)]
    places = {prop.name: ObjectPose(0.30, 0.0, 0.0) if prop == target else others.pop() for prop in PROPS}
    goal = np.array([0.30, 0.0, target.height + 0.02])
    tilt = np.radians(tilt_degrees)
    wrist = goal - (0.0174 + 0.158575) * np.array([np.sin(tilt), 0.0, -np.cos(tilt)])
    joints = wx250s.gripper_down(wrist - [0.0, 0.0, 0.158575])
    joints[4] -= tilt
    env.world.start(dataclasses.replace(scenario, objects=places, arm=joints))
    env.world.advance(1.0)
    np.testing.assert_allclose(env.world.fingertips()[:3, 3], goal, atol=1e-3)
    assert env.status().success == success


def test_asking_for_another_object_starts_the_judgement_again(env: RolloutEnv) -> None:
    env.reset(0)
    expert = ReachExpert()
    while not env.over:
        env.step(expert.action(env.world))
    assert env.status().success
    asked_for = TASK.target(env.world.instruction)
    env.world.set_instruction(f"reach the {next(prop.name for prop in PROPS if prop != asked_for)}")
    assert not env.status().success
    env.reset(0)
    assert not env.status().success


def test_the_expert_is_a_function_of_the_state(env: RolloutEnv) -> None:
    env.reset(3)
    expert = ReachExpert()
    for _ in range(4):
        env.step(expert.action(env.world))
    np.testing.assert_array_equal(expert.action(env.world), ReachExpert().action(env.world))


def test_the_expert_keeps_its_speed_and_slows_down_at_the_goal(env: RolloutEnv) -> None:
    env.reset(3)
    expert, largest = ReachExpert(), []
    while not env.over:
        action = expert.action(env.world)
        largest.append(np.abs(action[:6]).max())
        env.step(action)
    assert max(largest) <= expert.style.longest_step + 1e-6
    assert largest[-1] < 0.02


def test_an_unknown_task_has_no_expert() -> None:
    with pytest.raises(TaskError, match="no scripted expert for task 'juggle'; there is one for reach"):
        make_expert("juggle", np.random.default_rng(0))
