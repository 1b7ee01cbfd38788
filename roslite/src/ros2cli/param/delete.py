"""`ros2 param delete`."""

from __future__ import annotations

import argparse

from rcl_interfaces.msg import Parameter, ParameterType, ParameterValue

from ros2cli.command import CommandError
from ros2cli.graph import cli_node, find_node

from .api import add_owner_arguments, set_parameters


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_owner_arguments(parser)
    parser.add_argument("parameter_name", help="Name of the parameter")


def main(args: argparse.Namespace) -> None:
    """Undeclare the parameter, which the node allows for parameters of dynamic type."""
    nothing = ParameterValue(type=ParameterType.PARAMETER_NOT_SET)
    with cli_node(args) as node:
        owner = find_node(node, args.node_name)
        (result,) = set_parameters(node, owner, [Parameter(name=args.parameter_name, value=nothing)])
    reason = f": {result.reason}" if result.reason else ""
    if not result.successful:
        raise CommandError(f"Deleting parameter failed{reason}")
    print(f"Deleted parameter successfully{reason}")
