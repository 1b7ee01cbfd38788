"""One status a second on /diagnostics, which every ROS tool can read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.node import Node

OK, WARN, ERROR = DiagnosticStatus.OK, DiagnosticStatus.WARN, DiagnosticStatus.ERROR

Report = tuple[bytes, str, Mapping[str, Any]]
"""Level, one-line message, figures by name."""


def publish_diagnostics(node: Node, report: Callable[[], Report]) -> None:
    """Publish what ``report`` returns on /diagnostics at 1 Hz, under the node's name."""
    publisher = node.create_publisher(DiagnosticArray, "/diagnostics", 10)

    def publish() -> None:
        level, message, figures = report()
        status = DiagnosticStatus(level=level, name=node.get_name(), message=message)
        status.values = [KeyValue(key=key, value=str(value)) for key, value in figures.items()]
        array = DiagnosticArray(status=[status])
        array.header.stamp = node.get_clock().now().to_msg()
        publisher.publish(array)

    node.create_timer(1.0, publish)
