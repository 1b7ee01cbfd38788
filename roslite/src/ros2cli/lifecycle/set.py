"""`ros2 lifecycle set`."""

from __future__ import annotations

import argparse
import sys

from lifecycle_msgs.msg import Transition

from ros2cli.command import CommandError
from ros2cli.graph import cli_node

from .api import add_node_arguments, change_state, find_managed_node, get_transitions


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_node_arguments(parser)
    parser.add_argument("transition", help="The lifecycle transition, by its label or its id")


def main(args: argparse.Namespace) -> None:
    """Make the transition."""
    with cli_node() as node:
        name = find_managed_node(node, args.node_name, hidden=args.include_hidden_nodes)
        available = [each.transition for each in get_transitions(node, name)]
        if change_state(node, name, _choose(available, args.transition)):
            print("Transitioning successful")
        else:
            print("Transitioning failed", file=sys.stderr)


def _choose(available: list[Transition], wanted: str) -> Transition:
    for transition in available:
        if wanted in (transition.label, str(transition.id)):
            return transition
    lines = (f"\n- {transition.label} [{transition.id}]" for transition in available)
    raise CommandError("Unknown transition requested, available ones are:" + "".join(lines))
