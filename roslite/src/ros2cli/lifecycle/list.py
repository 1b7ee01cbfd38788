"""`ros2 lifecycle list`."""

from __future__ import annotations

import argparse

from ros2cli.graph import cli_node

from .api import add_node_arguments, find_managed_node, get_transitions


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_node_arguments(parser)
    parser.add_argument("-a", "--all", action="store_true", help="Display all existing transitions")


def main(args: argparse.Namespace) -> None:
    """Print the transitions."""
    with cli_node() as node:
        name = find_managed_node(node, args.node_name, hidden=args.include_hidden_nodes)
        for each in get_transitions(node, name, everywhere=args.all):
            print(f"- {each.transition.label} [{each.transition.id}]")
            print(f"\tStart: {each.start_state.label}")
            print(f"\tGoal: {each.goal_state.label}")
