"""PushT2: two goals, no trace of which is done, and an expert that remembers."""

from __future__ import annotations

import itertools
import sys

import av
import gymnasium
import numpy as np
import pygame
import pytest
from gymnasium.utils.env_checker import check_env

import arvla_ros.sim.gym  # noqa: F401  registers the environments
from arvla_ros import cli
from arvla_ros.sim.pusht2.env import GOALS, OBSERVATIONS, PushT2Env
from arvla_ros.sim.pusht2.episode import run_episode
from arvla_ros.sim.pusht2.errors import PushT2Error
from arvla_ros.sim.pusht2.planner import plan_push, pushers
from arvla_ros.sim.pusht2.shape import CONTACTS, OUTLINE, PUSHER_RADIUS, apart, clearance, move, place
from arvla_ros.sim.pusht2.teleop import Hand, caption
from arvla_ros.sim.pusht2.travel import find_way

AWAY = np.array([60.0, 60.0])
HALFWAY = np.array([60.0, 60.0, 256.0, 220.0, 0.3])


def observe(obs_type: str, **options) -> list[np.ndarray]:
    """Return every array of the observation of an episode that begins as ``options`` say."""
    return arrays(PushT2Env(obs_type).reset(seed=0, options=options)[0])


def arrays(observation) -> list[np.ndarray]:
    return list(observation.values()) if isinstance(observation, dict) else [observation]


@pytest.mark.filterwarnings("ignore:.*symmetric and normalized")  # raw units are the point
@pytest.mark.parametrize("obs_type", OBSERVATIONS)
def test_gymnasium_finds_nothing_to_complain_of(obs_type, monkeypatch):
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    env = gymnasium.make("arvla/PushT2-v0", obs_type=obs_type, render_mode="rgb_array")
    check_env(env.unwrapped)


def test_environments_run_side_by_side():
    for mode, options in (("sync", {}), ("async", {"context": "spawn"})):
        envs = gymnasium.make_vec(
            "arvla/PushT2-v0", 2, vectorization_mode=mode, vector_kwargs=options, obs_type="pixels"
        )
        observations, _ = envs.reset(seed=3)
        assert observations.shape == (2, 96, 96, 3)
        _, _, _, _, info = envs.step(envs.action_space.sample())
        assert info["coverage"].shape == (2, 2)
        envs.close()


@pytest.mark.parametrize("goal", GOALS)
def test_covering_a_goal_reaches_it_for_good(goal):
    env = PushT2Env()
    _, info = env.reset(options={"state": [*AWAY, *GOALS[goal]]})
    assert info["milestones"] == (goal,)
    assert info["coverage"][list(GOALS).index(goal)] == pytest.approx(1.0)
    assert (info["score"], info["success"]) == (0.5, False)
    _, info = env.reset(options={"state": HALFWAY, "reached": [goal]})
    assert (info["milestones"], info["score"]) == ((goal,), 0.5)


def test_coverage_must_exceed_nine_tenths():
    env = PushT2Env()
    x, y, angle = GOALS["left"]
    for shift, reached in ((1.0, ("left",)), (8.0, ())):
        _, info = env.reset(options={"state": [*AWAY, x + shift, y, angle]})
        assert (info["coverage"][0] > 0.9) == bool(reached)
        assert info["milestones"] == reached


def test_both_goals_in_any_order_end_the_episode_in_success():
    orders = set()
    for seed in range(4):
        status = run_episode(seed)
        assert status.success
        assert status.score == 1.0
        orders.add(status.milestones)
    assert orders == {("left", "right"), ("right", "left")}


def test_rewards_add_up_to_the_score_and_success_terminates():
    env, actions, rewards, ends = PushT2Env(), [], [], []
    run_episode(0, env, lambda action, _: actions.append(action))
    env.reset(seed=0)
    for action in actions:
        _, reward, terminated, truncated, info = env.step(action)
        rewards.append(reward)
        ends.append((terminated, truncated))
    assert sum(rewards) == info["score"] == 1.0
    assert ends == [(False, False)] * (len(actions) - 1) + [(True, False)]
    assert info["elapsed"] == pytest.approx(len(actions) / 10)


