"""The recorder as its own process over real DDS: what it refuses, what it warns of, what lies on disk afterwards."""

from __future__ import annotations

import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import rclpy
from mcap.reader import make_reader
from rclpy.executors import SingleThreadedExecutor
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from std_msgs.msg import String, UInt64
from std_srvs.srv import Trigger

from arvla_ros.episodes.episode_folder import EpisodeInfo, bag_file, episodes
from arvla_ros.msg import EpisodeStatus
from arvla_ros.srv import StartEpisode, StopEpisode

LATCHED = QoSProfile(depth=1, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.TRANSIENT_LOCAL)
BEST_EFFORT = QoSProfile(depth=5, reliability=ReliabilityPolicy.BEST_EFFORT)


class Robot:
    """A node that publishes two streams and an instruction, and asks the recorder."""

    def __init__(self, domain: int) -> None:
        self.context = rclpy.Context()
        rclpy.init(context=self.context, domain_id=domain)
        self.node = rclpy.create_node("robot", context=self.context)
        self.executor = SingleThreadedExecutor(context=self.context)
        self.executor.add_node(self.node)
        self.status: EpisodeStatus | None = None
        self.count = 0
        self.silent = False
        self._states = self.node.create_publisher(UInt64, "/states", 10)
        self._images = self.node.create_publisher(UInt64, "/images", BEST_EFFORT)
        self.node.create_subscription(EpisodeStatus, "/recorder/status", self._on_status, LATCHED)
        self.node.create_timer(0.02, self._publish)

    def _on_status(self, message: EpisodeStatus) -> None:
        self.status = message

    def _publish(self) -> None:
        self._states.publish(UInt64(data=self.count))
        self.count += 1
        if not self.silent:
            self._images.publish(UInt64(data=self.count))

    def say(self, instruction: str) -> None:
        self.node.create_publisher(String, "/instruction", LATCHED).publish(String(data=instruction))

    def ask(self, kind: type, name: str, request: object) -> object:
        client = self.node.create_client(kind, f"/recorder/{name}")
        assert client.wait_for_service(timeout_sec=20.0)
        future = client.call_async(request)
        self.executor.spin_until_future_complete(future, timeout_sec=20.0)
        self.node.destroy_client(client)
        return future.result()

    def trigger(self, name: str) -> Trigger.Response:
        return self.ask(Trigger, name, Trigger.Request())

    def spin_until(self, reached: Callable[[], bool], timeout: float = 20.0) -> None:
        end = time.monotonic() + timeout
        while not reached():
            assert time.monotonic() < end, f"not reached; {self.status}"
            self.executor.spin_once(timeout_sec=0.05)

    def begin(self) -> str:
        """Begin an episode once both streams are heard."""
        answer = StartEpisode.Response()

        def begun() -> bool:
            nonlocal answer
            answer = self.ask(StartEpisode, "start", StartEpisode.Request(task="t", instruction="do it"))
            return bool(answer.success)

        self.spin_until(begun)
        return str(answer.path)

    def record(self, messages: int) -> None:
        last = self.count + messages
        self.spin_until(lambda: self.count >= last)

    def close(self) -> None:
        self.node.destroy_node()
        rclpy.shutdown(context=self.context)


@pytest.fixture
def robot(ros_environment) -> Iterator[Robot]:
    robot = Robot(int(ros_environment["ROS_DOMAIN_ID"]))
    yield robot
    robot.close()


