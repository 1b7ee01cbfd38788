"""One recorded bag as one episode of a dataset, by the robot's contract: what the policy saw, and what was done.

State and pictures of a step are the messages nearest to it in time, by header stamp; its action is what the guard had
sent by the step's end, and beside it what had been asked for. Real stamps stand in columns of their own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from arvla_ros.episodes.bag_images import to_rgb
from arvla_ros.episodes.bags import Bag, BagMessage, stamp_ns
from arvla_ros.episodes.layout import DatasetError, Feature
from arvla_ros.episodes.staging import Episode, EpisodeFormat
from arvla_ros.episodes.timeline import Indices, Timeline, Times, ascending
from arvla_ros.robots.contract import ContractError, RobotContract

STATE, ACTION, REQUESTED = "observation.state", "action", "action.requested"
STATE_STAMP, ACTION_STAMP = "observation.state.stamp_ns", "action.stamp_ns"
HELD = "held"
"""Whether the guard held the arm: no source's action was carried out."""

_GUARD, _INSTRUCTION, _STEP = "/guard/state", "/instruction", "/action_expert/step"
_ACTIVE = 1  # GuardState.MODE_ACTIVE


@dataclass(frozen=True)
class Converted:
    """An episode, and what is to be told of it.

    Attributes:
        episode: for the writer.
        gaps: by topic, at how many steps the nearest message was farther than half a period away.
        prefix_ages_s: how old the policy's picture was at each of its steps, where a policy drove.
    """

    episode: Episode
    gaps: dict[str, int]
    prefix_ages_s: list[float]


def episode_format(contract: RobotContract) -> EpisodeFormat:
    """Return what the episodes of a robot are.

    Raises:
        DatasetError: the control rate is not a whole number.
    """
    if not contract.control_rate_hz.is_integer():
        raise DatasetError(f"control_rate_hz {contract.control_rate_hz} must be a whole number for a dataset")
    state = Feature("float32", (contract.state_size,), tuple(each.name for each in contract.space.state_dimensions))
    action = Feature("float32", (contract.action_size,), tuple(each.name for each in contract.space.action_dimensions))
    stamp = Feature("int64", (1,))
    features = {STATE: state, ACTION: action, REQUESTED: action, HELD: Feature("bool", (1,))}
    features |= {STATE_STAMP: stamp, ACTION_STAMP: stamp}
    for camera in contract.cameras:
        shape = (contract.image_height, contract.image_width, 3)
        features[camera_feature(camera.name)] = Feature("video", shape, ("height", "width", "channels"))
        features[camera_stamp(camera.name)] = stamp
    return EpisodeFormat(int(contract.control_rate_hz), features, contract.robot)


def camera_feature(camera: str) -> str:
    """Return the name of a camera's feature."""
    return f"observation.images.{camera}"


def camera_stamp(camera: str) -> str:
    """Return the name of the column with the header stamps of a camera's pictures."""
    return f"{camera_feature(camera)}.stamp_ns"


def convert(folder: Path, contract: RobotContract, instruction: str = "") -> Converted:
    """Read a bag.

    Args:
        folder: of the bag.
        contract: how its topics become observations and actions.
        instruction: what was asked for; empty: the newest of /instruction.

    Raises:
        DatasetError: a topic is missing or damaged; the message names it.
    """
    with Bag(folder) as bag:
        topics = _topics(bag, contract)
        read = _Read.all(bag, topics, contract)
        pictures = [topics.cameras[camera.name] for camera in contract.cameras]
        streams = {topics.joints: read.joint_stamps, _GUARD: read.command_stamps}
        streams |= {topic: read.picture_stamps[topic] for topic in pictures}
        timeline = Timeline.common(streams, contract.control_rate_hz)
        images = _images(bag, topics.cameras, read.picture_stamps, timeline, contract)
    columns = _columns(read, timeline, contract)
    for camera in contract.cameras:
        stamps = read.picture_stamps[topics.cameras[camera.name]]
        columns[camera_stamp(camera.name)] = stamps[timeline.nearest(stamps)]
    gaps = {topic: int(timeline.gaps(stamps).sum()) for topic, stamps in streams.items() if topic != _GUARD}
    task = instruction or read.instruction
    if not task:
        raise DatasetError("no instruction: neither episode.json nor /instruction tells what was asked for")
    return Converted(Episode(task, columns, images), gaps, read.prefix_ages_s)


@dataclass(frozen=True)
class _Topics:
    """Where things are in a bag: the joint states, and every camera's pictures, raw or compressed."""

    joints: str
    cameras: dict[str, str]


def _topics(bag: Bag, contract: RobotContract) -> _Topics:
    joints = f"/{contract.robot}/joint_states"
    cameras = {}
    missing = [topic for topic in (joints, _GUARD) if not bag.counts.get(topic)]
    for camera in contract.cameras:
        found = [topic for topic in (camera.topic, f"{camera.topic}/compressed") if bag.counts.get(topic)]
        cameras[camera.name] = found[0] if found else camera.topic
        missing += [] if found else [camera.topic]
    if missing:
        raise DatasetError(
            f"no message on {', '.join(missing)}; the bag has {', '.join(sorted(bag.counts)) or 'nothing'}"
        )
    return _Topics(joints, cameras)


