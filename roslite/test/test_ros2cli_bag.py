"""`ros2 bag` with MCAP storage, against nodes in this process."""

import os
import pty
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest
import rclpy
import yaml
from launch_helpers import ROS2, ros2, start_ros2
from rclpy.node import Node
from rclpy.publisher import Publisher
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from ros_helpers import PATIENCE_S, spin_until
from rosgraph_msgs.msg import Clock
from std_msgs.msg import Int32, String

LATCHED = QoSProfile(depth=10, durability=DurabilityPolicy.TRANSIENT_LOCAL)
BEST_EFFORT = QoSProfile(depth=100, reliability=ReliabilityPolicy.BEST_EFFORT)
NUMBERS = list(range(20))
NUMBER_PERIOD_S = 0.02
DISCOVERY_S = 0.5
"""How long the other side of a match may still need once one side knows of it."""
SENSED = (9, 19)
"""Numbers that go out on the best-effort topic too."""


@pytest.fixture
def publishers(node: Node) -> dict[str, Publisher]:
    """Three topics; on the latched one a message is out already."""
    made = {
        "/numbers": node.create_publisher(Int32, "/numbers", 100),
        "/latched": node.create_publisher(String, "/latched", LATCHED),
        "/sensor": node.create_publisher(Int32, "/sensor", BEST_EFFORT),
    }
    made["/latched"].publish(String(data="early"))
    return made


@pytest.fixture
def bag(tmp_path: Path, node: Node, publishers: dict[str, Publisher]) -> Path:
    """A bag of the three topics."""
    path = tmp_path / "bag"
    with recording("-o", str(path), *publishers, subscribed=publishers) as process:
        for number in NUMBERS:
            publishers["/numbers"].publish(Int32(data=number))
            if number in SENSED:
                publishers["/sensor"].publish(Int32(data=number))
            pause(node, NUMBER_PERIOD_S)
        pause(node, 0.5)
    assert process.returncode == 0
    for publisher in publishers.values():
        node.destroy_publisher(publisher)
    return path


class recording:  # noqa: N801
    """`ros2 bag record`, from when the publishers know that it listens until Ctrl-C."""

    def __init__(self, *arguments: str, subscribed: "dict[str, Publisher]") -> None:
        self._process = start_ros2("bag", "record", "-s", "mcap", *arguments)
        waiting = {f"Subscribed to topic '{topic}'" for topic in subscribed}
        assert self._process.stdout is not None
        for line in self._process.stdout:
            waiting -= {text for text in waiting if text in line}
            if not waiting:
                break
        assert not waiting
        deadline = time.monotonic() + PATIENCE_S
        while not all(publisher.get_subscription_count() for publisher in subscribed.values()):
            assert time.monotonic() < deadline, "the publishers do not hear of the recorder"
            time.sleep(0.01)
        time.sleep(DISCOVERY_S)

    def __enter__(self) -> "subprocess.Popen[str]":
        return self._process

    def __exit__(self, *_: object) -> None:
        self._process.send_signal(signal.SIGINT)
        self._process.communicate(timeout=60)


def pause(node: Node, seconds: float) -> None:
    """Let time go by while callbacks run."""
    end = node.get_clock().now() + rclpy.duration.Duration(nanoseconds=int(seconds * 1e9))
    while node.get_clock().now() < end:
        rclpy.spin_once(node, timeout_sec=0.005)


def hear(node: Node, topic: str = "/numbers") -> list[int]:
    """Collect the numbers of a topic."""
    heard: list[int] = []
    node.create_subscription(Int32, topic, lambda message: heard.append(message.data), 100)
    return heard


def output(*arguments: str) -> str:
    result = ros2(*arguments)
    assert result.returncode == 0, result.stderr
    return result.stdout


def field(text: str, name: str) -> str:
    match = re.search(rf"^{name}: +(.*)$", text, re.MULTILINE)
    assert match is not None
    return match[1]


def test_a_bag_tells_what_was_recorded(bag: Path) -> None:
    text = output("bag", "info", str(bag))
    assert field(text, "Files") == "bag_0.mcap"
    assert field(text, "Storage id") == "mcap"
    assert field(text, "Messages") == "23"
    assert re.fullmatch(r"\d\.\d{9}s", field(text, "Duration"))
    assert re.fullmatch(r"\w{3} [ \d]\d \d{4} \d\d:\d\d:\d\d\.\d{9} \(\d{10}\.\d{9}\)", field(text, "Start"))
    for topic, type_name, count in (("numbers", "Int32", 20), ("latched", "String", 1), ("sensor", "Int32", 2)):
        line = f"Topic: /{topic} | Type: std_msgs/msg/{type_name} | Count: {count} | Serialization Format: cdr\n"
        assert line in text
    metadata = yaml.safe_load((bag / "metadata.yaml").read_text())["rosbag2_bagfile_information"]
    assert metadata["version"] <= 8
    assert metadata["storage_identifier"] == "mcap"
    assert metadata["relative_file_paths"] == ["bag_0.mcap"]
    assert [file["message_count"] for file in metadata["files"]] == [23]
    offered = {
        entry["topic_metadata"]["name"]: yaml.safe_load(entry["topic_metadata"]["offered_qos_profiles"])
        for entry in metadata["topics_with_message_count"]
    }
    assert [profile["durability"] for profile in offered["/latched"]] == [1]
    assert [profile["reliability"] for profile in offered["/sensor"]] == [2]


