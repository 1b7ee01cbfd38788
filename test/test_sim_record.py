from __future__ import annotations

import dataclasses
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
import pytest

from arvla_ros.episodes.layout import INDEX_FEATURES, DatasetError
from arvla_ros.episodes.lerobot_reader import LeRobotDataset
from arvla_ros.robots.contract import ContractError, RobotContract
from arvla_ros.sim.demonstrations import (
    Source,
    camera_feature,
    demonstrate,
    episode_format,
    object_positions,
    pose_numbers,
)
from arvla_ros.sim.env import RolloutEnv
from arvla_ros.sim.expert import ReachExpert, ReachStyle
from arvla_ros.sim.record import RecordConfig, demonstration_seed, record
from arvla_ros.sim.rendering import RenderingError
from arvla_ros.sim.tasks import TaskError, make_task
from arvla_ros.sim.tasks.reach import PROPS, Reach
from arvla_ros.sim.watch import WatchConfig, watch

CONTRACT = RobotContract.load()
CAMERA = "observation.images.side"


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
    return Path(shutil.copytree(recorded, tmp_path / "copied"))


def test_what_was_recorded_is_read_back(recorded: Path) -> None:
    dataset = LeRobotDataset(recorded)
    source = Source.read(dataset)
    assert (len(dataset), dataset.info.fps, dataset.info.cameras) == (3, 10, (CAMERA,))
    assert (source.task, source.contract) == ("reach", CONTRACT)
    assert source.object_names == tuple(prop.name for prop in PROPS)
    env = RolloutEnv(make_task("reach"), CONTRACT.resized(None, source.camera_size))
    expected = demonstrate(env, demonstration_seed(0, 1), source.disturb)
    stored = dataset[1]
    assert stored.task == expected.task
    assert set(expected.columns) | set(INDEX_FEATURES) == set(dataset.info.columns)
    for name, values in expected.columns.items():
        np.testing.assert_array_equal(stored.column(name), values, err_msg=name)
    assert psnr(stored.frames(CAMERA), expected.frames[CAMERA]) > 35


def test_pictures_are_what_the_policy_sees_as_close_as_video_comes(recorded: Path, env: RolloutEnv) -> None:
    stored = LeRobotDataset(recorded)[0]
    frames = stored.frames(CAMERA)
    assert frames.shape == (len(stored), 96, 128, 3)
    env.reset(int(stored.column("seed")[0]))
    assert psnr(frames[0], env.render_policy_image()) > 33


def test_fewer_rendered_pixels_give_nearly_the_same_picture(env: RolloutEnv, tmp_path: Path) -> None:
    env.reset(5)
    sizes = RecordConfig(tmp_path).rendered_size, (CONTRACT.image_width, CONTRACT.image_height)
    twice, once = (RolloutEnv(make_task("reach"), CONTRACT.resized(None, size)) for size in sizes)
    exact = env.render_policy_image()
    similarity = []
    for lighter in (twice, once):
        lighter.reset(5)
        similarity.append(psnr(lighter.render_policy_image(), exact))
        lighter.close()
    assert similarity[0] > 37
    assert similarity[0] > similarity[1] + 5


def test_a_demonstration_says_what_was_asked_and_where_it_was(recorded: Path, env: RolloutEnv) -> None:
    for stored in LeRobotDataset(recorded):
        named = int(stored.column("named_object")[0])
        assert Reach().target(stored.task) == PROPS[named]
        env.reset(int(stored.column("seed")[0]))
        for prop, position in zip(PROPS, object_positions(stored)[0], strict=True):
            np.testing.assert_allclose(position, env.world.object_pose(prop.name)[:3, 3], atol=1e-6)
        np.testing.assert_array_equal(stored.column("stamp_ns"), 100_000_000 * np.arange(len(stored)))
        assert stored.column("next.success").tolist() == sorted(stored.column("next.success"))


