from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import av
import numpy as np
import pytest

from arvla_ros.robots.contract import RobotContract
from arvla_ros.sim.demonstrations import Demonstration, DemonstrationError, DemonstrationSet, episode_path
from arvla_ros.sim.env import RolloutEnv
from arvla_ros.sim.expert import ReachExpert, ReachStyle
from arvla_ros.sim.record import RecordConfig, demonstrate, demonstration_seed, record
from arvla_ros.sim.tasks import TaskError, make_task
from arvla_ros.sim.tasks.reach import CLEARANCE, PROPS, Reach
from arvla_ros.sim.watch import WatchConfig, watch

CONTRACT = RobotContract.load()


@pytest.fixture(scope="module")
def env() -> RolloutEnv:
    return RolloutEnv(make_task("reach"), CONTRACT)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demonstrations") / "reach"
    assert record(RecordConfig(out=folder, episodes=3, workers=1)) == 0
    return folder


@pytest.fixture
def copied(recorded: Path, tmp_path: Path) -> Path:
    for file in recorded.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    return tmp_path


def test_what_was_recorded_is_read_back(recorded: Path, env: RolloutEnv) -> None:
    demonstrations = DemonstrationSet(recorded)
    assert len(demonstrations) == 3
    assert demonstrations.info.contract == CONTRACT
    assert demonstrations.info.object_names == tuple(prop.name for prop in PROPS)
    expected = demonstrate(env, demonstration_seed(0, 1), demonstrations.info.disturb)
    for name, value in vars(demonstrations[1]).items():
        np.testing.assert_array_equal(value, getattr(expected, name), err_msg=name)


def test_a_demonstration_says_what_was_asked_and_where_it_was(recorded: Path) -> None:
    for demonstration in DemonstrationSet(recorded):
        target = PROPS[demonstration.target]
        assert Reach().target(demonstration.instruction) == target
        above = demonstration.objects[demonstration.target] + [0, 0, target.height + CLEARANCE]
        np.testing.assert_allclose(demonstration.goal, above, atol=1e-5)
        assert demonstration.images.shape == (len(demonstration), 96, 128, 3)


def test_replaying_what_was_executed_gives_the_recorded_states(recorded: Path, env: RolloutEnv) -> None:
    demonstration = DemonstrationSet(recorded)[0]
    state = env.reset(demonstration.seed).state
    for step, action in enumerate(demonstration.executed):
        np.testing.assert_array_equal(state, demonstration.states[step])
        state = env.step(action).state
    assert env.status().success == demonstration.success


def test_the_label_is_what_the_expert_wants_and_not_the_push(env: RolloutEnv) -> None:
    demonstration = demonstrate(env, seed=11, disturb=0.5)
    pushed = np.abs(demonstration.executed - demonstration.actions).max(axis=1) > 0
    assert 0 < pushed.sum() < len(demonstration)
    assert np.abs(demonstration.actions[:, :6]).max() <= 0.2 + 1e-6
    undisturbed = demonstrate(env, seed=11, disturb=0.0)
    np.testing.assert_array_equal(undisturbed.executed, undisturbed.actions)


def test_demonstrators_differ(env: RolloutEnv) -> None:
    styles = {ReachStyle.draw(np.random.default_rng(seed)) for seed in range(5)}
    assert len(styles) == 5
    env.reset(0)
    actions = [ReachExpert(style).action(env.world) for style in styles]
    assert len({action.tobytes() for action in actions}) == 5


def test_recording_goes_on_where_it_stopped(copied: Path) -> None:
    kept = episode_path(copied, 0).stat().st_mtime_ns
    lost = episode_path(copied, 1).read_bytes()
    episode_path(copied, 1).unlink()
    record(RecordConfig(out=copied, episodes=3, workers=1))
    assert episode_path(copied, 0).stat().st_mtime_ns == kept
    assert episode_path(copied, 1).read_bytes() == lost


def test_demonstrations_of_another_kind_are_not_mixed_in(copied: Path) -> None:
    with pytest.raises(DemonstrationError, match=r"with seed 0, not 1: choose another folder"):
        record(RecordConfig(out=copied, episodes=3, seed=1))


@pytest.mark.parametrize("changed", [{"episodes": 0}, {"disturb": 1.5}, {"workers": -1}, {"seed": -1}])
def test_options_out_of_range_are_refused(tmp_path: Path, changed: dict[str, int]) -> None:
    with pytest.raises(DemonstrationError, match="must be at least 1"):
        record(dataclasses.replace(RecordConfig(out=tmp_path), **changed))
    assert not list(tmp_path.iterdir())


def test_an_unknown_task_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TaskError, match="task 'juggle'"):
        record(RecordConfig(out=tmp_path, task="juggle"))


def test_a_folder_without_demonstrations_names_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(DemonstrationError, match=r"has no dataset\.json: record demonstrations.*arvla sim record"):
        DemonstrationSet(tmp_path)


def test_a_folder_without_episodes_is_refused(copied: Path) -> None:
    for file in copied.glob("*.npz"):
        file.unlink()
    with pytest.raises(DemonstrationError, match="holds no episode"):
        DemonstrationSet(copied)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "not readable JSON"),
        ("[]", "holds no JSON object"),
        (json.dumps({"format": "lerobot"}), "has format 'lerobot'"),
        (json.dumps({"format": "arvla_ros demonstrations 1"}), "lacks 'task'"),
    ],
)
def test_a_foreign_index_is_refused(copied: Path, content: str, message: str) -> None:
    (copied / "dataset.json").write_text(content)
    with pytest.raises(DemonstrationError, match=message):
        DemonstrationSet(copied)


def test_a_truncated_episode_is_refused(copied: Path) -> None:
    file = episode_path(copied, 2)
    file.write_bytes(file.read_bytes()[:2000])
    with pytest.raises(DemonstrationError, match=r"episode_000002\.npz is no readable episode.*record again"):
        DemonstrationSet(copied)[2]


def test_an_episode_with_damaged_content_is_refused(copied: Path) -> None:
    file = episode_path(copied, 2)
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 0xFF
    file.write_bytes(content)
    with pytest.raises(DemonstrationError, match=r"episode_000002\.npz is no readable episode"):
        DemonstrationSet(copied)[2]


def test_an_episode_of_another_shape_is_refused(copied: Path) -> None:
    demonstration = DemonstrationSet(copied)[0]
    np.savez_compressed(episode_path(copied, 0), **{**vars(demonstration), "actions": np.zeros((3, 7), np.float32)})
    with pytest.raises(DemonstrationError, match=r"actions has shape \[3, 7\], expected"):
        DemonstrationSet(copied)[0]


def test_an_episode_with_pickled_content_is_refused(copied: Path) -> None:
    demonstration = DemonstrationSet(copied)[0]
    fields = {**vars(demonstration), "instruction": np.array([{"an": "object"}], dtype=object)}
    np.savez_compressed(episode_path(copied, 0), **fields)
    with pytest.raises(DemonstrationError, match="no readable episode"):
        DemonstrationSet(copied)[0]


def test_every_field_of_a_demonstration_is_written(recorded: Path) -> None:
    with np.load(episode_path(recorded, 0), allow_pickle=False) as archive:
        assert set(archive.files) == {field.name for field in dataclasses.fields(Demonstration)}


def test_watching_leaves_a_film_of_the_episode(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    film = tmp_path / "films" / "reach.mp4"
    assert watch(WatchConfig(seed=3, out=film)) == 0
    assert "success" in capsys.readouterr().out
    with av.open(str(film)) as container:
        stream = container.streams.video[0]
        assert (stream.width, stream.height) == (640, 480)
        assert stream.frames > 40
