"""What verbs that listen to a topic share."""

from __future__ import annotations

from typing import Any

from rclpy.node import Node
from rclpy.qos import QoSProfile

from ros2cli import qos
from ros2cli.command import CommandError
from ros2cli.graph import topic_types, wait_for
from ros2cli.interfaces import message_type

_PUBLISHERS_FOR_S = 1.0


def type_of(node: Node, topic: str, given: str | None = None, *, patient: bool = False) -> Any:
    """Return the class of a topic's messages.

    Args:
        node: who looks.
        topic: absolute name.
        given: name of the type where it is known; the topic need not be there then.
        patient: wait for the topic however long it takes, instead of giving up.

    Raises:
        CommandError: the topic does not come, has several types, or its type is not known here.
    """
    if given is not None:
        return message_type(given)
    types = topic_types(node, topic)
    if not types:
        print(f"WARNING: topic [{topic}] does not appear to be published yet")
        if not patient:
            raise CommandError("Could not determine the type for the passed topic")
    while not types:
        types = topic_types(node, topic)
    if len(types) > 1:
        raise CommandError(f"Cannot echo topic '{topic}', as it contains more than one type: [{', '.join(types)}]")
    return message_type(types[0])


def matching_profile(node: Node, topic: str) -> QoSProfile:
    """Return a profile that the topic's publishers match, as far as they are known within a moment."""
    wait_for(lambda: node.count_publishers(topic) > 0, timeout_s=_PUBLISHERS_FOR_S)
    return qos.matching(info.qos_profile for info in node.get_publishers_info_by_topic(topic))
