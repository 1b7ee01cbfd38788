"""Only one of a kind: a node that finds another publisher on its topic does not start."""

from __future__ import annotations

import time

from rclpy.node import Node

from arvla_ros.nodes.runtime import NodeError

# Discovery takes part of a second; DDS remembers a process that was killed for about ten.
DISCOVERY_S = 1.0
PATIENCE_S = 12.0


def wait_until_alone(node: Node, *topics: str, patience_s: float = PATIENCE_S) -> None:
    """Return once nobody else publishes on topics on which this node does not publish yet.

    Raises:
        NodeError: somebody still does after ``patience_s``.
    """
    began, told = time.monotonic(), False
    while True:
        found = [(publishers(node, topic), topic) for topic in topics]
        others = "; ".join(f"{names} publishes {topic}" for names, topic in found if names)
        waited_s = time.monotonic() - began
        if not others and waited_s >= DISCOVERY_S:
            return
        if others and waited_s > patience_s:
            raise NodeError(
                f"{others} already, and there can be one only: end it first "
                "(`ros2 node list`); one that was killed is remembered for 10 to 20 s"
            )
        if others and not told:
            told = True
            node.get_logger().warning(f"{others}: waiting up to {patience_s:g} s for it to go")
        time.sleep(0.05)


def publishers(node: Node, topic: str) -> str:
    """Return the nodes that publish on a topic as text, this one included; empty if none does."""
    infos = node.get_publishers_info_by_topic(topic)
    return ", ".join(f"{info.node_namespace.rstrip('/')}/{info.node_name or 'a nameless node'}" for info in infos)
