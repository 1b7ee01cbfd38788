"""Between nanoseconds, which the control room counts in, and the Time message."""

from __future__ import annotations

from builtin_interfaces.msg import Time
from rclpy.node import Node


def now_ns(node: Node) -> int:
    """Return the node's ROS time in ns."""
    return int(node.get_clock().now().nanoseconds)


def to_ns(stamp: Time) -> int:
    """Return a Time message in ns."""
    return int(stamp.sec) * 1_000_000_000 + int(stamp.nanosec)


def to_msg(stamp_ns: int) -> Time:
    """Return a Time message for a time in ns."""
    return Time(sec=stamp_ns // 1_000_000_000, nanosec=stamp_ns % 1_000_000_000)
