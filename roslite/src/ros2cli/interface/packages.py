"""`ros2 interface packages`."""

from __future__ import annotations

import argparse

from roslite.definitions import interface_packages


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("-m", "--only-msgs", action="store_true", help="Only list packages that generate messages")
    parser.add_argument("-s", "--only-srvs", action="store_true", help="Only list packages that generate services")
    parser.add_argument("-a", "--only-actions", action="store_true", help="Only list packages that generate actions")


def main(args: argparse.Namespace) -> None:
    """Print the packages."""
    kinds = ("msg", "srv", "action")
    chosen = [kind for kind in kinds if getattr(args, f"only_{kind}s")][:1] or kinds
    for package in sorted({package for kind in chosen for package in interface_packages(kind)}):
        print(package)
