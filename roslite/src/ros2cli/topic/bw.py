"""`ros2 topic bw`."""

from __future__ import annotations

import argparse
import time
from collections import deque

import rclpy

from ros2cli.arguments import positive_int
from ros2cli.graph import absolute, add_node_arguments, cli_node

from .subscribe import matching_profile, type_of


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("topic", help="Topic name to monitor for bandwidth utilization")
    parser.add_argument(
        "--window",
        "-w",
        type=positive_int,
        default=100,
        help="maximum window size, in # of messages, for calculating rate (default: 100)",
    )
    add_node_arguments(parser, daemon=False)


def main(args: argparse.Namespace) -> None:
    """Print the bandwidth each second until interrupted."""
    topic = absolute(args.topic)
    with cli_node(args) as node:
        bandwidth = Bandwidth(args.window)

        def receive(data: bytes) -> None:
            bandwidth.note(time.perf_counter(), len(data))

        class_ = type_of(node, topic, patient=True)
        node.create_subscription(class_, topic, receive, matching_profile(node, topic), raw=True)
        print(f"Subscribed to [{topic}]")
        node.create_timer(1.0, bandwidth.print)
        rclpy.spin(node)


class Bandwidth:
    """Times and sizes of the latest messages."""

    def __init__(self, window: int) -> None:
        """Keep that many."""
        self._messages: deque[tuple[float, int]] = deque(maxlen=window)

    def note(self, now: float, size: int) -> None:
        """A message came, at this time in seconds, of this size in bytes."""
        self._messages.append((now, size))

    def print(self) -> None:
        """Print the statistics from the second message on."""
        if len(self._messages) < 2:
            return
        sizes = [size for _, size in self._messages]
        rate = sum(sizes) / (time.perf_counter() - self._messages[0][0])
        mean, low, high = (readable(size, rate) for size in (sum(sizes) / len(sizes), min(sizes), max(sizes)))
        print(
            f"{readable(rate, rate)}/s from {len(sizes)} messages\n\tMessage size mean: {mean} min: {low} max: {high}"
        )


def readable(number_of_bytes: float, like: float) -> str:
    """Bytes in a unit that suits another number of bytes."""
    if like < 1e3:
        return f"{number_of_bytes:.0f} B"
    if like < 1e6:
        return f"{number_of_bytes / 1e3:.2f} KB"
    return f"{number_of_bytes / 1e6:.2f} MB"