def test_the_time_limit_truncates():
    env = PushT2Env()
    env.reset(options={"state": HALFWAY})
    ends = [env.step(AWAY)[2:4] for _ in range(600)]
    assert ends == [(False, False)] * 599 + [(False, True)]


@pytest.mark.parametrize("obs_type", OBSERVATIONS)
def test_nothing_observed_tells_which_goal_is_done(obs_type):
    observed = [observe(obs_type, state=HALFWAY, reached=reached) for reached in ([], ["left"], ["right"])]
    for other in observed[1:]:
        for array, expected in zip(other, observed[0], strict=True):
            np.testing.assert_array_equal(array, expected)


@pytest.mark.parametrize("obs_type", OBSERVATIONS)
def test_an_episode_leaves_no_trace_in_what_is_observed(obs_type):
    """At the state in which an expert has done its first goal, a fresh episode looks the same."""
    actions: list[np.ndarray] = []
    run_episode(1, watch=lambda action, _: actions.append(action))
    driven = PushT2Env(obs_type)
    driven.reset(seed=1)
    for action in actions:
        observation, *_, info = driven.step(action)
        if info["milestones"]:
            break
    fresh = observe(obs_type, state=[*driven.agent[:2], *driven.block])
    for array, expected in zip(arrays(observation), fresh, strict=True):
        np.testing.assert_array_equal(array, expected)


def test_the_picture_shows_goals_t_and_pusher():
    picture, _ = PushT2Env("pixels", image_size=(512, 512)).reset(options={"state": [256, 400, 256, 60, 0]})
    for point, colour in (
        (place(GOALS["left"], np.array([[0.0, 20.0]]))[0], (144, 238, 144)),
        (place(GOALS["right"], np.array([[0.0, 20.0]]))[0], (144, 238, 144)),
        ((256, 75), (119, 136, 153)),
        ((256, 400), (65, 105, 225)),
    ):
        assert tuple(picture[int(point[1]), int(point[0])]) == colour


def test_same_seed_and_same_actions_give_the_same_states_whatever_was_before():
    def run(env: PushT2Env) -> np.ndarray:
        states = [env.reset(seed=7)[0]]
        rng = np.random.default_rng(0)
        for _ in range(60):
            states.append(env.step(env.block[:2] + rng.normal(0, 60, 2))[0])
        return np.stack(states)

    used = PushT2Env()
    run_episode(2, used)
    np.testing.assert_array_equal(run(used), run(PushT2Env()))


@pytest.mark.parametrize("contact", range(0, len(CONTACTS.points), 3))
def test_the_t_answers_a_push_as_the_planner_thinks(contact):
    env, pose, length = PushT2Env(), np.array([256.0, 256.0, 0.4]), 9.0
    start, end = (pushers(pose, gap)[contact] for gap in (1.0, -length))
    env.reset(options={"state": [*start, *pose]})
    for _ in range(10):
        env.step(end)
    # The contact point goes along a slight arc, the pusher straight: half a pixel.
    assert apart(env.block, move(pose, length * CONTACTS.twists[contact])) < 0.6


def test_a_plan_reduces_what_remains():
    pose = np.array([300.0, 300.0, 1.0])
    for goal in GOALS.values():
        push, poses = plan_push(pose, goal, AWAY), [pose]
        for _ in range(3):
            poses.append(push.pose(push.length))
            push = plan_push(poses[-1], goal, push.pusher(poses[-1]))
        assert apart(poses[-1], goal) < 0.2 * apart(pose, goal)


def test_the_way_around_the_t_does_not_touch_it():
    rng = np.random.default_rng(0)
    pose = np.array([256.0, 200.0, 0.7])
    free = [point for point in rng.uniform(60, 450, (60, 2)) if clearance(point, pose) > PUSHER_RADIUS + 3]
    for start, goal in itertools.pairwise(free):
        way = find_way(start, goal, pose)
        np.testing.assert_allclose(way[[0, -1]], [start, goal])
        assert clearance(way, pose).min() > PUSHER_RADIUS


