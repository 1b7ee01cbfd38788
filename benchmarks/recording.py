"""The recorder under a robot's load: two raw cameras, joint states, commands; what was written, at what cost.

python benchmarks/recording.py --minutes 5
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import rclpy
import torch
import tyro
from interbotix_xs_msgs.msg import JointGroupCommand
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import Image, JointState
from std_srvs.srv import Trigger

from arvla_ros.episodes.bags import Bag
from arvla_ros.episodes.episode_folder import EpisodeInfo, episodes
from arvla_ros.evaluation.timing import machine, processor_s
from arvla_ros.robots import wx250s

CAMERAS = ("/camera/image_raw", "/wrist/image_raw")
JOINTS, COMMANDS = "/wx250s/joint_states", "/wx250s/commands/joint_group"
RATES = {CAMERAS[0]: 30.0, CAMERAS[1]: 30.0, JOINTS: 200.0, COMMANDS: 50.0}


@dataclass(frozen=True)
class RecordingConfig:
    """How long to record."""

    minutes: float = 5.0
    """Of one episode."""
    directory: Path = Path(tempfile.gettempdir())
    """Where the episode is written, and deleted afterwards; 55 MB/s."""
    domain: int = 43
    """ROS domain; nothing else may run in it."""


class Robot(Node):
    """Publishes numbered messages at the rates of a robot with two cameras."""

    def __init__(self) -> None:
        super().__init__("robot")
        self.numbers = dict.fromkeys(RATES, 0)
        self._image = Image(height=480, width=640, encoding="rgb8", step=1920)
        self._image.data.frombytes(os.urandom(480 * 1920))
        self._publishers_by_topic = {
            **{topic: self.create_publisher(Image, topic, qos_profile_sensor_data) for topic in CAMERAS},
            JOINTS: self.create_publisher(JointState, JOINTS, 10),
            COMMANDS: self.create_publisher(JointGroupCommand, COMMANDS, 10),
        }
        for topic, rate_hz in RATES.items():
            self.create_timer(1.0 / rate_hz, lambda topic=topic: self._publish(topic))

    def _publish(self, topic: str) -> None:
        number = self.numbers[topic]
        self._publishers_by_topic[topic].publish(self._message(topic, number))
        self.numbers[topic] = number + 1

    def _message(self, topic: str, number: int) -> Any:
        if topic == COMMANDS:
            return JointGroupCommand(name="arm", cmd=[float(number), 0.0, 0.0, 0.0, 0.0, 0.0])
        message = self._image if topic in CAMERAS else JointState(name=list(wx250s.ARM_JOINTS), position=[0.0] * 6)
        message.header.frame_id = str(number)
        message.header.stamp = self.get_clock().now().to_msg()
        return message


def main(config: RecordingConfig) -> None:
    """Record, compare what was published with what is in the bag, and print both."""
    os.environ |= {"ROS_DOMAIN_ID": str(config.domain), "ROS_LOCALHOST_ONLY": "1"}
    with tempfile.TemporaryDirectory(dir=config.directory) as folder:
        with _recorder(Path(folder)) as pid:
            published, share = _record(60.0 * config.minutes, pid)
        [episode] = episodes(Path(folder))
        print(f"{config.minutes:g} minutes, {os.cpu_count()} cores, {machine(torch.device('cpu'))}\n")
        print("| topic | published | written |\n|---|---|---|")
        for topic, written in _numbers(episode).items():
            print(f"| {topic} | {published[topic] - written[0]} | {len(written)} |")
        print(f"\nrecorder: {100 * share:.0f} % of a core; dropped: {EpisodeInfo.read(episode).dropped or 'nothing'}")


def _record(seconds: float, pid: int) -> tuple[dict[str, int], float]:
    """Publish while one episode is recorded; return how many of each topic, and the recorder's share of a core."""
    rclpy.init()
    robot, executor = Robot(), SingleThreadedExecutor()
    executor.add_node(robot)

    def spin(for_s: float) -> None:
        end = time.monotonic() + for_s
        while time.monotonic() < end:
            executor.spin_once(timeout_sec=0.1)

    def ask(name: str) -> Trigger.Response:
        client = robot.create_client(Trigger, f"/recorder/{name}")
        while not client.service_is_ready():
            spin(0.1)
        future = client.call_async(Trigger.Request())
        executor.spin_until_future_complete(future)
        return future.result()

    while not ask("begin").success:
        spin(0.2)
    before, started = processor_s(pid), time.monotonic()
    spin(seconds)
    share = (processor_s(pid) - before) / (time.monotonic() - started)
    # Nothing more is published: what is on its way arrives.
    numbers = dict(robot.numbers)
    for timer in list(robot.timers):
        timer.cancel()
    spin(1.0)
    answer = ask("keep")
    if not answer.success:
        sys.exit(answer.message)
    robot.destroy_node()
    rclpy.shutdown()
    return numbers, share


@contextmanager
def _recorder(folder: Path) -> Iterator[int]:
    """Run the recorder, and yield its process id."""
    topics = f"topics:=[{', '.join(RATES)}]"
    rates = f"min_rates_hz:=[{', '.join(str(rate / 2) for rate in RATES.values())}]"
    parameters = [word for each in (f"directory:={folder}", topics, rates) for word in ("-p", each)]
    script = Path(__file__).parents[1] / "scripts" / "recorder"
    process = subprocess.Popen([sys.executable, str(script), "--ros-args", *parameters])
    try:
        yield process.pid
    finally:
        process.terminate()
        process.wait(60)


def _numbers(episode: Path) -> dict[str, list[int]]:
    """Return the numbers of the messages in a bag, by topic."""
    found: dict[str, list[int]] = {topic: [] for topic in RATES}
    with Bag(episode) as bag:
        for each in bag.read(set(RATES)):
            message = each.message
            found[each.topic].append(int(message.cmd[0] if each.topic == COMMANDS else message.header.frame_id))
    return found


if __name__ == "__main__":
    main(tyro.cli(RecordingConfig, description=__doc__))
