"""`ros2 topic find`."""

from __future__ import annotations

import argparse

from ros2cli.graph import add_node_arguments, cli_node, settled, topics


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_node_arguments(parser)
    parser.add_argument("topic_type", help="Name of the ROS topic type to filter for (e.g. 'std_msgs/msg/String')")
    parser.add_argument(
        "-c", "--count-topics", action="store_true", help="Only display the number of topics discovered"
    )
    parser.add_argument("--include-hidden-topics", action="store_true", help="Consider hidden topics as well")


def main(args: argparse.Namespace) -> None:
    """Print the topics of a type."""
    with cli_node(args) as node:
        found = settled(lambda: topics(node, hidden=args.include_hidden_topics))
    names = [name for name, types in found if args.topic_type in types]
    if args.count_topics:
        print(len(names))
        return
    for name in names:
        print(name)
