"""What a stack under test sees: a camera, prefixes made as perception makes them, and a clock, each with its faults."""

from __future__ import annotations

import contextlib
import copy
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt
import torch
from fault_stack import Stack, stack_of
from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rosgraph_msgs.msg import Clock as ClockMessage
from sensor_msgs.msg import Image

from arvla_ros.msg import VLPrefix
from arvla_ros.nodes.prefix_message import encode
from arvla_ros.policy.streaming import Perceiver

CHECKPOINT = Path(__file__).resolve().parents[1] / "checkpoints" / "reach"
INSTRUCTION = "reach the red cup"
# Longer than an action expert may be held up by a busy machine: that is not what these tests are about.
COMMAND_TIMEOUT_S = 1.5
# Short, so that a picture is soon too old.
MAX_STALENESS_S = 1.0
TOO_OLD = r"picture is .* s old, more than max_staleness_s 1"
# Each view is shown for this many messages: the policy wants to go elsewhere under the next.
SHOWN = 4

MessageT = TypeVar("MessageT")


class Source(ABC, Generic[MessageT]):
    """Publishes at a steady rate, while it runs; ``distort`` returns what goes out instead of a message."""

    def __init__(self, node: Node, topic: str, message_type: type[MessageT], rate_hz: float) -> None:
        self.running = False
        self.distort: Callable[[MessageT], Sequence[MessageT]] | None = None
        self._node = node
        self._count = 0
        qos = QoSProfile(depth=1, reliability=ReliabilityPolicy.RELIABLE)
        self._publisher = node.create_publisher(message_type, topic, qos)
        node.create_timer(1 / rate_hz, self._turn, clock=Clock(clock_type=ClockType.STEADY_TIME))

    def _turn(self) -> None:
        if not self.running:
            return
        message = self.message(self._count)
        self._count += 1
        for each in [message] if self.distort is None else self.distort(message):
            self.send(each)

    def send(self, message: MessageT) -> None:
        self._publisher.publish(message)

    @abstractmethod
    def message(self, count: int) -> MessageT:
        """Return the message that follows ``count`` others."""


def views(height: int, width: int) -> list[npt.NDArray[np.uint8]]:
    """Return two pictures ``[height, width, 3]`` under which the shipped policy goes to different places."""
    noise = np.random.default_rng(0).integers(0, 255, (height // 8, width // 8, 3), dtype=np.uint8)
    return [np.zeros((height, width, 3), dtype=np.uint8), np.kron(noise, np.ones((8, 8, 1), dtype=np.uint8))]


class Camera(Source[Image]):
    """Shows one of two views, with a changing corner: no two pictures of a real camera are equal."""

    def __init__(self, node: Node, rate_hz: float = 10.0) -> None:
        super().__init__(node, "/camera/image_raw", Image, rate_hz)
        self._views = views(480, 640)

    def message(self, count: int) -> Image:
        picture = self._views[count // SHOWN % len(self._views)].copy()
        picture[:8, :8] = count % 256
        height, width = picture.shape[:2]
        message = Image(height=height, width=width, encoding="rgb8", step=3 * width, data=picture.tobytes())
        message.header.stamp = self._node.get_clock().now().to_msg()
        return message


class Prefixes(Source[VLPrefix]):
    """Sends what perception would, made by the shipped backbone."""

    def __init__(self, node: Node, rate_hz: float = 5.0) -> None:
        super().__init__(node, "/vl_prefix", VLPrefix, rate_hz)
        torch.set_num_threads(1)
        perceiver = Perceiver.load(CHECKPOINT)
        backbone = perceiver.manifest.backbone
        self._made = [
            encode(perceiver.perceive(view[None], INSTRUCTION), 0, perceiver.model_id, INSTRUCTION, 0.02)
            for view in views(backbone.image_height, backbone.image_width)
        ]

    def message(self, count: int) -> VLPrefix:
        message = copy.copy(self._made[count // SHOWN % len(self._made)])
        message.header = copy.deepcopy(message.header)
        message.header.stamp = self._node.get_clock().now().to_msg()
        return message


def start_expert(stack: Stack, checkpoint: Path = CHECKPOINT, alias: str = "") -> None:
    """Start an action expert that comes to rest ``MAX_STALENESS_S`` after the last picture."""
    late_s = MAX_STALENESS_S / 2
    stack.start("action_expert", alias, checkpoint=checkpoint, late_staleness_s=late_s, max_staleness_s=MAX_STALENESS_S)


@contextlib.contextmanager
def stack_with_expert(environment: dict[str, str], folder: Path) -> Iterator[tuple[Stack, Prefixes]]:
    """Yield a stack with a guard, an action expert and what sends it prefixes."""
    with stack_of(environment, folder) as stack:
        stack.start("guard", command_timeout_s=COMMAND_TIMEOUT_S)
        start_expert(stack)
        yield stack, Prefixes(stack.node)


def begin_with_expert(stack: Stack, prefixes: Prefixes) -> None:
    """Begin a test with one guard and one action expert, at home, which see good prefixes."""
    stack.keep("guard", "action_expert")
    if "action_expert" not in stack.processes:
        start_expert(stack)
    prefixes.distort = None
    prefixes.running = True
    stack.begin()
    stack.reset_expert()


class SimulatedClock(Source[ClockMessage]):
    """Time as it passes here, and jumps on request."""

    def __init__(self, node: Node) -> None:
        self._started = time.monotonic()
        self._ahead_s = 1e6
        super().__init__(node, "/clock", ClockMessage, rate_hz=100.0)
        self.running = True

    def jump(self, by_s: float) -> None:
        """Go forward, or backward, at once."""
        self._ahead_s += by_s

    def message(self, count: int) -> ClockMessage:
        now = time.monotonic() - self._started + self._ahead_s
        message = ClockMessage()
        message.clock.sec, message.clock.nanosec = int(now), int(now % 1.0 * 1e9)
        return message
