"""`ros2 interface list`."""

from __future__ import annotations

import argparse

from roslite.definitions import interface_names, interface_packages

_KINDS = {"msg": "Messages", "srv": "Services", "action": "Actions"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("-m", "--only-msgs", action="store_true", help="Print out only the message types")
    parser.add_argument("-s", "--only-srvs", action="store_true", help="Print out only the service types")
    parser.add_argument("-a", "--only-actions", action="store_true", help="Print out only the action types")


def main(args: argparse.Namespace) -> None:
    """Print the types."""
    chosen = [kind for kind in _KINDS if getattr(args, f"only_{kind}s")] or list(_KINDS)
    for kind in chosen:
        print(f"{_KINDS[kind]}:")
        for package in interface_packages(kind):
            for name in interface_names(package, kind):
                print(f"    {package}/{kind}/{name}")
