"""`ros2 service list`."""

from __future__ import annotations

import argparse

from ros2cli.graph import add_node_arguments, cli_node, services, settled


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_node_arguments(parser)
    parser.add_argument("-t", "--show-types", action="store_true", help="Additionally show the service type")
    parser.add_argument(
        "-c", "--count-services", action="store_true", help="Only display the number of services discovered"
    )
    parser.add_argument("--include-hidden-services", action="store_true", help="Consider hidden services as well")


def main(args: argparse.Namespace) -> None:
    """Print the services."""
    with cli_node(args) as node:
        found = settled(lambda: services(node, hidden=args.include_hidden_services))
    if args.count_services:
        print(len(found))
        return
    for name, types in found:
        print(f"{name} [{', '.join(types)}]" if args.show_types else name)
