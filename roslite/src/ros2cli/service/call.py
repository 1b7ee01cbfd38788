"""`ros2 service call`."""

from __future__ import annotations

import argparse
import time

import rclpy

from ros2cli.command import CommandError
from ros2cli.graph import cli_node
from ros2cli.interfaces import fill, parse_values, service_type


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("service_name", help="Name of the ROS service to call to (e.g. '/add_two_ints')")
    parser.add_argument("service_type", help="Type of the ROS service (e.g. 'std_srvs/srv/Empty')")
    parser.add_argument(
        "values", nargs="?", default="{}", help="Values to fill the service request with in YAML format (default: {})"
    )
    parser.add_argument("-r", "--rate", metavar="N", type=float, help="Repeat the call at a specific rate in Hz")


def main(args: argparse.Namespace) -> None:
    """Call the service, waiting for it and for its answer."""
    if args.rate is not None and args.rate <= 0:
        raise CommandError("rate must be greater than zero")
    srv_type = service_type(args.service_type)
    request = srv_type.Request()
    stamp_setters = fill(request, parse_values(args.values))
    with cli_node(args) as node:
        client = node.create_client(srv_type, args.service_name)
        if not client.service_is_ready():
            print("waiting for service to become available...")
            client.wait_for_service()
        while True:
            for set_stamp in stamp_setters:
                set_stamp(node.get_clock().now().to_msg())
            print(f"requester: making request: {request!r}\n")
            future = client.call_async(request)
            rclpy.spin_until_future_complete(node, future)
            print(f"response:\n{future.result()!r}\n")
            if args.rate is None:
                return
            time.sleep(1.0 / args.rate)
