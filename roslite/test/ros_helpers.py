"""What tests on a real network share: waiting for something that takes no time, and types of fixtures."""

import subprocess
import time
from collections.abc import Callable
from typing import Any

import rclpy
from rclpy.node import Node

PATIENCE_S = 30.0
"""How long something may take that takes no time, on a machine that is busy with other tests."""

Start = Callable[..., "subprocess.Popen[str]"]
"""The fixture ``start``: runs Python code in another process of the same domain."""


def spin_until(node: Node, condition: Callable[[], Any]) -> None:
    """Run the callbacks of a node until something happens."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        rclpy.spin_once(node, timeout_sec=0.05)
