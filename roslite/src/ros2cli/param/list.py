"""`ros2 param list`."""

from __future__ import annotations

import argparse
import re

from ros2cli.graph import add_node_arguments, cli_node, find_node, node_names, services, settled

from .api import FIELDS, describe_parameters, list_parameters


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_node_arguments(parser)
    parser.add_argument("node_name", nargs="?", help="Name of the ROS node")
    parser.add_argument("--filter", help="Only parameters whose name matches this regular expression are shown")
    parser.add_argument("--include-hidden-nodes", action="store_true", help="Consider hidden nodes as well")
    parser.add_argument(
        "--param-prefixes", nargs="+", default=[], help="Only list parameters with the provided prefixes"
    )
    parser.add_argument("--param-type", action="store_true", help="Print parameter types with parameter names")


def main(args: argparse.Namespace) -> None:
    """Print the parameters of one node or of all."""
    with cli_node(args) as node:
        if args.node_name is not None:
            owners = [find_node(node, args.node_name)]
        else:
            with_parameters = {name for name, _ in settled(lambda: services(node, hidden=True))}
            owners = node_names(node, hidden=args.include_hidden_nodes)
            owners = [name for name in owners if f"{name}/list_parameters" in with_parameters]
        for owner in owners:
            names = list_parameters(node, owner, args.param_prefixes)
            names = [name for name in names if args.filter is None or re.match(args.filter, name)]
            types = {}
            if args.param_type and names:
                types = {found.name: FIELDS[found.type][2] for found in describe_parameters(node, owner, names)}
            if args.node_name is None and names:
                print(f"{owner}:")
            for name in names:
                print(f"  {name} (type: {types[name]})" if name in types else f"  {name}")
