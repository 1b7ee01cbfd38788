"""`ros2 topic delay`."""

from __future__ import annotations

import argparse
from typing import Any

import rclpy
from rclpy.clock import Clock
from rclpy.time import Time

from ros2cli.arguments import positive_int
from ros2cli.command import CommandError
from ros2cli.graph import absolute, add_node_arguments, cli_node

from .statistics import Window
from .subscribe import matching_profile, type_of


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("topic", help="Topic name to calculate the delay for")
    parser.add_argument(
        "--window",
        "-w",
        type=positive_int,
        default=10000,
        help="window size, in # of messages, for calculating the delay (default: 10000)",
    )
    add_node_arguments(parser, daemon=False)


def main(args: argparse.Namespace) -> None:
    """Print each second how old messages are when they come, until interrupted."""
    topic = absolute(args.topic)
    with cli_node(args) as node:
        delays = Window(args.window)
        clock = node.get_clock()

        def receive(message: Any) -> None:
            delays.add((clock.now() - Time.from_msg(message.header.stamp)).nanoseconds)

        class_ = type_of(node, topic, patient=True)
        if not hasattr(class_(), "header"):
            raise CommandError("msg does not have header")
        node.create_subscription(class_, topic, receive, matching_profile(node, topic))
        node.create_timer(1.0, lambda: _print(delays), clock=Clock())
        rclpy.spin(node)


def _print(delays: Window) -> None:
    if not len(delays):
        return
    if not delays.take_fresh():
        print("no new messages")
        return
    print(f"average delay: {delays.mean / 1e9:.3f}\n{delays.describe()}")
