"""Bags as roslite writes them: what is left of them when a recording is cut off, and the parts below `ros2 bag`."""

import signal
import threading
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from launch_helpers import ros2, start_ros2, wait_until
from rclpy.node import Node
from ros2cli.bag import mcap_repair
from ros2cli.bag.compression import LEVELS
from ros2cli.bag.definitions import full_text
from ros2cli.bag.mcap import McapError
from ros2cli.bag.mcap_writer import McapOptions, McapWriter
from ros2cli.bag.message_queue import MessageQueue
from ros2cli.bag.play_clock import PlayClock
from rosbags.rosbag2 import Reader, StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore
from std_msgs.msg import String

PAYLOADS = st.lists(st.tuples(st.sampled_from(["/a", "/b"]), st.binary(max_size=60)), min_size=1, max_size=60)
OPTIONS = st.builds(
    McapOptions,
    chunk_size=st.integers(1, 600),
    compression=st.sampled_from(["", "lz4", "zstd"]),
    level=st.sampled_from(LEVELS),
)
MANY = settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


def write(path: Path, messages: list[tuple[str, bytes]], options: McapOptions) -> None:
    """Write messages at 1, 2, 3… nanoseconds."""
    path.unlink(missing_ok=True)
    writer = McapWriter(path, options)
    channels = {topic: writer.add_channel(topic, "pkg/msg/T", "int8 x\n", {}) for topic in ("/a", "/b")}
    for number, (topic, data) in enumerate(messages, 1):
        writer.write(channels[topic], number, number, data)
    writer.close()


def read(path: Path) -> list[tuple[str, int, bytes]]:
    """Read all messages, as another program does it."""
    reader = Reader(path)
    reader.open()
    try:
        return [(connection.topic, stamp, bytes(data)) for connection, stamp, data in reader.messages()]
    finally:
        reader.close()


@MANY
@given(PAYLOADS, OPTIONS)
def test_others_read_what_is_written(tmp_path: Path, messages: list[tuple[str, bytes]], options: McapOptions) -> None:
    path = tmp_path / "x.mcap"
    write(path, messages, options)
    assert read(path) == [(topic, number, data) for number, (topic, data) in enumerate(messages, 1)]


@MANY
@given(PAYLOADS, OPTIONS, st.data())
def test_a_file_that_is_cut_off_keeps_all_chunks_before(
    tmp_path: Path, messages: list[tuple[str, bytes]], options: McapOptions, data: st.DataObject
) -> None:
    path = tmp_path / "x.mcap"
    write(path, messages, options)
    whole = path.read_bytes()
    chunks = [chunk.offset + chunk.length for chunk in mcap_repair.scan(path).summary.chunks]
    cut = data.draw(st.integers(chunks[0], len(whole) - 1))
    left_over = whole[:cut] + b"\0" * data.draw(st.integers(0, 40))  # as a file system may leave it
    path.write_bytes(left_over)
    found = mcap_repair.repair(path)
    kept = [(topic, number, payload) for number, (topic, payload) in enumerate(messages, 1)]
    left = read(path)
    assert left == kept[: len(left)]
    assert len(found.summary.chunks) == sum(left_over[:end] == whole[:end] for end in chunks)
    assert found.summary.message_count == len(left)
    assert mcap_repair.scan(path).is_complete


def test_damage_in_the_middle_is_told_and_nothing_is_thrown_away(tmp_path: Path) -> None:
    path = tmp_path / "x.mcap"
    write(path, [("/a", b"first"), ("/a", b"second")], McapOptions(chunk_size=1))
    damaged = path.read_bytes().replace(b"first", b"fIrst")[:-20]
    path.write_bytes(damaged)
    with pytest.raises(McapError, match="checksum"):
        mcap_repair.repair(path)
    assert path.read_bytes() == damaged


def test_a_whole_file_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "x.mcap"
    write(path, [("/a", b"1234")], McapOptions())
    before = path.read_bytes()
    assert mcap_repair.repair(path).is_complete
    assert path.read_bytes() == before


