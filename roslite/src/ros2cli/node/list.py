"""`ros2 node list`."""

from __future__ import annotations

import argparse
import sys

from ros2cli.graph import add_node_arguments, cli_node, node_names, settled


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_node_arguments(parser)
    parser.add_argument("-a", "--all", action="store_true", help="Display all nodes even hidden ones")
    parser.add_argument("-c", "--count-nodes", action="store_true", help="Only display the number of nodes discovered")


def main(args: argparse.Namespace) -> None:
    """Print the nodes."""
    with cli_node(args) as node:
        names = settled(lambda: node_names(node, hidden=args.all))
    if args.count_nodes:
        print(len(names))
        return
    if len(set(names)) < len(names):
        print("WARNING: several nodes share a name, which can have unintended side effects.", file=sys.stderr)
    for name in names:
        print(name)
