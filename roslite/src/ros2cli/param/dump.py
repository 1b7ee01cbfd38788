"""`ros2 param dump`."""

from __future__ import annotations

import argparse
from typing import Any

import yaml

from ros2cli.graph import cli_node, find_node

from .api import get_parameters, list_parameters, python_value


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("node_name", help="Name of the ROS node")


def main(args: argparse.Namespace) -> None:
    """Print the parameters as a parameter file."""
    with cli_node() as node:
        full_name = find_node(node, args.node_name)
        names = list_parameters(node, full_name)
        values = get_parameters(node, full_name, names) if names else []
    parameters: dict[str, Any] = {}
    for name, value in zip(names, values, strict=True):
        *groups, last = name.split(".")
        place = parameters
        for group in groups:
            place = place.setdefault(group, {})
        place[last] = python_value(value)
    print(yaml.safe_dump({full_name: {"ros__parameters": parameters}}, default_flow_style=False))
