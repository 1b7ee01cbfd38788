"""`ros2 service type`."""

from __future__ import annotations

import argparse

from ros2cli.graph import absolute, add_node_arguments, cli_node, service_types


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_node_arguments(parser)
    parser.add_argument("service_name", help="Name of the ROS service to get type (e.g. '/talker/list_parameters')")


def main(args: argparse.Namespace) -> int:
    """Print the type; exit code 1 if there is no such service."""
    with cli_node(args) as node:
        types = service_types(node, absolute(args.service_name))
    for name in types:
        print(name)
    return 0 if types else 1
