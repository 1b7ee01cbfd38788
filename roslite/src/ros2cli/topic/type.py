"""`ros2 topic type`."""

from __future__ import annotations

import argparse

from ros2cli.graph import absolute, add_node_arguments, cli_node, topic_types


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_node_arguments(parser)
    parser.add_argument("topic_name", help="Name of the ROS topic to get type (e.g. '/chatter')")


def main(args: argparse.Namespace) -> int:
    """Print the type; exit code 1 if there is no such topic."""
    with cli_node(args) as node:
        types = topic_types(node, absolute(args.topic_name))
    for name in types:
        print(name)
    return 0 if types else 1
