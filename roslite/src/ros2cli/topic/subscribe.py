"""What verbs that listen to a topic share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rclpy.node import Node
from rclpy.qos import QoSProfile
from rclpy.subscription import Subscription

from ros2cli import qos
from ros2cli.command import CommandError
from ros2cli.graph import topic_types, wait_for
from ros2cli.interfaces import message_type

_PUBLISHERS_FOR_S = 1.0


def type_of(node: Node, topic: str, given: str | None = None) -> Any:
    """Return the class of a topic's messages: the given one, else the one that the topic has.

    Raises:
        CommandError: the topic does not come, has several types, or its type is not known here.
    """
    if given is not None:
        return message_type(given)
    types = topic_types(node, topic)
    if not types:
        raise CommandError(
            f"WARNING: topic [{topic}] does not appear to be published yet\n"
            "Could not determine the type for the passed topic"
        )
    if len(types) > 1:
        raise CommandError(f"Cannot echo topic '{topic}', as it contains more than one type: [{', '.join(types)}]")
    return message_type(types[0])


def matching_profile(node: Node, topic: str) -> QoSProfile:
    """Return a profile that the topic's publishers match, as far as they are known within a moment."""
    wait_for(lambda: node.count_publishers(topic) > 0, timeout_s=_PUBLISHERS_FOR_S)
    return qos.matching(info.qos_profile for info in node.get_publishers_info_by_topic(topic))


def subscribe_raw(node: Node, topic: str, on_message: Callable[[bytes], None]) -> Subscription:
    """Subscribe to a topic's messages as they come on the wire.

    Raises:
        CommandError: see `type_of`.
    """
    message = type_of(node, topic)
    return node.create_subscription(message, topic, on_message, matching_profile(node, topic), raw=True)
