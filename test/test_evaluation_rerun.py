"""A policy's recorded run computed again, and another look at it: from a bag of real pictures, states and actions."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from synthetic_bags import MS, START, STORE, TYPES, Recorded, write_bag

from arvla_ros.episodes.episode_folder import EpisodeInfo, bag_file, finish, recording_folder
from arvla_ros.episodes.layout import DatasetError
from arvla_ros.episodes.mcap_file import McapFile
from arvla_ros.evaluation.open_loop import OpenLoopConfig, evaluate_open_loop
from arvla_ros.evaluation.rerun import RerunConfig, compute_again, rerun
from arvla_ros.paths import share_directory
from arvla_ros.policy.streaming import Perceiver, StreamingPolicy
from arvla_ros.robots import wx250s
from arvla_ros.sim.env import RolloutEnv
from arvla_ros.sim.tasks import make_task

CHECKPOINT = share_directory() / "checkpoints" / "reach"
STEPS, LATENCY, REFRESH = 24, 2, 4
PERIOD = 100 * MS


@pytest.fixture(scope="module")
def policy() -> StreamingPolicy:
    return StreamingPolicy.load(CHECKPOINT)


@pytest.fixture(scope="module")
def perceiver() -> Perceiver:
    return Perceiver.load(CHECKPOINT)


class Writer:
    """Writes messages of a run into an episode's folder."""

    def __init__(self, directory: Path) -> None:
        self.folder = recording_folder(directory, 0)
        self.folder.mkdir(parents=True)
        self.file = McapFile(bag_file(self.folder))
        self.channels: dict[str, int] = {}

    def write(self, topic: str, kind: str, stamp: int, **fields: object) -> None:
        time = TYPES["builtin_interfaces/msg/Time"](stamp // 1_000_000_000, stamp % 1_000_000_000)
        header = TYPES["std_msgs/msg/Header"](time, "")
        if topic not in self.channels:
            definition = STORE.generate_msgdef(kind, ros_version=2)[0]
            self.channels[topic] = self.file.add_channel(topic, kind, definition, "")
        data = STORE.serialize_cdr(TYPES[kind](header, **fields), kind)
        self.file.write(self.channels[topic], stamp, stamp, bytes(data))

    def finish(self, instruction: str) -> Path:
        self.file.close()
        return finish(self.folder, self.file.summary, EpisodeInfo(0, "reach", instruction, kept=True))


@pytest.fixture(scope="module")
def bag(tmp_path_factory, policy, perceiver) -> Path:
    """Return a bag of a policy that drives the simulated arm, as the recorder would have written it."""
    env = RolloutEnv(make_task("reach"), policy.contract)
    observation, writer = env.reset(11), Writer(tmp_path_factory.mktemp("bag"))
    ages = TYPES["arvla_ros/msg/AgeBudget"](-1.0, -1.0, -1.0, -1.0)
    names, captured, waiting = list(wx250s.ARM_JOINTS), -1, {}
    policy.reset()
    for step in range(STEPS):
        now = START + step * PERIOD
        frame = env.world.render("side")
        writer.write(
            "/camera/image_raw", "sensor_msgs/msg/Image", now, height=480, width=640, encoding="rgb8", is_bigendian=0,
            step=1920, data=frame.reshape(-1),
        )  # fmt: skip
        if step % REFRESH == 0:
            waiting[step] = perceiver.perceive(policy.contract.image(frame)[None], observation.instruction)
        if step - LATENCY in waiting:
            captured = step - LATENCY
            policy.set_prefix(waiting.pop(captured), captured)
        reading = env.world.joint_state()
        writer.write(
            "/wx250s/joint_states", "sensor_msgs/msg/JointState", now, name=list(reading.names),
            position=reading.positions, velocity=reading.velocities, effort=reading.efforts,
        )  # fmt: skip
        action = policy.step(step, observation.state)
        stale = step - captured if captured >= 0 else -1
        writer.write(
            "/action_expert/step", "arvla_ros/msg/ActionStep", now, step=step, anchor_step=captured,
            staleness_steps=stale, staleness=stale * 0.1 if stale >= 0 else -1.0, state=observation.state,
            action=action, inference_time=0.001, age=ages, mode=2, reason="", missed_ticks=0,
        )  # fmt: skip
        target = observation.state[:6].astype(np.float64) + action[:6]
        writer.write(
            "/guard/state", "arvla_ros/msg/GuardState", now + PERIOD // 2, mode=1, reason="", source="action_expert",
            joint_names=names, requested=target, sent=target, requested_gripper=0.07, sent_gripper=0.07, limited=[],
            refused=0, age=ages, dry_run=False,
        )  # fmt: skip
        observation = env.step(action)
    env.close()
    return writer.finish(observation.instruction)


def test_the_same_checkpoint_gives_the_same_actions_again(bag, policy, perceiver, capsys):
    result = compute_again(bag, policy, perceiver)
    assert len(result.differences) == STEPS - LATENCY
    assert result.differences.max() < 1e-6
    assert result.skipped == LATENCY
    assert rerun(RerunConfig(bag, CHECKPOINT)) == 0
    assert f"{STEPS - LATENCY} of {STEPS - LATENCY} actions the same" in capsys.readouterr().out


def test_a_policy_that_remembers_less_is_noticed(bag, policy, perceiver):
    length = policy.history_length
    policy.history_length = 2
    try:
        assert compute_again(bag, policy, perceiver).differences.max() > 1e-3
    finally:
        policy.history_length = length


def test_a_bag_without_a_policy_has_nothing_to_compare(tmp_path, policy, perceiver):
    with pytest.raises(DatasetError, match="no step of a policy can be compared"):
        compute_again(write_bag(tmp_path, Recorded()), policy, perceiver)


def test_open_loop_the_policy_that_drove_predicts_about_what_was_done(bag, tmp_path, capsys):
    out = tmp_path / "plots" / "open_loop.png"
    assert evaluate_open_loop(OpenLoopConfig(bag, CHECKPOINT, out)) == 0
    assert out.stat().st_size > 10_000
    figures = json.loads(out.with_suffix(".json").read_text())
    assert figures["steps"] > STEPS / 2
    assert figures["errors"]["waist, rad"]["max"] < 0.05
    assert "mean error" in capsys.readouterr().out
