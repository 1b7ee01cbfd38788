"""Publishes what is in a bag, at the times at which it was recorded."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

from rclpy.duration import Duration, Infinite
from rclpy.node import Node
from rclpy.publisher import Publisher
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rclpy.time import Time
from rosbags.interfaces import Connection, ConnectionExtRosbag2
from rosbags.rosbag2 import Reader, ReaderError
from rosgraph_msgs.msg import Clock

from ros2cli.command import CommandError
from ros2cli.interfaces import message_type

from . import qos
from .message_queue import MessageQueue
from .play_clock import PlayClock
from .topic_filter import TopicFilter

_READ_AHEAD_BYTES = 256 * 1024 * 1024
_RATE_STEP = 0.1


@dataclass(frozen=True)
class PlayOptions:
    """What is played, and how.

    Attributes:
        topics: which topics.
        qos_overrides: profiles for single topics.
        rate: how much faster than recorded.
        start_offset_s: how much is left out at the beginning.
        delay_s: how long to wait before, each time.
        loop: begin again at the end.
        clock_hz: how often ``/clock`` is published; 0 for never.
        read_ahead: how many messages are read before they are needed.
        acked_timeout_ms: how long to wait in the end until all is received; 0 for ever, None for not at all.
        paused: whether playing begins later.
    """

    topics: TopicFilter
    qos_overrides: Mapping[str, QoSProfile]
    rate: float
    start_offset_s: float
    delay_s: float
    loop: bool
    clock_hz: float
    read_ahead: int
    acked_timeout_ms: int | None
    paused: bool


class _Message(NamedTuple):
    topic: str
    log_time: int
    data: bytes


class Player:
    """Plays a bag that is open. Reads in one thread, publishes in the one that calls :meth:`run`."""

    def __init__(self, node: Node, reader: Reader, options: PlayOptions) -> None:
        self._node = node
        self._logger = node.get_logger()
        self._reader = reader
        self._options = options
        self._connections: list[Connection] = []
        self._publishers: dict[str, Publisher] = {}
        self._start = reader.start_time + int(options.start_offset_s * 1e9)
        self.clock = PlayClock(self._start, options.rate, paused=options.paused)
        for connection in reader.connections:
            if options.topics.takes(connection.topic):
                self._prepare(connection)
        if not self._connections:
            self._logger.warning("There is no topic to play.")

    def toggle_paused(self) -> None:
        """Stop playing for a while, or go on."""
        self.clock.paused = not self.clock.paused
        self._logger.info("Pausing play." if self.clock.paused else "Resuming play.")

    def play_next(self) -> None:
        """Publish the next message at once, while playing is paused."""
        if self.clock.paused:
            self.clock.skip()
        else:
            self._logger.warning("Called play next, but not in paused state.")

    def faster(self) -> None:
        """Increase the rate."""
        self._set_rate(self.clock.rate + _RATE_STEP)

    def slower(self) -> None:
        """Decrease the rate."""
        self._set_rate(self.clock.rate - _RATE_STEP)

    def _set_rate(self, rate: float) -> None:
        if rate < _RATE_STEP / 2:
            self._logger.warning(f"Failed to set rate to invalid value {rate:g}")
            return
        self.clock.rate = rate
        self._logger.info(f"Set rate to {rate:g}")

    def run(self) -> None:
        """Play to the end, or until the clock is stopped.

        Raises:
            ReaderError: the bag is broken.
        """
        with self._publishing_clock():
            while self._connections and not self.clock.stopped:
                if self._options.delay_s > 0 and not self.clock.sleep(self._options.delay_s):
                    return
                self.clock.jump(self._start)
                self._play_once()
                if not self._options.loop:
                    break
            self.clock.wait_while_paused()
        self._wait_for_acks()

    def _play_once(self) -> None:
        queue: MessageQueue[_Message] = MessageQueue(_READ_AHEAD_BYTES, self._options.read_ahead)
        errors: list[ReaderError] = []
        thread = threading.Thread(target=self._read, args=(queue, errors), name="bag reader")
        thread.start()
        try:
            while (message := queue.get()) is not None and self.clock.sleep_until(message.log_time):
                self._publishers[message.topic].publish(message.data)
        finally:
            queue.close(drop=True)
            thread.join()
        if errors:
            raise errors[0]

    def _read(self, queue: MessageQueue[_Message], errors: list[ReaderError]) -> None:
        """Read ahead; runs in a thread."""
        try:
            for connection, log_time, data in self._reader.messages(self._connections, start=self._start):
                if not queue.put(_Message(connection.topic, log_time, bytes(data)), len(data), wait=True):
                    return
        except ReaderError as error:
            errors.append(error)
        finally:
            queue.close()

    def _prepare(self, connection: Connection) -> None:
        topic = connection.topic
        try:
            type_ = message_type(connection.msgtype)
        except CommandError as error:
            self._logger.warning(f"Ignoring a topic '{topic}', reason: {error}.")
            return
        self._connections.append(connection)
        if topic not in self._publishers:
            profile = self._profile(connection)
            self._publishers[topic] = self._node.create_publisher(type_, topic, profile)

    def _profile(self, connection: Connection) -> QoSProfile:
        topic = connection.topic
        if topic in self._options.qos_overrides:
            self._logger.info(f"Overriding QoS profile for topic {topic}")
            return self._options.qos_overrides[topic]
        assert isinstance(connection.ext, ConnectionExtRosbag2)
        profile = qos.offered_again([qos.recorded(offer) for offer in connection.ext.offered_qos_profiles])
        if profile is None:
            self._logger.warning(
                f"Not all original publishers on topic {topic} offered the same QoS profiles. "
                "Falling back to a reliable and volatile publisher."
            )
        return profile or QoSProfile(depth=qos.DEFAULT_DEPTH)

    @contextmanager
    def _publishing_clock(self) -> Iterator[None]:
        """Publish `/clock` meanwhile, if that is asked for."""
        if not self._options.clock_hz:
            yield
            return
        publisher = self._node.create_publisher(
            Clock, "/clock", QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
        )
        finished = threading.Event()

        def publish() -> None:
            while not finished.wait(1 / self._options.clock_hz):
                publisher.publish(Clock(clock=Time(nanoseconds=self.clock.now()).to_msg()))

        thread = threading.Thread(target=publish, name="clock")
        thread.start()
        try:
            yield
        finally:
            finished.set()
            thread.join()

    def _wait_for_acks(self) -> None:
        timeout_ms = self._options.acked_timeout_ms
        if timeout_ms is None or self.clock.stopped:
            return
        timeout = Duration(nanoseconds=timeout_ms * 1_000_000) if timeout_ms else Infinite
        for topic, publisher in self._publishers.items():
            if not publisher.wait_for_all_acked(timeout):
                self._logger.error(
                    f"Timed out while waiting for all published messages to be acknowledged for topic {topic}"
                )
