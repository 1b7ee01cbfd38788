"""Listens to topics whose types are not known beforehand: CDR as it comes, counted, with the publishers' own QoS."""

from __future__ import annotations

import functools
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import yaml
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from rosidl_runtime_py.utilities import get_message

from arvla_ros.episodes.recording import Topic
from arvla_ros.nodes.definitions import full_definition
from arvla_ros.nodes.stamps import now_ns

RATE_WINDOW_S = 1.0
_LOOK_PERIOD_S = 0.25
_DEPTH = 200

Receive = Callable[[str, int, bytes], None]
Found = Callable[[Topic], None]


@dataclass
class Stream:
    """What is known of one topic.

    Attributes:
        topic: None until somebody publishes on it.
        arrivals: monotonic times within the last second.
        latched: newest message of a topic whose publishers keep it for late joiners.
        problem: why it cannot be listened to; empty otherwise.
    """

    topic: Topic | None = None
    is_latched: bool = False
    arrivals: deque[float] = field(default_factory=deque)
    latched: bytes | None = None
    problem: str = ""

    def rate_hz(self, now: float) -> float:
        """Return messages a second over the last second."""
        while self.arrivals and self.arrivals[0] < now - RATE_WINDOW_S:
            self.arrivals.popleft()
        return len(self.arrivals) / RATE_WINDOW_S

    def silence_s(self, now: float) -> float:
        """Return how long ago the newest message came."""
        return now - self.arrivals[-1] if self.arrivals else float("inf")


class TopicStreams:
    """Subscribes to topics by name as soon as they are there.

    Attributes:
        streams: by topic name, in the order given.
    """

    def __init__(self, node: Node, names: list[str], found: Found, receive: Receive) -> None:
        """Listen from now on.

        Args:
            node: through which.
            names: of the topics, absolute.
            found: called once for every topic, before its first message.
            receive: called with topic, log time in ns and CDR for every message.
        """
        self.streams = {name: Stream() for name in names}
        self._node = node
        self._found, self._receive = found, receive
        self._look()
        node.create_timer(_LOOK_PERIOD_S, self._look)

    def _look(self) -> None:
        missing = {name: stream for name, stream in self.streams.items() if stream.topic is None}
        if not missing:
            return
        for name, types in self._node.get_topic_names_and_types():
            if name in missing and self._node.count_publishers(name):
                self._subscribe(name, missing[name], types)

    def _subscribe(self, name: str, stream: Stream, types: list[str]) -> None:
        try:
            if len(types) != 1:
                raise ValueError(f"it has several types: {', '.join(types)}")
            message, definition = get_message(types[0]), full_definition(types[0])
        except (ValueError, LookupError, AttributeError, ModuleNotFoundError) as error:
            stream.problem = f"cannot be recorded: {error}; is its package installed here?"
            return
        offers = [info.qos_profile for info in self._node.get_publishers_info_by_topic(name)]
        profile = _heard_by(offers)
        stream.problem, stream.is_latched = "", profile.durability == DurabilityPolicy.TRANSIENT_LOCAL
        stream.topic = Topic(name, types[0], definition, _to_yaml(offers))
        self._found(stream.topic)
        on_message = functools.partial(self._on_message, name, stream)
        self._node.create_subscription(message, name, on_message, profile, raw=True)

    def _on_message(self, name: str, stream: Stream, data: bytes) -> None:
        log_ns, now = now_ns(self._node), time.monotonic()
        stream.arrivals.append(now)
        stream.rate_hz(now)
        if stream.is_latched:
            stream.latched = data
        self._receive(name, log_ns, data)


def _heard_by(offers: list[QoSProfile]) -> QoSProfile:
    """Return the strictest profile that all of these publishers fit."""
    reliable = all(offer.reliability == ReliabilityPolicy.RELIABLE for offer in offers)
    latched = all(offer.durability == DurabilityPolicy.TRANSIENT_LOCAL for offer in offers)
    return QoSProfile(
        depth=_DEPTH,
        reliability=ReliabilityPolicy.RELIABLE if reliable else ReliabilityPolicy.BEST_EFFORT,
        durability=DurabilityPolicy.TRANSIENT_LOCAL if latched else DurabilityPolicy.VOLATILE,
    )


def _to_yaml(offers: list[QoSProfile]) -> str:
    """Return profiles as rosbag2 of Humble has them in the metadata of a bag."""
    forever = {"sec": 9223372036, "nsec": 854775807}
    profiles = [
        {
            "history": 3,  # of a publisher in another process: unknown
            "depth": 0,
            "reliability": int(offer.reliability),
            "durability": int(offer.durability),
            "deadline": forever,
            "lifespan": forever,
            "liveliness": int(offer.liveliness),
            "liveliness_lease_duration": forever,
            "avoid_ros_namespace_conventions": False,
        }
        for offer in offers
    ]
    return str(yaml.dump(profiles, sort_keys=False, Dumper=_NoAliases)).rstrip()


class _NoAliases(yaml.SafeDumper):
    def ignore_aliases(self, data: object) -> bool:
        return True
