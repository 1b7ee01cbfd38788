"""`ros2 interface proto`."""

from __future__ import annotations

import argparse

from rosidl_runtime_py import message_to_yaml
from rosidl_runtime_py.utilities import get_interface, is_service

from ros2cli.command import CommandError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("type", help="Show an interface definition (e.g. 'example_interfaces/msg/String')")
    parser.add_argument("--no-quotes", action="store_true", help="Print no quotes around it")


def main(args: argparse.Namespace) -> None:
    """Print a message, or the request of a service, with default values as YAML."""
    try:
        interface = get_interface(args.type)
    except (ImportError, AttributeError, ValueError) as error:
        raise CommandError(str(error)) from error
    text = message_to_yaml(interface.Request() if is_service(interface) else interface())
    print(text if args.no_quotes else f'"{text}"')