def test_poses_are_position_and_quaternion() -> None:
    angle = 0.6
    pose = np.eye(4)
    pose[:3, 3] = 1, 2, 3
    pose[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    expected = [1, 2, 3, np.cos(angle / 2), 0, 0, np.sin(angle / 2)]
    np.testing.assert_allclose(pose_numbers(pose), expected, atol=1e-12)


def test_replaying_what_was_sent_gives_the_recorded_states(recorded: Path, env: RolloutEnv) -> None:
    stored = LeRobotDataset(recorded)[0]
    state = env.reset(int(stored.column("seed")[0])).state
    for action, expected in zip(stored.column("action"), stored.column("observation.state"), strict=True):
        np.testing.assert_array_equal(state, expected)
        state = env.step(action).state
    assert env.status().success == stored.column("next.success")[-1]


def test_the_label_is_what_the_expert_wants_and_not_the_push(env: RolloutEnv) -> None:
    columns = demonstrate(env, seed=11, disturb=0.5).columns
    pushed = np.abs(columns["action"] - columns["action.expert"]).max(axis=1) > 0
    assert 0 < pushed.sum() < len(pushed)
    assert np.abs(columns["action.expert"][:, :6]).max() <= 0.2 + 1e-6
    undisturbed = demonstrate(env, seed=11, disturb=0.0).columns
    np.testing.assert_array_equal(undisturbed["action"], undisturbed["action.expert"])


def test_demonstrators_differ(env: RolloutEnv) -> None:
    styles = {ReachStyle.draw(np.random.default_rng(seed)) for seed in range(5)}
    assert len(styles) == 5
    env.reset(0)
    actions = [ReachExpert(style).action(env.world) for style in styles]
    assert len({action.tobytes() for action in actions}) == 5


def test_recording_goes_on_where_it_stopped(copied: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record(RecordConfig(out=copied, episodes=4, workers=1))
    assert re.search(
        r"4 episodes, 1 of them new, 1 of these succeeded; \d+\.\d x real time per core", capsys.readouterr().out
    )
    seeds = [int(stored.column("seed")[0]) for stored in LeRobotDataset(copied)]
    assert seeds == [demonstration_seed(0, index) for index in range(4)]
    record(RecordConfig(out=copied, episodes=4, workers=1))
    assert "4 episodes, 0 of them new" in capsys.readouterr().out


def test_after_kill_9_recording_goes_on_and_the_dataset_is_the_same(recorded: Path, tmp_path: Path) -> None:
    out = tmp_path / "killed"
    code = f"from test_sim_record import *; record(RecordConfig(out=Path({str(out)!r}), episodes=3, workers=1))"
    here = Path(__file__).parent
    environment = {**os.environ, "PYTHONPATH": f"{here}:{here.parent}"}
    process = subprocess.Popen([sys.executable, "-c", code], env=environment, stderr=subprocess.DEVNULL)
    while not list(out.glob(".staging/000000")):
        assert process.poll() is None
        time.sleep(0.01)
    process.kill()
    process.wait()
    assert not (out / "meta/info.json").exists()
    record(RecordConfig(out=out, episodes=3, workers=1))
    for expected, stored in zip(LeRobotDataset(recorded), LeRobotDataset(out), strict=True):
        for name in LeRobotDataset(out).info.columns:
            np.testing.assert_array_equal(stored.column(name), expected.column(name), err_msg=name)
        np.testing.assert_array_equal(stored.frames(CAMERA), expected.frames(CAMERA))


def test_stack3_is_recorded_with_what_it_has(tmp_path: Path) -> None:
    """Three objects, milestones on the way, an instruction that names none of them; light and camera by seed."""
    config = RecordConfig(out=tmp_path / "stack3", task="stack3", episodes=1, disturb=0.0, randomize=True)
    assert record(config) == 0
    dataset = LeRobotDataset(config.out)
    stored = dataset[0]
    assert "named_object" not in dataset.info.features
    assert stored.task in make_task("stack3").instructions
    assert stored.column("next.success").tolist() == [False] * (len(stored) - 5) + [True] * 5
    score = stored.column("next.score")
    assert list(dict.fromkeys(score.tolist())) == [0.0, 0.25, 0.5, 0.75, 1.0]
    assert object_positions(stored).shape == (len(stored), 3, 3)
    plain = RolloutEnv(make_task("stack3"), CONTRACT)
    plain.reset(int(stored.column("seed")[0]))
    assert psnr(stored.frames(CAMERA, [0])[0], plain.render_policy_image()) < 30


def test_pushes_suit_the_task() -> None:
    pushes = {task: RecordConfig(out=Path(), task=task).pushes for task in ("reach", "stack3")}
    assert pushes == {"reach": 0.12, "stack3": 0.04}
    assert RecordConfig(out=Path(), disturb=0.0).pushes == 0.0


def test_demonstrations_of_another_kind_are_not_mixed_in(copied: Path) -> None:
    with pytest.raises(DatasetError, match=r"with seed 0, not 1: choose another folder"):
        record(RecordConfig(out=copied, episodes=3, seed=1))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"disturb": 1.5}, r"disturb 1\.5 and miss 0\.0 are probabilities, 0 to 1"),
        ({"miss": -0.1}, r"miss -0\.1 are probabilities"),
        ({"episodes": 0}, "episodes 0 must be at least 1"),
        ({"workers": -1}, "workers -1 and seed 0 not negative"),
        ({"seed": -1}, "seed -1 not negative"),
    ],
)
def test_options_out_of_range_are_refused(tmp_path: Path, changed: dict[str, float], message: str) -> None:
    with pytest.raises(DatasetError, match=message):
        dataclasses.replace(RecordConfig(out=tmp_path), **changed)


