"""`ros2 pkg executables`."""

from __future__ import annotations

import argparse
import os

from ament_index_python.packages import get_packages_with_prefixes

from .api import executables


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("package_name", nargs="?", help="The package name")
    parser.add_argument("--full-path", action="store_true", help="Show the full path of each executable")


def main(args: argparse.Namespace) -> None:
    """Print the executables of one package or of all."""
    packages = sorted(get_packages_with_prefixes()) if args.package_name is None else [args.package_name]
    for package in packages:
        for path in executables(package):
            print(path if args.full_path else f"{package} {os.path.basename(path)}")
