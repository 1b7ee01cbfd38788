"""`ros2 topic pub`."""

from __future__ import annotations

import argparse
import itertools
import time

from rclpy.duration import Duration
from rclpy.publisher import Publisher
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy

from ros2cli import qos
from ros2cli.arguments import positive_float, unsigned_int
from ros2cli.graph import SOUGHT_FOR_S, add_node_arguments, cli_node, spin_for, wait_for
from ros2cli.interfaces import fill, message_type, parse_values


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("topic_name", help="Name of the ROS topic to publish to (e.g. '/chatter')")
    parser.add_argument("message_type", help="Type of the ROS message (e.g. 'std_msgs/String')")
    parser.add_argument(
        "values",
        nargs="?",
        default="{}",
        help="Values to fill the message with in YAML format (default: {}); a header that is 'auto', and a time that "
        "is 'now', get the time of each publishing",
    )
    parser.add_argument(
        "-r", "--rate", metavar="N", type=positive_float, default=1.0, help="Publishing rate in Hz (default: 1)"
    )
    parser.add_argument(
        "-p", "--print", metavar="N", type=int, default=1, help="Only print every N-th published message (default: 1)"
    )
    number = parser.add_mutually_exclusive_group()
    number.add_argument("-1", "--once", action="store_true", help="Publish one message and exit")
    number.add_argument(
        "-t", "--times", type=unsigned_int, default=0, help="Publish this number of times and then exit"
    )
    parser.add_argument(
        "-w",
        "--wait-matching-subscriptions",
        metavar="N",
        type=unsigned_int,
        help='Wait until finding the specified number of matching subscriptions. Defaults to 1 when using "-1" or '
        '"--times", otherwise defaults to 0.',
    )
    parser.add_argument(
        "--keep-alive",
        metavar="N",
        type=positive_float,
        default=0.1,
        help="Keep publishing node alive for N seconds after the last msg (default: 0.1)",
    )
    parser.add_argument("-n", "--node-name", help="Name of the created publishing node")
    qos.add_qos_arguments(parser, default="reliable and transient local, depth 1")
    add_node_arguments(parser, daemon=False)


def main(args: argparse.Namespace) -> None:
    """Publish, a number of times or until interrupted."""
    message_class = message_type(args.message_type)
    message = message_class()
    stamp_setters = fill(message, parse_values(args.values))
    times = 1 if args.once else args.times
    default = QoSProfile(
        depth=1,
        durability=DurabilityPolicy.TRANSIENT_LOCAL,
        reliability=ReliabilityPolicy.RELIABLE,
    )
    with cli_node(args, args.node_name) as node:
        publisher = node.create_publisher(message_class, args.topic_name, qos.profile(args, default))
        wanted = args.wait_matching_subscriptions
        _wait_for_subscriptions(publisher, (1 if times else 0) if wanted is None else wanted)
        print("publisher: beginning loop")
        start = time.monotonic()
        for count in itertools.count(1):
            for set_stamp in stamp_setters:
                set_stamp(node.get_clock().now().to_msg())
            if args.print and count % args.print == 0:
                print(f"publishing #{count}: {message!r}\n")
            publisher.publish(message)
            if count == times:
                break
            spin_for(node, start + count / args.rate - time.monotonic())
        publisher.wait_for_all_acked(Duration(seconds=SOUGHT_FOR_S))
        spin_for(node, args.keep_alive)


def _wait_for_subscriptions(publisher: Publisher, number: int) -> None:
    if publisher.get_subscription_count() >= number:
        return
    while True:
        print(f"Waiting for at least {number} matching subscription(s)...")
        if wait_for(lambda: publisher.get_subscription_count() >= number, timeout_s=1.0):
            return
