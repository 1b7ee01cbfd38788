"""`ros2 pkg prefix`."""

from __future__ import annotations

import argparse
import os

from ament_index_python.packages import PackageNotFoundError, get_package_prefix

from ros2cli.command import CommandError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("package_name", help="The package name")
    parser.add_argument("--share", action="store_true", help="Show share directory for the package")


def main(args: argparse.Namespace) -> None:
    """Print the prefix or the share folder."""
    try:
        prefix = get_package_prefix(args.package_name)
    except PackageNotFoundError as error:
        raise CommandError("Package not found") from error
    print(os.path.join(prefix, "share", args.package_name) if args.share else prefix)
