"""`ros2 topic hz`."""

from __future__ import annotations

import argparse
from typing import Any

import rclpy
from rclpy.clock import Clock
from rclpy.clock_type import ClockType

from ros2cli.arguments import positive_int
from ros2cli.expressions import message_filter
from ros2cli.graph import absolute, add_node_arguments, cli_node

from .statistics import Window
from .subscribe import matching_profile, type_of


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("topic_name", help="Name of the ROS topic to listen to (e.g. '/chatter')")
    parser.add_argument(
        "--window",
        "-w",
        metavar="WINDOW",
        type=positive_int,
        default=10000,
        help="window size, in # of messages, for calculating rate (default: 10000)",
    )
    parser.add_argument("--filter", metavar="EXPR", help="Count only messages m for which this Python expression holds")
    parser.add_argument(
        "--wall-time", action="store_true", help="Measure real time even where a simulation sets the ROS time"
    )
    add_node_arguments(parser, daemon=False)


def main(args: argparse.Namespace) -> None:
    """Print the rate each second until interrupted."""
    topic, holds = absolute(args.topic_name), message_filter(args.filter)
    with cli_node(args) as node:
        rate = Rate(args.window, Clock(clock_type=ClockType.SYSTEM_TIME) if args.wall_time else node.get_clock())

        def receive(message: Any) -> None:
            if args.filter is None or holds(message):
                rate.note()

        class_ = type_of(node, topic, patient=True)
        node.create_subscription(class_, topic, receive, matching_profile(node, topic), raw=args.filter is None)
        node.create_timer(1.0, rate.print, clock=Clock())
        rclpy.spin(node)


class Rate:
    """Times between the latest messages."""

    def __init__(self, window: int, clock: Clock) -> None:
        """Keep that many times, measured by a clock."""
        self._intervals = Window(window)
        self._clock = clock
        self._latest = 0

    def note(self) -> None:
        """A message came."""
        now = self._clock.now().nanoseconds
        if now < self._latest:
            print("time has reset, resetting counters")
            self._intervals.clear()
        elif self._latest:
            self._intervals.add(now - self._latest)
        self._latest = now

    def print(self) -> None:
        """Print the statistics if a message came since they were printed last."""
        if self._intervals.take_fresh() and self._intervals.mean > 0:
            print(f"average rate: {1e9 / self._intervals.mean:.3f}\n{self._intervals.describe()}")
