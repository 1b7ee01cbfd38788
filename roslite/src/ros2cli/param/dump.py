"""`ros2 param dump`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import yaml

from ros2cli.command import CommandError
from ros2cli.graph import cli_node, find_node

from .api import add_owner_arguments, get_parameters, list_parameters, python_value


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_owner_arguments(parser)
    parser.add_argument("--output-dir", default=".", help="DEPRECATED: Folder in which a file is written")
    parser.add_argument("--print", action="store_true", help="DEPRECATED: Does nothing")


def main(args: argparse.Namespace) -> None:
    """Print the parameters as a parameter file, or write that file."""
    folder = Path(args.output_dir)
    if not folder.is_dir():
        raise CommandError(f"'{args.output_dir}' is not a valid directory.")
    with cli_node(args) as node:
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
    text = yaml.safe_dump({full_name: {"ros__parameters": parameters}}, default_flow_style=False)
    if args.print:
        print("WARNING: '--print' is deprecated; parameters are printed anyway", file=sys.stderr)
    if args.output_dir == ".":
        print(text)
        return
    print("WARNING: '--output-dir' is deprecated; redirect the output instead", file=sys.stderr)
    path = folder / f"{full_name[1:].replace('/', '__')}.yaml"
    print("Saving to: ", path)
    path.write_text(text, encoding="utf-8")