def test_what_is_no_mcap_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.mcap"
    path.write_bytes(b"")
    with pytest.raises(McapError):
        mcap_repair.repair(path)
    assert path.read_bytes() == b""


def test_a_recording_that_is_killed_can_be_played(tmp_path: Path, node: Node) -> None:
    bag = tmp_path / "bag"
    publisher = node.create_publisher(String, "/chatter", 10)
    process = start_ros2("bag", "record", "-o", str(bag), "/chatter")
    wait_until(lambda: publisher.get_subscription_count() > 0)
    publisher.publish(String(data="last words"))
    wait_until(lambda: b"last words" in (bag / "bag_0.mcap").read_bytes())
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert "ros2 bag reindex" in ros2("bag", "info", str(bag)).stderr
    assert ros2("bag", "reindex", str(bag)).returncode == 0
    assert "Topic: /chatter | Type: std_msgs/msg/String | Count: 1 |" in ros2("bag", "info", str(bag)).stdout
    assert ros2("bag", "play", str(bag)).returncode == 0


@pytest.mark.parametrize("version", [8, 9])
@pytest.mark.parametrize("plugin", list(StoragePlugin))
def test_bags_of_others_are_described(tmp_path: Path, version: int, plugin: StoragePlugin) -> None:
    store = get_typestore(Stores.ROS2_JAZZY)
    with Writer(tmp_path / "bag", version=version, storage_plugin=plugin) as writer:  # type: ignore[arg-type]
        connection = writer.add_connection("/a", "std_msgs/msg/String", typestore=store)
        writer.write(
            connection, 10**9, store.serialize_cdr(store.types["std_msgs/msg/String"]("x"), connection.msgtype)
        )
    line = "Topic: /a | Type: std_msgs/msg/String | Count: 1 | Serialization Format: cdr\n"
    assert line in ros2("bag", "info", str(tmp_path / "bag")).stdout


def test_a_definition_brings_those_within() -> None:
    own, *inner = full_text("geometry_msgs/msg/PoseStamped").split("=" * 80 + "\nMSG: ")
    assert "Pose pose" in own
    names = [text.splitlines()[0] for text in inner]
    assert names == [
        "std_msgs/Header",
        "builtin_interfaces/Time",
        "geometry_msgs/Pose",
        "geometry_msgs/Point",
        "geometry_msgs/Quaternion",
    ]


@given(st.lists(st.integers(0, 50)), st.integers(1, 100), st.integers(1, 5))
def test_a_queue_keeps_its_bounds_and_its_order(sizes: list[int], max_bytes: int, max_count: int) -> None:
    queue: MessageQueue[int] = MessageQueue(max_bytes, max_count)
    kept = [number for number, size in enumerate(sizes) if queue.put(number, size, wait=False)]
    queue.close()
    assert not queue.put(-1, 0, wait=False)
    assert len(kept) <= max_count
    assert sum(sizes[number] for number in kept) <= max_bytes or len(kept) == 1
    assert [queue.get() for _ in kept] == kept
    assert queue.get() is None


def test_a_full_queue_lets_wait() -> None:
    queue: MessageQueue[int] = MessageQueue(1)
    queue.put(1, 1, wait=False)
    taken: list[int | None] = []
    thread = threading.Thread(target=lambda: (time.sleep(0.05), taken.append(queue.get())))
    thread.start()
    assert queue.put(2, 1, wait=True)
    thread.join()
    assert taken == [1]
    assert queue.get() == 2


def test_time_stands_still_until_it_goes_on() -> None:
    clock = PlayClock(1000, 1.0, paused=True)
    assert clock.now() == 1000
    clock.skip()
    assert clock.sleep_until(5_000_000_000)
    assert clock.now() == 5_000_000_000
    clock.rate = 1e6
    clock.paused = False
    assert clock.sleep_until(10_000_000_000)
    assert clock.now() >= 10_000_000_000
    clock.stop()
    assert not clock.sleep_until(2**62)
