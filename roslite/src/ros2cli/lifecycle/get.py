"""`ros2 lifecycle get`."""

from __future__ import annotations

import argparse

from ros2cli.graph import cli_node

from .api import add_node_arguments, find_managed_node, get_state, managed_nodes


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_node_arguments(parser, nargs="?", help="Name of the ROS node; if none is given, the state of each is shown")


def main(args: argparse.Namespace) -> None:
    """Print the state of one node, or of all."""
    with cli_node() as node:
        if args.node_name:
            state = get_state(node, find_managed_node(node, args.node_name, hidden=args.include_hidden_nodes))
            print(f"{state.label} [{state.id}]")
            return
        for name in managed_nodes(node, hidden=args.include_hidden_nodes):
            state = get_state(node, name)
            print(f"{name}: {state.label} [{state.id}]")