@pytest.mark.parametrize(
    ("sizes", "error", "message"),
    [
        (
            {"image_size": (96, 96), "camera_size": (640, 480)},
            ContractError,
            "640x480, not a whole multiple of .*96x96",
        ),
        ({"image_size": (0, 96)}, ContractError, "policy_image 0x96 must be at least 1x1 pixels"),
        (
            {"camera_size": (12800, 9600)},
            RenderingError,
            "12800x9600 is outside 1x1 to 1280x960: choose",
        ),
    ],
)
def test_sizes_that_cannot_be_are_refused(
    tmp_path: Path, sizes: dict[str, tuple[int, int]], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        record(RecordConfig(out=tmp_path / "new", episodes=1, workers=1, **sizes))


def test_square_pictures_and_the_wrist_camera_are_recorded(tmp_path: Path) -> None:
    config = RecordConfig(tmp_path / "square", robot="wx250s_wrist", image_size=(96, 96), camera_size=(96, 96))
    assert record(dataclasses.replace(config, episodes=1, workers=1)) == 0
    dataset = LeRobotDataset(config.out)
    contract = Source.read(dataset).contract
    assert [(camera.name, camera.width, camera.height) for camera in contract.cameras] == [
        ("side", 96, 96),
        ("wrist", 96, 96),
    ]
    side, wrist = (dataset[0].frames(camera_feature(name)) for name in ("side", "wrist"))
    assert side.shape == wrist.shape == (len(dataset[0]), 96, 96, 3)
    assert psnr(side, wrist) < 20


def test_an_unknown_task_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TaskError, match="task 'juggle' is none of reach, stack3, pusht2"):
        record(RecordConfig(out=tmp_path, task="juggle"))


def test_a_rate_that_a_dataset_cannot_have_is_refused() -> None:
    slow = dataclasses.replace(CONTRACT, control_rate_hz=7.5)
    with pytest.raises(DatasetError, match=r"control_rate_hz 7\.5 must be a whole number"):
        episode_format(make_task("reach"), slow)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (None, r"source\.json does not exist: only demonstrations of `arvla sim record`"),
        ({}, r"source\.json lacks 'task'"),
        ({"contract": {}}, r"source\.json: field 'robot' is missing"),
    ],
)
def test_a_dataset_from_elsewhere_is_refused_for_training(
    copied: Path, source: dict[str, object] | None, message: str
) -> None:
    path = copied / "meta" / "source.json"
    if source is None:
        path.unlink()
    else:
        path.write_text(json.dumps({**json.loads(path.read_text()), **source} if source else {}))
    with pytest.raises(DatasetError, match=message):
        Source.read(LeRobotDataset(copied))


def psnr(images: npt.NDArray[np.uint8], reference: npt.NDArray[np.uint8]) -> float:
    return float(10 * np.log10(255**2 / np.square(images.astype(float) - reference).mean()))


def test_watching_leaves_a_film_of_the_episode(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    film = tmp_path / "films" / "reach.mp4"
    assert watch(WatchConfig(seed=3, out=film)) == 0
    assert "success" in capsys.readouterr().out
    with av.open(str(film)) as container:
        stream = container.streams.video[0]
        assert (stream.width, stream.height) == (640, 480)
        assert stream.frames > 40
