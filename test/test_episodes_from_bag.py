"""Recorded bags as datasets: frames, states and actions belong together, whatever the topics' timing was."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from synthetic_bags import MS, START, Recorded, angle, shade, write_bag

from arvla_ros.episodes.episode_folder import EpisodeInfo, bag_file
from arvla_ros.episodes.from_bag import convert
from arvla_ros.episodes.layout import DatasetError
from arvla_ros.episodes.lerobot_reader import LeRobotDataset
from arvla_ros.episodes.to_lerobot import ToLeRobotConfig, to_lerobot
from arvla_ros.robots.contract import RobotContract

CONTRACT = RobotContract.load()
PERIOD = 100 * MS
# Joint states are float32 in a dataset.
TOLERANCE = 1e-6


@st.composite
def recordings(draw: st.DrawFn) -> Recorded:
    """Draw topics that jitter; a camera that starts late and pauses."""
    jitter = st.integers(-8 * MS, 8 * MS)
    late = draw(st.integers(0, 400)) * MS
    images = [START + late + k * 33 * MS + draw(jitter) for k in range(60)]
    gap = draw(st.integers(0, 50))
    del images[gap : gap + draw(st.integers(0, 10))]
    joints = [START + k * 10 * MS + draw(st.integers(-3 * MS, 3 * MS)) for k in range(250)]
    return Recorded(joints=joints, images=images)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(recorded=recordings())
def test_frames_states_and_actions_align_within_half_a_step_but_for_gaps(tmp_path_factory, recorded):
    converted = convert(write_bag(tmp_path_factory.mktemp("bag"), recorded), CONTRACT)
    columns, frames = converted.episode.columns, converted.episode.frames["observation.images.side"]
    state_stamps, image_stamps = columns["observation.state.stamp_ns"], columns["observation.images.side.stamp_ns"]
    steps = max(min(recorded.joints), min(recorded.images), START) + PERIOD * np.arange(len(frames))
    assert set(state_stamps) <= set(recorded.joints)
    assert set(image_stamps) <= set(recorded.images)
    assert np.abs(state_stamps - steps).max() <= PERIOD // 2
    assert (np.abs(image_stamps - steps) > PERIOD // 2).sum() == converted.gaps["/camera/image_raw"]
    # Every number is of the message whose stamp stands beside it.
    np.testing.assert_allclose(columns["observation.state"][:, 0], [angle(s) for s in state_stamps], atol=TOLERANCE)
    assert frames[:, 0, 0, 1].tolist() == [shade(stamp) for stamp in image_stamps]
    # The action is what had been sent by the end of its step.
    sent = columns["action.stamp_ns"]
    assert ((sent > steps + PERIOD - 20 * MS - 1) & (sent < steps + PERIOD)).all()
    target = columns["observation.state"][:, 0] + columns["action"][:, 0]
    np.testing.assert_allclose(target, [angle(s + recorded.lag_ns) for s in sent], atol=TOLERANCE)
    np.testing.assert_allclose(columns["action.requested"][:, 0] - columns["action"][:, 0], 1.0, atol=TOLERANCE)
    np.testing.assert_allclose(columns["action"][:, 6], 0.06, atol=TOLERANCE)


def test_colours_and_size_are_those_of_the_policy(tmp_path):
    images = convert(write_bag(tmp_path, Recorded()), CONTRACT).episode.frames["observation.images.side"]
    assert images.shape[1:] == (96, 128, 3)
    assert (images[..., 0] == 255).all()


@pytest.mark.parametrize("encoding", ["rgb8", "mono8", "bgra8"])
def test_other_encodings_are_read(tmp_path, encoding):
    converted = convert(write_bag(tmp_path, Recorded(encoding=encoding)), CONTRACT)
    stamps = converted.episode.columns["observation.images.side.stamp_ns"]
    assert converted.episode.frames["observation.images.side"][:, 5, 5, 0].tolist() == [shade(s) for s in stamps]


def test_joints_are_found_by_name_in_any_order(tmp_path):
    shuffled = Recorded(names=("left_finger", *reversed(Recorded().names[:6])))
    state = convert(write_bag(tmp_path, shuffled), CONTRACT).episode.columns["observation.state"]
    assert state[-1, 0] > 0.1
    assert (state[:, 1:6] == 0).all()


@pytest.mark.parametrize(
    ("recorded", "left_out", "message"),
    [
        (Recorded(), ["/camera/image_raw"], "no message on /camera/image_raw; the bag has /guard/state, /instruction"),
        (Recorded(), ["/guard/state"], "no message on /guard/state"),
        (Recorded(joints=[]), [], "no message on /wx250s/joint_states"),
        (Recorded(instruction=""), [], "no instruction: neither episode.json nor /instruction"),
        (Recorded(encoding="yuv422"), [], r"/camera/image_raw at \d+ ns: image encoding 'yuv422' is none of rgb8"),
        (Recorded(names=("waist", "left_finger")), [], "joint states at .* lacks shoulder, elbow"),
        (Recorded(images=[START + 10_000 * MS]), [], r"speak together for -?[\d.]+ s, .*: /camera/image_raw begins"),
    ],
)
def test_what_is_missing_in_a_bag_is_named(tmp_path, recorded, left_out, message):
    with pytest.raises(DatasetError, match=message):
        convert(write_bag(tmp_path, recorded, leave_out=left_out), CONTRACT)


def test_bad_episodes_are_told_by_name_and_the_others_are_converted(tmp_path, capsys):
    bags, out = tmp_path / "bags", tmp_path / "set"
    write_bag(bags, Recorded(), 0)
    write_bag(bags, Recorded(), 1, leave_out=["/camera/image_raw"])
    damaged = bag_file(write_bag(bags, Recorded(), 2))
    content = bytearray(damaged.read_bytes())
    content[len(content) // 2 :] = bytes(len(content) - len(content) // 2)
    damaged.write_bytes(content)
    write_bag(bags, Recorded(info=EpisodeInfo(3, kept=False)), 3)
    write_bag(bags, Recorded(info=EpisodeInfo(4)), 4)
    write_bag(bags, Recorded(info=EpisodeInfo(5, kept=True, instruction="stack the cups")), 5)
    assert to_lerobot(ToLeRobotConfig(bags, out)) == 1
    told = capsys.readouterr()
    assert "episode_000001 left out: no message on /camera/image_raw" in told.err
    assert "episode_000002 left out: " in told.err
    assert "episode_000003 left out: not kept" in told.err
    assert "episode_000004 left out: nobody has said whether it is kept" in told.err
    assert f"{out}: 2 of 4 episodes" in told.out
    dataset = LeRobotDataset(out)
    assert [episode.task for episode in dataset] == ["cover the battery", "stack the cups"]
    assert dataset.info.fps == 10
    column = dataset[0].column("timestamp")
    np.testing.assert_allclose(column, np.arange(len(column)) / 10, atol=1e-4)
    with pytest.raises(DatasetError, match="holds a dataset: choose another folder"):
        to_lerobot(ToLeRobotConfig(bags, out))


def test_one_bag_alone_and_all_episodes_can_be_asked_for(tmp_path):
    bag = write_bag(tmp_path / "bags", Recorded(info=EpisodeInfo(0, kept=False)), 0)
    assert to_lerobot(ToLeRobotConfig(bag, tmp_path / "one")) == 0
    assert to_lerobot(ToLeRobotConfig(tmp_path / "bags", tmp_path / "all", all=True)) == 0
    with pytest.raises(DatasetError, match="no episode to convert; --all takes those"):
        to_lerobot(ToLeRobotConfig(tmp_path / "bags", tmp_path / "none"))
    assert json.loads((tmp_path / "one" / "meta" / "source.json").read_text())["bags"] == [str(bag)]


@pytest.mark.parametrize("space", ["joint_position", "ee_delta", "bridge"])
def test_actions_of_every_space_lead_back_to_what_was_sent(tmp_path, space):
    contract = RobotContract.from_dict({**CONTRACT.to_dict(), "action_space": space})
    columns = convert(write_bag(tmp_path, Recorded()), contract).episode.columns
    previous = None
    for state, action, sent in zip(
        columns["observation.state"], columns["action"], columns["action.stamp_ns"], strict=True
    ):
        target = contract.space.target(action, state, previous)
        joints = np.array([angle(sent + Recorded().lag_ns), *np.zeros(5)])
        wanted = contract.space.target_from_joints(joints, 0.06)
        for found, expected in zip(vars_of(target), vars_of(wanted), strict=True):
            np.testing.assert_allclose(found, expected, atol=1e-5)
        previous = wanted


def vars_of(target: object) -> list[object]:
    return list(target) if isinstance(target, tuple) else list(vars(target).values())


def test_a_folder_that_is_no_bag_is_named(tmp_path: Path):
    with pytest.raises(DatasetError, match=r"is no bag: it has no metadata\.yaml; `ros2 bag reindex"):
        convert(tmp_path, CONTRACT)
