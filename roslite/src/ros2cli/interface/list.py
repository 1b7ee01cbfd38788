"""`ros2 interface list`."""

from __future__ import annotations

import argparse

from roslite.definitions import interface_names, interface_packages


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("-m", "--only-msgs", action="store_true", help="Print out only the message types")
    parser.add_argument("-s", "--only-srvs", action="store_true", help="Print out only the service types")


def main(args: argparse.Namespace) -> None:
    """Print the types."""
    both = args.only_msgs == args.only_srvs
    for kind, title, chosen in (("msg", "Messages", args.only_msgs), ("srv", "Services", args.only_srvs)):
        if not (both or chosen):
            continue
        print(f"{title}:")
        for package in interface_packages(kind):
            for name in interface_names(package, kind):
                print(f"    {package}/{kind}/{name}")
