"""`ros2 param describe`."""

from __future__ import annotations

import argparse

from rcl_interfaces.msg import ParameterDescriptor

from ros2cli.command import CommandError
from ros2cli.graph import cli_node, find_node

from .api import FIELDS, add_owner_arguments, describe_parameters


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_owner_arguments(parser)
    parser.add_argument("parameter_names", nargs="+", help="Names of the parameters")


def main(args: argparse.Namespace) -> None:
    """Print the descriptors."""
    with cli_node(args) as node:
        descriptors = describe_parameters(node, find_node(node, args.node_name), args.parameter_names)
    if not descriptors:
        raise CommandError("Parameter not set")
    for descriptor in descriptors:
        _print(descriptor)


def _print(descriptor: ParameterDescriptor) -> None:
    print("Parameter name:", descriptor.name)
    print("  Type:", FIELDS[descriptor.type][2] if descriptor.type in FIELDS else "not set")
    if descriptor.description:
        print("  Description:", descriptor.description)
    print("  Constraints:")
    if descriptor.read_only:
        print("    Read only: true")
    for bounds in (*descriptor.floating_point_range, *descriptor.integer_range):
        print("    Min value:", bounds.from_value)
        print("    Max value:", bounds.to_value)
        if bounds.step:
            print("    Step:", bounds.step)
    if descriptor.additional_constraints:
        print("    Additional constraints:", descriptor.additional_constraints)
