"""Bags as the recorder writes them, of an arm whose every number tells its time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

from arvla_ros.episodes.episode_folder import EpisodeInfo, bag_file, finish, recording_folder
from arvla_ros.episodes.mcap_file import McapFile
from arvla_ros.paths import share_directory
from arvla_ros.robots import wx250s

MS = 1_000_000
START = 1_790_000_000 * 1000 * MS
"""ns; not near zero, where a time in seconds as a float would be exact."""

STORE = get_typestore(Stores.ROS2_HUMBLE)
for path in sorted((share_directory() / "msg").glob("*.msg")):
    STORE.register(get_types_from_msg(path.read_text(), f"arvla_ros/msg/{path.stem}"))
TYPES = STORE.types

TOPICS = {
    "/wx250s/joint_states": "sensor_msgs/msg/JointState",
    "/guard/state": "arvla_ros/msg/GuardState",
    "/camera/image_raw": "sensor_msgs/msg/Image",
    "/instruction": "std_msgs/msg/String",
}


def angle(stamp_ns: int) -> float:
    """Return what the waist is at, or is sent to, at a time: it moves at 0.1 rad/s."""
    return (stamp_ns - START) * 1e-10


def shade(stamp_ns: int) -> int:
    """Return the brightness of a picture taken at a time: one level every 40 ms."""
    return (stamp_ns - START) // (40 * MS) % 250


@dataclass
class Recorded:
    """Stamps in ns of what a bag is to hold.

    Attributes:
        lag_ns: a command sends the waist to where it was this much later.
    """

    joints: list[int] = field(default_factory=lambda: [START + k * 10 * MS for k in range(300)])
    images: list[int] = field(default_factory=lambda: [START + k * 66 * MS for k in range(46)])
    commands: list[int] = field(default_factory=lambda: [START + k * 20 * MS for k in range(150)])
    names: tuple[str, ...] = (*wx250s.ARM_JOINTS, "gripper", "left_finger", "right_finger")
    encoding: str = "bgr8"
    instruction: str = "cover the battery"
    lag_ns: int = 100 * MS
    info: EpisodeInfo = field(default_factory=lambda: EpisodeInfo(0, "stack3", kept=True))


def write_bag(directory: Path, recorded: Recorded, episode: int = 0, leave_out: Iterable[str] = ()) -> Path:
    """Write an episode, and return its folder."""
    folder = recording_folder(directory, episode)
    folder.mkdir(parents=True)
    messages = [(stamp, "/wx250s/joint_states", _joints(stamp, recorded)) for stamp in recorded.joints]
    messages += [(stamp, "/guard/state", _guard(stamp, recorded)) for stamp in recorded.commands]
    messages += [(stamp, "/camera/image_raw", _image(stamp, recorded)) for stamp in recorded.images]
    if recorded.instruction:
        messages.append((START, "/instruction", TYPES["std_msgs/msg/String"](recorded.instruction)))
    with McapFile(bag_file(folder)) as file:
        channels = {
            topic: file.add_channel(topic, kind, STORE.generate_msgdef(kind, ros_version=2)[0], "")
            for topic, kind in TOPICS.items()
            if topic not in leave_out
        }
        # Received a little after its stamp, and not in the order of stamps across topics.
        for stamp, topic, message in sorted(messages, key=lambda each: each[0] + len(each[1]) * MS):
            if topic in channels:
                file.write(channels[topic], stamp + 5 * MS, stamp, bytes(STORE.serialize_cdr(message, TOPICS[topic])))
    return finish(folder, file.summary, recorded.info)


def _header(stamp: int) -> Any:
    time = TYPES["builtin_interfaces/msg/Time"](stamp // 1_000_000_000, stamp % 1_000_000_000)
    return TYPES["std_msgs/msg/Header"](time, "")


def _joints(stamp: int, recorded: Recorded) -> Any:
    positions = {"waist": angle(stamp), "left_finger": 0.03}
    values = np.array([positions.get(name, 0.0) for name in recorded.names])
    return TYPES["sensor_msgs/msg/JointState"](_header(stamp), list(recorded.names), values, np.array([]), np.array([]))


def _guard(stamp: int, recorded: Recorded) -> Any:
    unknown = TYPES["arvla_ros/msg/AgeBudget"](-1.0, -1.0, -1.0, -1.0)
    sent = np.array([angle(stamp + recorded.lag_ns), *np.zeros(5)])
    fields = {
        "header": _header(stamp),
        "mode": 1,
        "reason": "",
        "source": "teleop",
        "joint_names": list(wx250s.ARM_JOINTS),
        "requested": sent + 1.0,
        "sent": sent,
        "requested_gripper": 0.05,
        "sent_gripper": 0.06,
        "limited": [],
        "refused": 0,
        "age": unknown,
        "dry_run": False,
    }
    kind = TYPES["arvla_ros/msg/GuardState"]
    known = {name: fields[name] for name in kind.__dataclass_fields__ if name in fields}
    return kind(**known)


def _image(stamp: int, recorded: Recorded) -> Any:
    channels = {"rgb8": 3, "bgr8": 3, "mono8": 1, "bgra8": 4, "yuv422": 2}[recorded.encoding]
    data = np.full(480 * 640 * channels, shade(stamp), dtype=np.uint8)
    if recorded.encoding == "bgr8":
        data[2::3] = 255  # red
    return TYPES["sensor_msgs/msg/Image"](_header(stamp), 480, 640, recorded.encoding, 0, 640 * channels, data)
