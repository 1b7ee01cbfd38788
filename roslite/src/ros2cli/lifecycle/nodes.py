"""`ros2 lifecycle nodes`."""

from __future__ import annotations

import argparse

from ros2cli.graph import cli_node

from .api import managed_nodes


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("-a", "--all", action="store_true", help="Display all nodes even hidden ones")
    parser.add_argument("-c", "--count-nodes", action="store_true", help="Only display the number of nodes discovered")


def main(args: argparse.Namespace) -> None:
    """Print the managed nodes."""
    with cli_node() as node:
        names = managed_nodes(node, hidden=args.all)
    for line in [len(names)] if args.count_nodes else names:
        print(line)