@pytest.fixture
def recorder(ros_environment, tmp_path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start recorders; what still runs in the end is killed."""
    started: list[subprocess.Popen[str]] = []

    def start(*parameters: str) -> subprocess.Popen[str]:
        given = (f"directory:={tmp_path / 'episodes'}", "topics:=[/states, /images]", "min_rates_hz:=[10.0, 10.0]")
        words = [word for each in (*given, "events:=[/instruction]", *parameters) for word in ("-p", each)]
        command = ["ros2", "run", "arvla_ros", "recorder", "--ros-args", *words]
        started.append(
            subprocess.Popen(
                command, env=ros_environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                start_new_session=True,
            )
        )  # fmt: skip
        return started[-1]

    yield start
    for process in started:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        try:
            process.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()


def messages(folder: Path) -> dict[str, int]:
    with bag_file(folder).open("rb") as stream:
        summary = make_reader(stream).get_summary()
    return {summary.channels[key].topic: count for key, count in summary.statistics.channel_message_counts.items()}


def test_episodes_are_kept_discarded_and_recorded_again(robot, recorder, tmp_path, ros_environment):
    recorder()
    robot.say("cover the battery")
    refused = robot.trigger("keep")
    assert (refused.success, refused.message) == (False, "nothing is being recorded")
    path = robot.begin()
    assert path == str(tmp_path / "episodes" / "episode_000000.recording")
    again = robot.trigger("begin")
    assert "episode 0 is being recorded: stop it first" in again.message
    robot.record(30)
    answer = robot.ask(StopEpisode, "stop", StopEpisode.Request(keep=True, score=0.5, notes="well done"))
    assert answer.success, answer.message
    folder = Path(answer.path)
    info = EpisodeInfo.read(folder)
    assert (info.kept, info.score, info.notes, info.instruction) == (True, 0.5, "well done", "do it")
    counts = messages(folder)
    assert counts["/states"] >= 25
    assert counts["/images"] >= 20
    assert counts["/instruction"] == 1  # said before the episode began, and in its bag all the same
    assert info.messages == answer.messages == sum(counts.values())
    told = subprocess.run(["ros2", "bag", "info", str(folder)], env=ros_environment, capture_output=True, text=True)
    assert f"Messages:          {answer.messages}" in told.stdout, told

    robot.begin()
    robot.record(5)
    assert robot.trigger("rerecord").success
    assert robot.trigger("discard").success
    assert episodes(tmp_path / "episodes") == [folder]
    robot.spin_until(lambda: not robot.status.recording)
    assert robot.status.kept == 1


def test_a_topic_that_appears_during_an_episode_is_in_its_bag_from_then_on(robot, recorder):
    recorder()
    robot.begin()
    robot.record(10)
    robot.say("stack the cups")
    robot.spin_until(lambda: robot.status.recording and robot.status.rates[2] > 0)
    answer = robot.ask(StopEpisode, "stop", StopEpisode.Request(keep=True))
    assert messages(Path(answer.path))["/instruction"] == 1


def test_it_does_not_begin_while_a_topic_is_silent_and_warns_when_one_falls_silent(robot, recorder):
    recorder()
    robot.silent = True
    robot.spin_until(lambda: robot.status is not None and list(robot.status.topics)[:2] == ["/states", "/images"])
    refused = robot.trigger("begin")
    assert not refused.success
    assert "/images: " in refused.message
    robot.silent = False
    robot.begin()
    robot.spin_until(lambda: not robot.status.warnings)
    robot.silent = True
    robot.spin_until(lambda: any("/images: silent" in warning for warning in robot.status.warnings))
    assert robot.status.recording


def test_killed_while_recording_it_repairs_the_episode_at_its_next_start(robot, recorder, tmp_path):
    first = recorder()
    robot.begin()
    robot.record(80)
    first.kill()
    subprocess.run(["pkill", "-9", "-s", str(first.pid)], check=False)
    first.wait()
    recorder()
    robot.spin_until(lambda: len(episodes(tmp_path / "episodes")) == 1)
    [folder] = episodes(tmp_path / "episodes")
    assert EpisodeInfo.read(folder).recovered
    assert messages(folder)["/states"] >= 20


def test_ctrl_c_while_recording_finishes_the_episode_and_leaves_the_verdict_open(robot, recorder, tmp_path):
    process = recorder()
    robot.begin()
    robot.record(20)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=20)
    [folder] = episodes(tmp_path / "episodes")
    info = EpisodeInfo.read(folder)
    assert (info.kept, info.recovered, info.notes) == (None, False, "the recorder was stopped")
    assert "Traceback" not in output


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        (("min_rates_hz:=[1.0]",), r"parameter min_rates_hz=\[1.0\]: topics has 2 names"),
        (("directory:=/proc/nothing",), r"parameter directory='/proc/nothing': "),
    ],
)
def test_a_parameter_that_makes_no_sense_ends_it_with_one_line(recorder, parameters, message):
    process = recorder(*parameters)
    output, _ = process.communicate(timeout=30)
    assert process.returncode == 1
    assert re.search(message, output), output
    assert "Traceback" not in output