def test_a_bag_without_metadata_gets_them_back_and_is_played(bag: Path, node: Node) -> None:
    before = output("bag", "info", str(bag))
    (bag / "metadata.yaml").unlink()
    assert ros2("bag", "reindex", "-s", "mcap", str(bag)).returncode == 0
    after = output("bag", "info", str(bag))
    for name in ("Files", "Duration", "Start", "End", "Messages"):
        assert field(after, name) == field(before, name)
    heard = hear(node)
    process = start_ros2("bag", "play", str(bag), "--delay", "1")
    spin_until(node, lambda: len(heard) == len(NUMBERS))
    process.communicate(timeout=60)
    assert heard == NUMBERS
    assert process.returncode == 0


def test_topics_are_played_under_other_names_with_the_time_of_the_bag(bag: Path, node: Node) -> None:
    heard = hear(node, "/renamed")
    times: list[int] = []
    node.create_subscription(Clock, "/clock", lambda message: times.append(message.clock.sec), BEST_EFFORT)
    process = start_ros2(
        "bag", "play", str(bag), "--loop", "--clock", "100", "--topics", "/numbers", "--remap", "/numbers:=/renamed"
    )
    spin_until(node, lambda: times and heard[-1:] == NUMBERS[-1:])
    assert node.count_publishers("/latched") == 0
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    start = yaml.safe_load((bag / "metadata.yaml").read_text())["rosbag2_bagfile_information"]["starting_time"]
    assert abs(times[0] - start["nanoseconds_since_epoch"] // 10**9) < 10


def test_keys_go_through_a_bag_whose_publishers_offer_what_they_offered(bag: Path, node: Node) -> None:
    heard = hear(node)
    ours, theirs = pty.openpty()
    command = [ROS2, "bag", "play", str(bag), "--start-paused"]
    process = subprocess.Popen(command, stdin=theirs, stderr=subprocess.DEVNULL, start_new_session=True)
    spin_until(node, lambda: all(map(node.count_publishers, ("/numbers", "/latched", "/sensor"))))
    (latched,) = node.get_publishers_info_by_topic("/latched")
    (sensor,) = node.get_publishers_info_by_topic("/sensor")
    assert latched.qos_profile.durability == DurabilityPolicy.TRANSIENT_LOCAL
    assert sensor.qos_profile.reliability == ReliabilityPolicy.BEST_EFFORT
    pause(node, 0.5)
    assert heard == []
    while not heard:
        os.write(ours, b"\x1b[C")
        pause(node, 0.1)
    assert len(heard) < len(NUMBERS)
    os.write(ours, b" ")
    spin_until(node, lambda: heard == NUMBERS)
    process.wait(timeout=60)
    os.close(ours)
    os.close(theirs)


def test_all_topics_but_some_are_recorded_in_several_files(
    tmp_path: Path, node: Node, publishers: dict[str, Publisher]
) -> None:
    path = tmp_path / "bag"
    shown = {topic: publishers[topic] for topic in ("/numbers", "/latched")}
    with recording("-o", str(path), "--all", "--exclude", "sensor|rosout", "-d", "1", subscribed=shown) as process:
        for number in range(4):
            publishers["/numbers"].publish(Int32(data=number))
            pause(node, 0.6)
    assert process.returncode == 0
    text = output("bag", "info", str(path))
    assert "Topic: /numbers | Type: std_msgs/msg/Int32 | Count: 4 |" in text
    assert "/sensor" not in text
    assert "bag_1.mcap" in text


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["info", "nowhere"], 2, "Bag path 'nowhere' does not exist!"),
        (["play", ".", "--rate", "0"], 2, "is not in the valid range"),
        (["record"], 1, "Must specify topic(s), --regex or --all"),
        (["record", "--all", "/a"], 1, "Specify either --all or topics, but not both"),
        (["record", "--all", "-o", "."], 1, "Output folder '.' already exists."),
        (["record", "--all", "-s", "paper"], None, "paper"),
    ],
)
def test_what_cannot_be_done_is_an_error(arguments: list[str], code: int | None, message: str) -> None:
    result = ros2("bag", *arguments)
    assert result.returncode == code or (code is None and result.returncode != 0)
    assert message in result.stderr
    assert "Traceback" not in result.stderr
