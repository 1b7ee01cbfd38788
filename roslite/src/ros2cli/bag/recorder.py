"""Records topics into a bag while they come and go."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import rclpy
from rclpy.clock import Clock
from rclpy.executors import ExternalShutdownException
from rclpy.node import Node
from rclpy.qos import QoSProfile
from rclpy.subscription import MessageInfo
from rclpy.task import Future

from ros2cli.command import CommandError
from ros2cli.graph import settled
from ros2cli.interfaces import message_type

from . import qos
from .bag_writer import BagWriter
from .definitions import full_text
from .message_queue import MessageQueue
from .metadata import Topic
from .topic_filter import TopicFilter

_DEPTH = 1000
"""How many messages of a topic may wait to be taken; at 1 kHz, a second."""

_FLUSH_EVERY_S = 1.0


@dataclass(frozen=True)
class RecordOptions:
    """What is recorded, and how.

    Attributes:
        topics: which topics.
        include_unpublished: those too that nobody publishes on.
        ignore_leaf: not those that nobody else subscribes to.
        qos_overrides: profiles for single topics.
        discover: whether topics are found that come later.
        polling_interval_s: how often they are looked for.
        max_cache_size: bytes of messages that may wait to be written; with 0, receiving waits for writing.
        use_sim_time: whether the log time is that of ``/clock``.
        paused: whether recording begins later.
    """

    topics: TopicFilter
    include_unpublished: bool
    ignore_leaf: bool
    qos_overrides: Mapping[str, QoSProfile]
    discover: bool
    polling_interval_s: float
    max_cache_size: int
    use_sim_time: bool
    paused: bool


class _Entry(NamedTuple):
    topic: str
    log_time: int
    publish_time: int
    data: bytes


class _NewTopic(NamedTuple):
    topic: Topic
    definition: str


class Recorder:
    """Subscribes to topics and writes their messages. Receives in the thread that spins, writes in another."""

    def __init__(self, node: Node, writer: BagWriter, options: RecordOptions) -> None:
        self._node = node
        self._writer = writer
        self._options = options
        self._paused = options.paused
        self._subscribed: set[str] = set()
        self._refused: set[str] = set()
        self._lost: Counter[str] = Counter()
        self._queue: MessageQueue[_Entry | _NewTopic] = MessageQueue(max(options.max_cache_size, 1))
        self._failed = Future()

    def toggle_paused(self) -> None:
        """Stop recording for a while, or go on."""
        self._paused = not self._paused
        self._node.get_logger().info("Pausing recording." if self._paused else "Resuming recording.")

    def run(self) -> None:
        """Record until a signal ends the context, and finish the bag.

        Raises:
            OSError: the bag cannot be written.
        """
        thread = threading.Thread(target=self._write, name="bag writer")
        thread.start()
        try:
            self._start()
            rclpy.spin_until_future_complete(self._node, self._failed)
        except ExternalShutdownException:
            pass
        finally:
            self._queue.close()
            thread.join()
        self._tell_lost()
        if (error := self._failed.exception() if self._failed.done() else None) is not None:
            raise error
        self._node.get_logger().info("Recording stopped")

    def _start(self) -> None:
        logger = self._node.get_logger()
        if self._options.use_sim_time:
            logger.info("use_sim_time set, waiting for /clock before starting recording...")
        logger.info("Listening for topics...")
        if self._options.discover:
            self._timer = self._node.create_timer(self._options.polling_interval_s, self._discover, clock=Clock())
        else:
            settled(self._node.get_topic_names_and_types)
        self._discover()
        logger.info("Waiting for recording: Press SPACE to start." if self._paused else "Recording...")

    # Finding topics.

    def _discover(self) -> None:
        if self._options.use_sim_time and self._node.get_clock().now().nanoseconds == 0:
            return
        for name, types in self._node.get_topic_names_and_types():
            if name not in self._subscribed and self._is_wanted(name) and self._has_known_type(name, types):
                self._subscribe(name, types[0])
        wanted = self._options.topics.names
        if self._options.discover and wanted and wanted <= self._subscribed:
            self._node.get_logger().info("All requested topics are subscribed. Stopping discovery...")
            self._timer.cancel()

    def _is_wanted(self, topic: str) -> bool:
        options = self._options
        if not options.topics.takes(topic):
            return False
        if not options.include_unpublished and self._node.count_publishers(topic) == 0:
            return False
        return not (options.ignore_leaf and self._node.count_subscribers(topic) == 0)

    def _has_known_type(self, topic: str, types: list[str]) -> bool:
        if len(types) > 1:
            problem = f"Topic '{topic}' has more than one type associated. Only topics with one type are supported"
        else:
            try:
                message_type(types[0])
                return True
            except CommandError as error:
                problem = (
                    f"Topic '{topic}' has unknown type '{types[0]}'. Only topics with known type are supported. "
                    f"Reason: {error}"
                )
        if topic not in self._refused:
            self._refused.add(topic)
            self._node.get_logger().warning(problem)
        return False

    def _subscribe(self, topic: str, type_name: str) -> None:
        logger = self._node.get_logger()
        offers = [info.qos_profile for info in self._node.get_publishers_info_by_topic(topic)]
        if topic in self._options.qos_overrides:
            logger.info(f"Overriding subscription profile for {topic}")
            profile = self._options.qos_overrides[topic]
        else:

            def warn(policy: str, outcome: str) -> None:
                logger.warning(f"Some, but not all, publishers on topic '{topic}' are offering {policy}: {outcome}.")

            profile = qos.heard_by(offers, _DEPTH, warn)

        def receive(data: bytes, info: MessageInfo) -> None:
            self._receive(topic, data, info)

        self._queue.put(_NewTopic(Topic(topic, type_name, qos.to_yaml(offers)), full_text(type_name)), 0, wait=True)
        self._node.create_subscription(message_type(type_name), topic, receive, profile, raw=True)
        self._subscribed.add(topic)
        logger.info(f"Subscribed to topic '{topic}'")

    # Messages.

    def _receive(self, topic: str, data: bytes, info: MessageInfo) -> None:
        if self._paused:
            return
        log_time = info["received_timestamp"]
        if self._options.use_sim_time:
            log_time = self._node.get_clock().now().nanoseconds
        entry = _Entry(topic, log_time, info["source_timestamp"], data)
        if not self._queue.put(entry, len(data), wait=self._options.max_cache_size == 0):
            self._lost[topic] += 1

    def _write(self) -> None:
        """Write what comes; runs in a thread."""
        try:
            flushed = time.monotonic()
            while not self._queue.is_finished:
                entry = self._queue.get(_FLUSH_EVERY_S)
                if isinstance(entry, _NewTopic):
                    self._writer.add_topic(entry.topic, entry.definition)
                elif entry is not None:
                    self._writer.write(*entry)
                if time.monotonic() - flushed >= _FLUSH_EVERY_S:
                    self._writer.flush()
                    flushed = time.monotonic()
        except OSError as error:
            self._queue.close(drop=True)
            self._failed.set_exception(error)
        try:
            self._writer.close()
        except OSError as error:
            if not self._failed.done():
                self._failed.set_exception(error)

    def _tell_lost(self) -> None:
        if self._lost:
            lines = "".join(f"\n\t{topic}: {count}" for topic, count in sorted(self._lost.items()))
            self._node.get_logger().warning(
                f"Cache buffers lost messages per topic: {lines}\nTotal lost: {self._lost.total()}"
            )
