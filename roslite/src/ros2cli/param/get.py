"""`ros2 param get`."""

from __future__ import annotations

import argparse

from ros2cli.command import CommandError
from ros2cli.graph import cli_node, find_node

from .api import FIELDS, add_owner_arguments, get_parameters


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_owner_arguments(parser)
    parser.add_argument("parameter_name", help="Name of the parameter")
    parser.add_argument("--hide-type", action="store_true", help="Hide the type information")


def main(args: argparse.Namespace) -> None:
    """Print the value."""
    with cli_node(args) as node:
        full_name = find_node(node, args.node_name)
        values = get_parameters(node, full_name, [args.parameter_name])
    if not values:
        raise CommandError("Parameter not set")
    value = values[0]
    if value.type not in FIELDS:
        print("None" if args.hide_type else "Parameter not set.")
        return
    field, label, _ = FIELDS[value.type]
    held = getattr(value, field)
    print(held) if args.hide_type else print(label, held)
