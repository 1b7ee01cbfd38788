"""`ros2 param load`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from rcl_interfaces.msg import Parameter

from ros2cli.command import CommandError
from ros2cli.graph import cli_node, find_node

from .api import add_owner_arguments, parameter_value, set_parameters


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_owner_arguments(parser)
    parser.add_argument("parameter_file", help="Parameter file")
    parser.add_argument(
        "--no-use-wildcard",
        action="store_true",
        help="Do not load parameters in the '/**' namespace into the node",
    )


def main(args: argparse.Namespace) -> int:
    """Set the parameters that the file has for the node; exit code 1 if one of them fails."""
    content = _read(args.parameter_file)
    with cli_node(args) as node:
        full_name = find_node(node, args.node_name)
        keys = [full_name, full_name.lstrip("/")] if args.no_use_wildcard else ["/**", full_name, full_name.lstrip("/")]
        parameters = [
            Parameter(name=name, value=parameter_value(value))
            for name, value in _flatten(_for_node(content, keys, args.parameter_file))
        ]
        results = set_parameters(node, full_name, parameters)
    for parameter, result in zip(parameters, results, strict=True):
        reason = f": {result.reason}" if result.reason else ""
        word, stream = ("successful", sys.stdout) if result.successful else ("failed", sys.stderr)
        print(f"Set parameter {parameter.name} {word}{reason}", file=stream)
    return 0 if all(result.successful for result in results) else 1


def _read(path: str) -> dict[str, Any]:
    try:
        content = yaml.safe_load(Path(path).read_text())
    except (OSError, yaml.YAMLError) as error:
        raise CommandError(f"cannot read parameter file '{path}': {error}") from error
    if not isinstance(content, dict):
        raise CommandError(f"parameter file '{path}' holds no dictionary of nodes")
    return content


def _for_node(content: dict[str, Any], keys: list[str], path: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if not content.keys() & set(keys):
        raise CommandError(f"Param file does not contain parameters for {keys[-1]}, only for nodes: {list(content)}")
    for key in keys:
        section = content.get(key)
        if section is None:
            continue
        if not isinstance(section, dict) or not isinstance(section.get("ros__parameters"), dict):
            raise CommandError(f"Invalid structure of parameter file '{path}': no 'ros__parameters' below '{key}'")
        found.update(section["ros__parameters"])
    return found


def _flatten(parameters: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in parameters.items():
        if isinstance(value, Mapping):
            yield from _flatten(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value