def test_the_outline_is_that_of_the_physics():
    env = PushT2Env()
    env.reset(options={"state": HALFWAY})
    corners = env.physics.get_keypoints(env.physics.block.shapes)
    assert clearance(corners, HALFWAY[2:]).max() < 1e-9
    for corner in place(HALFWAY[2:], OUTLINE):
        assert np.linalg.norm(corners - corner, axis=1).min() < 1e-9


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: PushT2Env("touch"), "'touch' is none of state"),
        (lambda: PushT2Env(image_size=(0, 96)), "0x96 is outside 1x1"),
        (lambda: PushT2Env().reset(options={"reached": ["middle"]}), "no goal 'middle'; there are left, right"),
        (lambda: PushT2Env().reset(options={"state": [1, 2, 3]}), "5 finite numbers"),
    ],
)
def test_what_cannot_be_made_is_told(make, message):
    with pytest.raises(PushT2Error, match=message):
        make()


@pytest.mark.parametrize("action", [[1.0, np.nan], [1.0, 2.0, 3.0]])
def test_an_action_that_is_none_is_refused(action):
    env = PushT2Env()
    env.reset(seed=0)
    with pytest.raises(PushT2Error, match="2 finite numbers"):
        env.step(action)


def test_without_gym_pusht_the_error_tells_how_to_get_it(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "gym_pusht.envs.pusht", None)
    for module in ("env", "teleop"):
        monkeypatch.delitem(sys.modules, f"arvla_ros.sim.pusht2.{module}")
    with pytest.raises(PushT2Error, match="pip install gym-pusht"):
        gymnasium.make("arvla/PushT2-v0")
    monkeypatch.setattr(sys, "argv", ["arvla", "sim", "teleop"])
    assert cli.main() == 1
    assert "pip install gym-pusht" in capsys.readouterr().err


def test_without_a_display_teleop_says_what_is_missing(monkeypatch, capsys):
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "argv", ["arvla", "sim", "teleop", "--task", "pusht2"])
    assert cli.main() == 1
    assert "set DISPLAY" in capsys.readouterr().err


def test_the_mouse_takes_the_pusher_along_once_it_has_been_on_it():
    hand, pusher = Hand(), np.array([100.0, 100.0])
    np.testing.assert_array_equal(hand.target(pusher), pusher)
    hand.move((300, 300), pusher)
    np.testing.assert_array_equal(hand.target(pusher), pusher)
    hand.move((110, 95), pusher)
    hand.move((200, 250), pusher)
    np.testing.assert_array_equal(hand.target(pusher), [200.0, 250.0])


def test_escape_ends_teleop(monkeypatch, capsys):
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    pygame.display.init()
    pygame.event.post(pygame.event.Event(pygame.KEYDOWN, key=pygame.K_ESCAPE))
    monkeypatch.setattr(sys, "argv", ["arvla", "sim", "teleop"])
    assert cli.main() == 0
    assert "Esc: end" in capsys.readouterr().out


def test_a_window_shows_every_step(monkeypatch):
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    env = PushT2Env(render_mode="human")
    env.reset(options={"state": [*AWAY, *GOALS["left"]]})
    assert env.render() is None
    *_, info = env.step(AWAY)
    env.close()
    assert caption(info) == "PushT2: score 0.5, left 100% done, right 0%"


def test_the_expert_is_scored_and_filmed_from_the_command_line(monkeypatch, capsys, tmp_path):
    film = tmp_path / "film.mp4"
    for words, told in (
        ("score --episodes 2 --workers 1", "2 of 2 succeeded"),
        (f"watch --seed 3 --out {film}", "success after"),
    ):
        monkeypatch.setattr(sys, "argv", ["arvla", "sim", *words.split(), "--task", "pusht2"])
        assert cli.main() == 0
        assert told in capsys.readouterr().out
    with av.open(str(film)) as container:
        assert container.streams.video[0].average_rate == 10
        assert (container.streams.video[0].width, container.streams.video[0].height) == (512, 512)
