"""Bags of a run of which everything is known, as `ros2 bag record` writes them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from rosbags.interfaces import Nodetype
from rosbags.rosbag2 import StoragePlugin, Writer
from synthetic_bags import START, STORE

from arvla_ros.robots import wx250s

SECONDS = 6.0
HOLD = (3.0, 4.0)
"""The guard holds then."""
GUARD_RATE, STEP_RATE = 50, 10
WAIST_SPEED = 0.1
AGE = {"ready": 0.05, "first_used": 0.07, "commanded": 0.2, "sent": 0.21}
IMAGE = np.full((48, 64, 3), (200, 100, 50), np.uint8)


def message(kind: str, **fields: Any) -> Any:
    """Return a message of ``package/Name``; fields that are not given are zero or empty."""
    return _message(kind.replace("/", "/msg/"), **fields)


def _message(kind: str, **fields: Any) -> Any:
    empty = {name: _nothing(node) for name, node in STORE.fielddefs[kind][1] if name not in fields}
    return STORE.types[kind](**empty, **fields)


def _nothing(node: Any) -> Any:
    """Return the value of a field with nothing in it."""
    if node[0] == Nodetype.NAME:
        return _message(node[1])
    if node[0] == Nodetype.BASE:
        return {"string": "", "bool": False}.get(node[1][0], 0)
    inner = node[1][0]
    named = inner[0] == Nodetype.NAME or inner[1][0] in ("string", "bool")
    return [] if named else np.zeros(0, inner[1][0])


def header(second: float) -> Any:
    stamp_ns = START + round(second * 1e9)
    stamp = message("builtin_interfaces/Time", sec=stamp_ns // 10**9, nanosec=stamp_ns % 10**9)
    return message("std_msgs/Header", stamp=stamp)


def waist(second: float) -> float:
    """Return what is sent to the waist, rad."""
    return WAIST_SPEED * (min(second, HOLD[0]) + max(second - HOLD[1], 0.0))


def messages(seconds: float = SECONDS) -> Iterator[tuple[float, str, Any]]:
    """Yield second, topic and message of the run, unsorted."""
    yield 0.5, "/instruction", message("std_msgs/String", data="cover the battery")
    for cycle in range(round(seconds * GUARD_RATE)):
        second = cycle / GUARD_RATE
        held = HOLD[0] <= second < HOLD[1]
        sent = np.array([waist(second), *wx250s.READY[1:]])
        names = ["waist", "shoulder", "elbow", "forearm_roll", "wrist_angle", "wrist_rotate"]
        yield (
            second,
            "/guard/state",
            message(
                "arvla_ros/GuardState",
                header=header(second),
                mode=2 if held else 1,
                reason=f"no command for {second - HOLD[0] + 0.5:.2f} s" if held else "",
                source="action_expert",
                joint_names=names,
                requested=np.zeros(0) if held else sent + np.array([0.01, 0, 0, 0, 0, 0]),
                sent=sent,
                requested_gripper=0.05,
                sent_gripper=0.05,
                limited=["step:waist"] if cycle % 10 == 0 else [],
                refused=7 if second >= 2.0 else 5,
                age=message("arvla_ros/AgeBudget", **AGE),
            ),
        )
        position = np.array([*(sent + np.array([0.02, 0, 0, 0, 0, 0])), 0.0, 0.025, -0.025])
        joints = message(
            "sensor_msgs/JointState",
            header=header(second),
            name=[*names, "gripper", "left_finger", "right_finger"],
            position=position,
        )
        yield second, "/wx250s/joint_states", joints
    for step in range(round(seconds * STEP_RATE)):
        second = step / STEP_RATE
        yield (
            second,
            "/action_expert/step",
            message(
                "arvla_ros/ActionStep",
                header=header(second),
                step=step,
                anchor_step=step - 2,
                staleness_steps=2,
                staleness=0.2,
                inference_time=0.004,
                mode=2 if second < 5 else 3,
                reason="" if second < 5 else "picture 1.7 s old",
                missed_ticks=1 if second >= 2.5 else 0,
                age=message("arvla_ros/AgeBudget", **{**AGE, "sent": -1.0}),
            ),
        )
        image = message(
            "sensor_msgs/Image",
            header=header(second),
            height=IMAGE.shape[0],
            width=IMAGE.shape[1],
            step=3 * IMAGE.shape[1],
            encoding="rgb8",
            data=IMAGE.reshape(-1),
        )
        yield second, "/camera/image_raw", image


def write_bag(
    folder: Path,
    storage: StoragePlugin = StoragePlugin.MCAP,
    without: tuple[str, ...] = (),
    seconds: float = SECONDS,
    delay_s: float = 0.0,
) -> Path:
    """Write the run, but for some topics.

    Args:
        folder: of the bag.
        storage: MCAP or sqlite3.
        without: topics that nobody recorded.
        seconds: how long it lasts.
        delay_s: how much later than they are stamped messages are received.
    """
    with Writer(folder, version=9, storage_plugin=storage) as writer:
        connections: dict[str, Any] = {}
        for second, topic, each in sorted(messages(seconds), key=lambda row: row[0]):
            if topic in without:
                continue
            kind = each.__msgtype__
            if topic not in connections:
                connections[topic] = writer.add_connection(topic, kind, typestore=STORE)
            log_ns = START + round((second + delay_s) * 1e9)
            writer.write(connections[topic], log_ns, STORE.serialize_cdr(each, kind))
    return folder