@dataclass
class _Read:
    """What was in a bag, in the order of stamps, but for the pictures themselves."""

    joint_stamps: Times
    joints: list[tuple[Sequence[str], npt.NDArray[np.float64]]]
    command_stamps: Times
    commands: list[Any]
    picture_stamps: dict[str, Times]
    instruction: str = ""
    prefix_ages_s: list[float] = field(default_factory=list)

    @classmethod
    def all(cls, bag: Bag, topics: _Topics, contract: RobotContract) -> _Read:
        joints: list[BagMessage] = []
        guard: list[BagMessage] = []
        stamps: dict[str, list[int]] = {topic: [] for topic in topics.cameras.values()}
        instruction, ages = "", []
        for each in bag.read({topics.joints, _GUARD, _INSTRUCTION, _STEP, *stamps}):
            if each.topic in stamps:
                stamps[each.topic].append(_stamp(each))
            elif each.topic == topics.joints:
                joints.append(each)
            elif each.topic == _GUARD:
                # From the first command on; before, nobody moved the arm.
                if len(each.message.sent) and (guard or each.message.mode == _ACTIVE):
                    guard.append(each)
            elif each.topic == _INSTRUCTION:
                instruction = instruction or str(each.message.data)
            elif each.message.staleness >= 0:
                ages.append(float(each.message.staleness))
        if not guard:
            raise DatasetError(f"nothing was sent to the arm: {_GUARD} tells of no armed source")
        joint_stamps, places = ascending([_stamp(each) for each in joints])
        command_stamps, command_places = ascending([_stamp(each) for each in guard])
        return cls(
            joint_stamps,
            [(joints[place].message.name, joints[place].message.position) for place in places],
            command_stamps,
            [guard[place].message for place in command_places],
            {topic: ascending(times)[0] for topic, times in stamps.items()},
            instruction,
            ages,
        )


def _stamp(each: BagMessage) -> int:
    """Return the header stamp, or when the message was received if its publisher left the stamp out."""
    return stamp_ns(each.message) or each.log_ns


def _columns(read: _Read, timeline: Timeline, contract: RobotContract) -> dict[str, npt.NDArray[Any]]:
    joints = timeline.nearest(read.joint_stamps)
    states = _states(read, joints, contract)
    last = timeline.last_before_end(read.command_stamps).clip(0)
    sent, requested = [], []
    space = contract.space
    before_sent = before_requested = None
    for state, index in zip(states, last, strict=True):
        command = read.commands[index]
        target = space.target_from_joints(np.asarray(command.sent, np.float64), float(command.sent_gripper))
        asked = target
        if len(command.requested) and np.isfinite(command.requested).all() and np.isfinite(command.requested_gripper):
            asked = space.target_from_joints(
                np.asarray(command.requested, np.float64), float(command.requested_gripper)
            )
        sent.append(space.action(target, state, before_sent))
        requested.append(space.action(asked, state, before_requested))
        before_sent, before_requested = target, asked
    return {
        STATE: np.stack(states),
        ACTION: np.stack(sent),
        REQUESTED: np.stack(requested),
        HELD: np.array([read.commands[index].mode != _ACTIVE for index in last]),
        STATE_STAMP: read.joint_stamps[joints],
        ACTION_STAMP: read.command_stamps[last],
    }


def _states(read: _Read, joints: Indices, contract: RobotContract) -> list[npt.NDArray[np.float32]]:
    states: list[npt.NDArray[np.float32]] = []
    for index in joints:
        names, positions = read.joints[index]
        try:
            states.append(contract.state(list(names), positions.tolist(), states[-1] if states else None))
        except ContractError as error:
            raise DatasetError(f"joint states at {read.joint_stamps[index]} ns: {error}") from error
    return states


def _images(
    bag: Bag, cameras: Mapping[str, str], stamps: Mapping[str, Times], timeline: Timeline, contract: RobotContract
) -> dict[str, npt.NDArray[np.uint8]]:
    """Decode the pictures that a step takes, each once, at the policy's size."""
    names = {topic: name for name, topic in cameras.items()}
    size = (len(timeline.steps), contract.image_height, contract.image_width, 3)
    images = {name: np.empty(size, dtype=np.uint8) for name in cameras}
    steps_of: dict[tuple[str, int], list[int]] = {}
    for topic in names:
        for step, index in enumerate(timeline.nearest(stamps[topic])):
            steps_of.setdefault((topic, int(stamps[topic][index])), []).append(step)
    for each in bag.read(set(names)):
        steps = steps_of.pop((each.topic, _stamp(each)), None)
        if steps is not None:
            try:
                images[names[each.topic]][steps] = contract.image(to_rgb(each.message))
            except (DatasetError, ContractError) as error:
                raise DatasetError(f"{each.topic} at {_stamp(each)} ns: {error}") from error
    return {camera_feature(name): frames for name, frames in images.items()}


def sent_commands(folder: Path) -> tuple[Times, npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return what the guard sent to the arm in a bag: stamps ``[N]`` in ns, joints ``[N, n]`` in rad, openings in m.

    Raises:
        DatasetError: the folder is no bag, or nothing was sent.
    """
    with Bag(folder) as bag:
        sent = [each for each in bag.read({_GUARD}) if each.message.mode == _ACTIVE and len(each.message.sent)]
    if not sent:
        raise DatasetError(f"{folder}: nothing was sent to the arm: {_GUARD} tells of no armed source")
    stamps, places = ascending([_stamp(each) for each in sent])
    joints = np.stack([np.asarray(sent[place].message.sent, dtype=np.float64) for place in places])
    openings = np.array([float(sent[place].message.sent_gripper) for place in places])
    return stamps, joints, openings
