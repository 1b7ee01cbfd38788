"""`ros2 pkg prefix`."""

from __future__ import annotations

import argparse
import os

from .api import prefix_of


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("package_name", help="The package name")
    parser.add_argument("--share", action="store_true", help="Show share directory for the package")


def main(args: argparse.Namespace) -> None:
    """Print the prefix or the share folder."""
    prefix = prefix_of(args.package_name)
    print(os.path.join(prefix, "share", args.package_name) if args.share else prefix)
