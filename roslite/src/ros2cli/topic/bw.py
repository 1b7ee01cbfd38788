"""`ros2 topic bw`."""

from __future__ import annotations

import argparse
import time
from collections import deque

import rclpy

from ros2cli.graph import absolute, cli_node

from .subscribe import subscribe_raw


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("topic_name", help="Topic name to monitor for bandwidth utilization")
    parser.add_argument(
        "--window",
        "-w",
        type=int,
        default=100,
        help="maximum window size, in # of messages, for calculating rate (default: 100)",
    )


def main(args: argparse.Namespace) -> None:
    """Print the bandwidth each second until interrupted."""
    topic = absolute(args.topic_name)
    with cli_node() as node:
        bandwidth = Bandwidth(args.window)
        subscription = subscribe_raw(node, topic, lambda data: bandwidth.note(time.perf_counter(), len(data)))
        print(f"Subscribed to [{topic}]")
        timer = node.create_timer(1.0, bandwidth.print)
        rclpy.spin(node)
        node.destroy_timer(timer)
        node.destroy_subscription(subscription)


class Bandwidth:
    """Times and sizes of the latest messages."""

    def __init__(self, window: int) -> None:
        """Keep that many."""
        self.__messages: deque[tuple[float, int]] = deque(maxlen=window)

    def note(self, now: float, size: int) -> None:
        """A message came, at this time in seconds, of this size in bytes."""
        self.__messages.append((now, size))

    def print(self) -> None:
        """Print the statistics from the second message on."""
        if len(self.__messages) < 2:
            return
        sizes = [size for _, size in self.__messages]
        rate = sum(sizes) / (time.perf_counter() - self.__messages[0][0])
        print(
            f"{readable(rate)}/s from {len(sizes)} messages\n"
            f"\tMessage size mean: {readable(sum(sizes) / len(sizes))} "
            f"min: {readable(min(sizes))} max: {readable(max(sizes))}"
        )


def readable(number_of_bytes: float) -> str:
    """Bytes in a unit that suits them."""
    if number_of_bytes < 1e3:
        return f"{number_of_bytes:.0f} B"
    if number_of_bytes < 1e6:
        return f"{number_of_bytes / 1e3:.2f} KB"
    return f"{number_of_bytes / 1e6:.2f} MB"
