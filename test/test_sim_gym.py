"""The simulated arm as Gymnasium environments."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from arvla_ros.robots import wx250s
from arvla_ros.robots.contract import ACTION_SPACES, ContractError, RobotContract
from arvla_ros.sim.env import RolloutEnv
from arvla_ros.sim.expert import ReachExpert, make_expert
from arvla_ros.sim.gym.arm import ArmEnv
from arvla_ros.sim.rendering import RenderingError
from arvla_ros.sim.tasks import TaskError, make_task
from arvla_ros.sim.window import WindowError

SMALL = (64, 48)


def make(**options) -> ArmEnv:
    env = gymnasium.make("arvla/Reach-v0", **{"image_size": SMALL, **options}).unwrapped
    assert isinstance(env, ArmEnv)
    return env


@pytest.fixture(scope="module")
def env() -> Iterator[ArmEnv]:
    env = make()
    yield env
    env.close()


@pytest.mark.filterwarnings("ignore:.*symmetric and normalized")  # raw units are the point
@pytest.mark.parametrize(
    ("name", "action_space"),
    [*(("arvla/Reach-v0", space) for space in ACTION_SPACES), ("arvla/Stack3-v0", "joint_delta")],
)
def test_gymnasium_finds_nothing_to_complain_of(name, action_space, monkeypatch):
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    env = gymnasium.make(name, action_space=action_space, image_size=SMALL, render_mode="rgb_array")
    check_env(env.unwrapped)
    env.close()


def test_gymnasium_imports_the_module_by_itself():
    env = gymnasium.make("arvla_ros.sim.gym:arvla/Reach-v0", image_size=SMALL)
    assert env.spec is not None
    assert env.spec.id == "arvla/Reach-v0"
    env.close()


def test_an_observation_holds_images_by_camera_state_and_instruction(env):
    observation, _ = env.reset(seed=3)
    assert observation["images"]["side"].shape == (48, 64, 3)
    assert observation["state"].shape == (7,)
    assert observation["instruction"] in make_task("reach").instructions


def test_by_default_images_are_those_of_a_policy():
    env = make(image_size=None)
    observation, _ = env.reset(seed=2)
    rollout = RolloutEnv(make_task("reach"), RobotContract.load())
    rollout.reset(2)
    np.testing.assert_array_equal(observation["images"]["side"], rollout.render_policy_image())
    rollout.close()
    env.close()


def test_a_seed_gives_the_same_episode_again_and_none_gives_another(env):
    first = env.reset(seed=5)[0]
    again = env.reset(seed=5)[0]
    other = env.reset()[0]
    assert env.observation_space.contains(other)
    np.testing.assert_array_equal(first["images"]["side"], again["images"]["side"])
    assert not np.array_equal(first["images"]["side"], other["images"]["side"])
    env.reset(seed=5)
    np.testing.assert_array_equal(env.reset()[0]["state"], other["state"])


def test_stack3_counts_its_milestones():
    env = gymnasium.make("arvla/Stack3-v0", image_size=SMALL).unwrapped
    assert isinstance(env, ArmEnv)
    _, info = env.reset(seed=0)
    expert, over, total, reached = make_expert("stack3", np.random.default_rng(0)), False, 0.0, [info["milestones"]]
    while not over:
        _, reward, terminated, truncated, info = env.step(expert.action(env.rollout.world))
        over, total = terminated or truncated, total + reward
        if info["milestones"] != reached[-1]:
            reached.append(info["milestones"])
    assert info["success"]
    assert total == pytest.approx(1.0)
    assert [len(names) for names in reached] == [0, 1, 2, 3, 4]
    env.close()


def test_light_and_colours_are_drawn_from_the_seed_where_asked_for():
    plain, varied = make(), make(randomize=True)
    pictures = [env.reset(seed=seed)[0]["images"]["side"] for env in (plain, varied) for seed in (1, 1)]
    np.testing.assert_array_equal(pictures[0], pictures[1])
    np.testing.assert_array_equal(pictures[2], pictures[3])
    assert not np.array_equal(pictures[0], pictures[2])
    plain.close()
    varied.close()


def test_rewards_add_up_to_the_gain_in_score_and_success_terminates(env):
    _, info = env.reset(seed=0)
    expert, start, rewards, terminated, truncated = ReachExpert(), info["score"], [], False, False
    while not (terminated or truncated):
        _, reward, terminated, truncated, info = env.step(expert.action(env.rollout.world))
        rewards.append(reward)
    assert terminated
    assert not truncated
    assert info["success"]
    assert info["score"] == 1.0
    assert sum(rewards) == pytest.approx(1.0 - start)
    assert info["elapsed"] == pytest.approx(len(rewards) / 10)


def test_the_time_limit_truncates(env):
    env.reset(seed=0)
    still = np.array([*np.zeros(6), wx250s.OPENING_UPPER], np.float32)
    for _ in range(79):
        assert not any(env.step(still)[2:4])
    assert env.step(still)[2:4] == (False, True)


def test_a_shift_of_the_hand_moves_the_hand_by_it():
    for action_space, action in {
        "ee_delta": [0.03, -0.02, 0.01, 0, 0, 0, 1, wx250s.OPENING_UPPER],
        "bridge": [0.03, -0.02, 0.01, 0, 0, 0, 1.0],
    }.items():
        env = make(action_space=action_space)
        env.reset(seed=1)
        before = env.rollout.world.ee_pose()
        info = env.step(np.array(action, np.float32))[4]
        env.rollout.world.advance(1.0)
        after = env.rollout.world.ee_pose()
        assert info["unreachable"] == ""
        np.testing.assert_allclose(after[:3, 3] - before[:3, 3], action[:3], atol=2e-3)
        np.testing.assert_allclose(after[:3, :3], before[:3, :3], atol=0.02)
        env.close()


def test_a_pose_out_of_reach_holds_the_arm_and_says_so():
    env = make(action_space="ee_delta")
    env.reset(seed=1)
    before = env.rollout.world.data.ctrl[:6].copy()
    info = env.step(np.array([2.0, 0, 0, 0, 0, 0, 1, 0.05], np.float32))[4]
    assert "out of reach" in info["unreachable"]
    np.testing.assert_allclose(env.rollout.world.data.ctrl[:6], before)
    assert env.step(np.array([0.01, 0, 0, 0, 0, 0, 1, 0.05], np.float32))[4]["unreachable"] == ""
    env.close()


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_environments_run_side_by_side(mode):
    # A process that has rendered must not be forked: OpenGL contexts do not survive it.
    options = {"context": "spawn"} if mode == "async" else {}
    envs = gymnasium.make_vec("arvla/Reach-v0", 2, vectorization_mode=mode, vector_kwargs=options, image_size=SMALL)
    observations, info = envs.reset(seed=[4, 5])
    assert observations["images"]["side"].shape == (2, 48, 64, 3)
    assert len(observations["instruction"]) == 2
    assert info["score"].shape == (2,)
    observations, rewards, *_ = envs.step(envs.action_space.sample())
    assert observations["state"].shape == (2, 7)
    assert rewards.shape == (2,)
    alone = make()
    np.testing.assert_array_equal(envs.reset(seed=[4, 5])[0]["state"][1], alone.reset(seed=5)[0]["state"])
    alone.close()
    envs.close()


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"task": "juggle"}, TaskError, "'juggle' is none of reach"),
        ({"action_space": "torque"}, ContractError, "'torque' is none of joint_delta"),
        ({"image_size": (4000, 48)}, RenderingError, "4000x48 is outside 1x1 to"),
        ({"image_size": (0, 48)}, RenderingError, "0x48 is outside 1x1 to"),
        ({"contract": "wx999"}, ContractError, "no file"),
    ],
)
def test_what_cannot_be_made_is_told(options, error, message):
    with pytest.raises(error, match=message):
        make(**options)


def test_without_an_opengl_library_the_error_tells_what_to_install(monkeypatch):
    monkeypatch.setenv("MUJOCO_GL", "disable")
    with pytest.raises(RenderingError, match="apt install libegl1"):
        make()


@pytest.mark.parametrize("action", [np.zeros(8, np.float32), np.full(7, np.nan, np.float32)])
def test_an_action_that_is_none_is_refused(env, action):
    env.reset(seed=0)
    with pytest.raises(ValueError, match=r"shape \[7\]|not finite"):
        env.step(action)


def test_a_window_shows_every_step(monkeypatch):
    import pygame

    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    env = make(render_mode="human")
    env.reset(seed=2)
    assert env.step(env.action_space.sample())[0]["state"].shape == (7,)
    shown = pygame.surfarray.array3d(pygame.display.get_surface()).transpose(1, 0, 2)
    np.testing.assert_array_equal(shown, env.rollout.world.render(env.rollout.contract.cameras[0].name))
    assert env.render() is None
    env.close()
    assert not pygame.display.get_init()


def test_without_a_display_the_error_names_the_variable(monkeypatch):
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER"):
        monkeypatch.delenv(name, raising=False)
    env = make(render_mode="human")
    with pytest.raises(WindowError, match="set DISPLAY"):
        env.reset(seed=2)
    env.close()


def test_without_pygame_the_error_tells_how_to_get_it(monkeypatch):
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    monkeypatch.setitem(sys.modules, "pygame", None)
    env = make(render_mode="human")
    with pytest.raises(WindowError, match="pip install pygame"):
        env.reset(seed=2)
    env.close()
