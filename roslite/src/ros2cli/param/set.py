"""`ros2 param set`."""

from __future__ import annotations

import argparse

from rcl_interfaces.msg import Parameter

from ros2cli.command import CommandError
from ros2cli.graph import cli_node, find_node

from .api import add_owner_arguments, parse_value, set_parameters


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_owner_arguments(parser)
    parser.add_argument("parameter_name", help="Name of the parameter")
    parser.add_argument("value", help="Value of the parameter")


def main(args: argparse.Namespace) -> None:
    """Set the parameter."""
    parameter = Parameter(name=args.parameter_name, value=parse_value(args.value))
    with cli_node(args) as node:
        (result,) = set_parameters(node, find_node(node, args.node_name), [parameter])
    reason = f": {result.reason}" if result.reason else ""
    if not result.successful:
        raise CommandError(f"Setting parameter failed{reason}")
    print(f"Set parameter successful{reason}")
