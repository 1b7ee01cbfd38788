"""`ros2 topic hz`."""

from __future__ import annotations

import argparse
import statistics
import time
from collections import deque

import rclpy

from ros2cli.graph import absolute, cli_node

from .subscribe import subscribe_raw


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("topic_name", help="Name of the ROS topic to listen to (e.g. '/chatter')")
    parser.add_argument(
        "--window",
        "-w",
        metavar="WINDOW",
        type=int,
        default=10000,
        help="window size, in # of messages, for calculating rate (default: 10000)",
    )


def main(args: argparse.Namespace) -> None:
    """Print the rate each second until interrupted."""
    with cli_node() as node:
        rate = Rate(args.window)
        subscription = subscribe_raw(node, absolute(args.topic_name), lambda _: rate.note(time.perf_counter()))
        timer = node.create_timer(1.0, rate.print)
        rclpy.spin(node)
        node.destroy_timer(timer)
        node.destroy_subscription(subscription)


class Rate:
    """Times between the latest messages."""

    def __init__(self, window: int) -> None:
        """Keep that many times."""
        self.__times: deque[float] = deque(maxlen=window)
        self.__latest: float | None = None
        self.__fresh = False

    def note(self, now: float) -> None:
        """A message came, at this time in seconds."""
        if self.__latest is not None:
            self.__times.append(now - self.__latest)
        self.__latest = now
        self.__fresh = True

    def print(self) -> None:
        """Print the statistics if a message came since they were printed last."""
        if not self.__fresh or not self.__times:
            return
        self.__fresh = False
        mean = statistics.fmean(self.__times)
        print(
            f"average rate: {1.0 / mean:.3f}\n"
            f"\tmin: {min(self.__times):.3f}s max: {max(self.__times):.3f}s "
            f"std dev: {statistics.pstdev(self.__times, mean):.5f}s window: {len(self.__times) + 1}"
        )
