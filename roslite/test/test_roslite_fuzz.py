"""Whatever bytes the network brings, a node stays up, and what others send it still arrives.

The bytes come as raw RTPS packets, in the name of a real publisher in another process, because the DDS library of an
honest sender refuses to send what is not CDR of the type.
"""

import os
import random
import socket
import struct
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import rclpy
from cdr_samples import broken, noise, random_message
from rcl_interfaces.srv import SetParameters
from rclpy.node import Node
from rclpy.qos import HistoryPolicy, QoSProfile, ReliabilityPolicy
from ros_helpers import PATIENCE_S, Start, spin_until
from roslite.messages import message_class

from roslite import cdr, dds

SAMPLES = 10_000
BATCH = 50
EVERYTHING = QoSProfile(history=HistoryPolicy.KEEP_ALL, reliability=ReliabilityPolicy.BEST_EFFORT)
TYPES = [
    "std_msgs/msg/String",
    "sensor_msgs/msg/Image",
    "sensor_msgs/msg/JointState",
    "tf2_msgs/msg/TFMessage",
    "diagnostic_msgs/msg/DiagnosticArray",
    "rcl_interfaces/msg/ParameterEvent",
    "trajectory_msgs/msg/JointTrajectory",
    "std_msgs/msg/UInt8MultiArray",
]
PEER = """
    import sys, rclpy
    from rclpy.qos import HistoryPolicy, QoSProfile, ReliabilityPolicy
    from rcl_interfaces.srv import SetParameters
    from rosidl_runtime_py.utilities import get_message
    rclpy.init()
    node = rclpy.create_node("peer")
    qos = QoSProfile(history=HistoryPolicy.KEEP_ALL, reliability=ReliabilityPolicy.BEST_EFFORT)
    node.create_publisher(get_message(sys.argv[1]), "fuzzed", qos)
    node.create_client(SetParameters, "fuzzed")
    healthy = node.create_publisher(get_message(sys.argv[1]), "healthy", 10)
    node.create_timer(0.05, lambda: healthy.publish(get_message(sys.argv[1])()))
    rclpy.spin(node)
"""


class Impostor:
    """Sends samples in the name of a writer of another process to the readers of this one.

    Args:
        node: whose process listens; the first in its domain, so that DDS gives it the first port.
        topic: DDS name of the topic.
        domain: the domain.
    """

    def __init__(self, node: Node, topic: str, domain: int) -> None:
        found: list[bytes] = []
        own = node.context.participant.guid[:12]

        def find() -> bool:
            found.extend(w.guid for w in node._graph.writers() if w.topic_name == topic and w.guid[:12] != own)
            return bool(found)

        spin_until(node, find)
        self._guid = found[0]
        self._port = 7411 + 250 * domain
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._number = 0

    def send(self, data: bytes | bytearray) -> None:
        """Send one sample: the RTPS header, and a DATA submessage (RTPS 2.2, 8.3.7.2) to all readers."""
        self._number += 1
        body = struct.pack("<HH4s4sII", 0, 16, bytes(4), self._guid[12:], 0, self._number) + data
        body += bytes(-len(body) % 4)
        header = b"RTPS" + bytes([2, 1, 1, 16]) + self._guid[:12]
        self._socket.sendto(header + struct.pack("<BBH", 0x15, 0b101, len(body)) + body, ("127.0.0.1", self._port))

    def close(self) -> None:
        self._socket.close()


class Complaints:
    """Counts what the DDS library writes to standard error about samples of a topic that it refuses, while entered.

    Not with pytest's own capture, which can lose what is written while it is read.
    """

    def __init__(self, topic: str, folder: Path) -> None:
        self.count = 0
        self._complaint = f"deserialization {topic}/"
        self._file = (folder / "stderr").open("w+", errors="replace")
        self._rest = ""

    def __enter__(self) -> "Complaints":
        self._kept = os.dup(2)
        os.dup2(self._file.fileno(), 2)
        self._reader = open(self._file.name, errors="replace")
        return self

    def __exit__(self, *_: object) -> None:
        os.dup2(self._kept, 2)
        os.close(self._kept)
        self._file.close()
        self._reader.close()

    def update(self) -> int:
        """Return how many samples were refused so far."""
        lines, newline, self._rest = (self._rest + self._reader.read()).rpartition("\n")
        self.count += (lines + newline).count(self._complaint)
        return self.count


def samples(name: str, prefix: bytes = b"") -> Iterator[bytearray]:
    """Yield noise, and messages that were cut off or changed."""
    chance = random.Random(name)
    good = [cdr.serialize(random_message(name, chance), prefix=prefix) for _ in range(100)]
    for index in range(SAMPLES):
        if index % 3 == 0:
            yield noise(chance)
        else:
            yield broken(chance.choice(good), chance)


def send_all(impostor: Impostor, data: Iterator[bytearray], node: Node, handled: Callable[[], int]) -> None:
    """Send in small batches, each when all before was handled, so that the socket cannot overflow."""
    for sent, sample in enumerate(data, start=1):
        impostor.send(sample)
        if sent % BATCH == 0:
            deadline = time.monotonic() + PATIENCE_S
            while handled() < sent:
                assert time.monotonic() < deadline, f"{handled()} of {sent} samples were handled"
                rclpy.spin_once(node, timeout_sec=0.01)


@pytest.mark.parametrize("name", TYPES)
def test_every_broken_sample_on_a_topic_is_read_or_refused(
    node: Node, start: Start, ros_domain: int, name: str, tmp_path: Path
) -> None:
    read: list[Any] = []
    healthy: list[Any] = []
    subscription = node.create_subscription(message_class(name), "fuzzed", read.append, EVERYTHING)
    node.create_subscription(message_class(name), "healthy", healthy.append, 10)
    start(PEER, name)
    impostor = Impostor(node, "rt/fuzzed", ros_domain)
    spin_until(node, lambda: subscription.get_publisher_count() and healthy)
    with Complaints("rt/fuzzed", tmp_path) as complaints:
        send_all(impostor, samples(name), node, lambda: len(read) + subscription.malformed + complaints.update())
    impostor.close()
    assert len(read) + subscription.malformed + complaints.count == SAMPLES
    assert complaints.count > SAMPLES // 10
    before = len(healthy)
    spin_until(node, lambda: len(healthy) > before)


def test_every_broken_request_is_answered_or_refused(node: Node, start: Start, ros_domain: int, tmp_path: Path) -> None:
    answered: list[Any] = []

    def answer(request: Any, response: Any) -> Any:
        answered.append(request)
        return response

    service = node.create_service(SetParameters, "fuzzed", answer, qos_profile=QoSProfile(depth=BATCH))
    client = node.create_client(SetParameters, "fuzzed")
    start(PEER, "std_msgs/msg/String")
    topic = "rq/fuzzedRequest"
    impostor = Impostor(node, topic, ros_domain)
    spin_until(node, lambda: dds.count_matched_writers(service._reader) == 2)
    requests = samples("rcl_interfaces/srv/SetParameters_Request", prefix=bytes(16))
    with Complaints(topic, tmp_path) as complaints:
        send_all(impostor, requests, node, lambda: len(answered) + service.malformed + complaints.update())
    impostor.close()
    assert len(answered) + service.malformed + complaints.count == SAMPLES
    assert complaints.count > SAMPLES // 10
    future = client.call_async(SetParameters.Request())
    rclpy.spin_until_future_complete(node, future, timeout_sec=PATIENCE_S)
    assert future.result() == SetParameters.Response()
