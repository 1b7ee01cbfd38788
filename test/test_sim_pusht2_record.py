"""Demonstrations of PushT2 as a LeRobot dataset."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from arvla_ros.episodes.layout import INDEX_FEATURES, DatasetError
from arvla_ros.episodes.lerobot_reader import LeRobotDataset
from arvla_ros.sim.pusht2.env import PushT2Env
from arvla_ros.sim.pusht2.episode import run_episode
from arvla_ros.sim.pusht2.errors import PushT2Error
from arvla_ros.sim.pusht2.record import CAMERA, demonstrate
from arvla_ros.sim.record import RecordConfig, demonstration_seed, record


def config(folder: Path, **options) -> RecordConfig:
    return RecordConfig(out=folder, **{"task": "pusht2", "episodes": 2, "workers": 1, **options})


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demonstrations") / "pusht2"
    assert record(config(folder)) == 0
    return folder


def test_what_was_recorded_is_read_back(recorded):
    dataset = LeRobotDataset(recorded)
    assert (len(dataset), dataset.info.fps, dataset.info.cameras) == (2, 10, (CAMERA,))
    expected = demonstrate(PushT2Env(), demonstration_seed(0, 1))
    stored = dataset[1]
    assert stored.task == "push the T onto both goals"
    assert set(expected.columns) | set(INDEX_FEATURES) == set(dataset.info.columns)
    for name, values in expected.columns.items():
        np.testing.assert_array_equal(stored.column(name), values, err_msg=name)
    difference = stored.frames(CAMERA).astype(float) - expected.frames[CAMERA]
    assert np.sqrt((difference**2).mean()) < 8


def test_replaying_the_actions_gives_the_recorded_states_scores_and_success(recorded):
    stored = LeRobotDataset(recorded)[0]
    seed = int(stored.column("seed")[0])
    state, keypoints = PushT2Env("state"), PushT2Env("keypoints")
    observed, corners = state.reset(seed=seed)[0], keypoints.reset(seed=seed)[0]
    for step in range(len(stored)):
        pusher, block = stored.column("observation.state")[step], stored.column("full_state")[step]
        np.testing.assert_allclose(pusher, observed[:2], atol=1e-3)
        np.testing.assert_allclose(block[2:4], observed[2:4], atol=1e-3)
        at = stored.column("observation.environment_state")[step].reshape(8, 2)
        np.testing.assert_allclose(at, corners["keypoints"], atol=1e-3)
        action = stored.column("action")[step]
        observed, _, success, _, info = state.step(action)
        corners = keypoints.step(action)[0]
        assert bool(stored.column("next.success")[step]) == success
        assert stored.column("next.score")[step] == info["score"]
    assert success
    assert {0.0, 0.5, 1.0} == set(stored.column("next.score").tolist())


def test_demonstrations_are_those_of_the_expert(recorded):
    for stored in LeRobotDataset(recorded):
        status = run_episode(int(stored.column("seed")[0]))
        assert (len(stored) / 10, status.success) == (status.elapsed, True)


def test_after_kill_9_recording_goes_on_and_the_dataset_is_the_same(recorded, tmp_path):
    folder = tmp_path / "killed"
    command = ["arvla", "sim", "record", "--task", "pusht2", "--out", str(folder), "--episodes", "50", "--workers", "1"]
    code = f"import sys; from arvla_ros.cli import main; sys.argv = {command}; main()"
    process = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL)
    end = time.monotonic() + 60
    while not (folder / ".staging" / "000000").exists():
        assert time.monotonic() < end
        assert process.poll() is None
        time.sleep(0.02)
    process.kill()
    process.wait()
    held = len([each for each in (folder / ".staging").iterdir() if each.suffix != ".part"])
    assert record(config(folder, episodes=held + 1)) == 0
    again, once = LeRobotDataset(folder), LeRobotDataset(recorded)
    assert len(again) == held + 1
    for name in set(once.info.columns) - set(INDEX_FEATURES):
        np.testing.assert_array_equal(again[0].column(name), once[0].column(name), err_msg=name)
    seeds = [int(stored.column("seed")[0]) for stored in again]
    assert seeds == [demonstration_seed(0, index) for index in range(held + 1)]


@pytest.mark.parametrize("option", [{"disturb": 0.1}, {"miss": 0.2}, {"randomize": True}])
def test_options_of_the_arm_alone_are_refused(tmp_path, option):
    with pytest.raises(PushT2Error, match=next(iter(option))):
        record(config(tmp_path / "out", **option))


def test_another_task_in_the_folder_is_not_mixed_in(recorded):
    with pytest.raises(DatasetError, match="robot_type 'pusht2', not 'wx250s'"):
        record(RecordConfig(out=recorded, task="reach", episodes=3, workers=1))
