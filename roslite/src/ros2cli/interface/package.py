"""`ros2 interface package`."""

from __future__ import annotations

import argparse

from roslite.definitions import interface_names

from ros2cli.command import CommandError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("package_name", help="Name of the ROS package (e.g. 'example_interfaces')")


def main(args: argparse.Namespace) -> None:
    """Print the package's types."""
    package = args.package_name
    names = [f"{package}/{kind}/{name}" for kind in ("msg", "srv", "action") for name in interface_names(package, kind)]
    if not names:
        raise CommandError(f"Unknown package '{package}', or it has no interfaces")
    for name in names:
        print(name)
