"""`ros2 service find`."""

from __future__ import annotations

import argparse

from ros2cli.graph import add_node_arguments, cli_node, services, settled


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_node_arguments(parser)
    parser.add_argument("service_type", help="Name of the ROS service type to filter for (e.g. 'std_srvs/srv/Empty')")
    parser.add_argument(
        "-c", "--count-services", action="store_true", help="Only display the number of services discovered"
    )
    parser.add_argument("--include-hidden-services", action="store_true", help="Consider hidden services as well")


def main(args: argparse.Namespace) -> None:
    """Print the services of a type."""
    with cli_node(args) as node:
        found = settled(lambda: services(node, hidden=args.include_hidden_services))
    names = [name for name, types in found if args.service_type in types]
    if args.count_services:
        print(len(names))
        return
    for name in names:
        print(name)
