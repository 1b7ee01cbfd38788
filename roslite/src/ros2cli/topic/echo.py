"""`ros2 topic echo`."""

from __future__ import annotations

import argparse
import sys
import time
from typing import Any

import rclpy
from rclpy.task import Future
from rosidl_runtime_py import message_to_csv, message_to_yaml

from ros2cli import qos
from ros2cli.arguments import unsigned_int
from ros2cli.command import CommandError
from ros2cli.expressions import message_filter
from ros2cli.graph import absolute, add_node_arguments, cli_node

from .subscribe import matching_profile, type_of

_TRUNCATE_LENGTH = 128


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_node_arguments(parser)
    parser.add_argument("topic_name", help="Name of the ROS topic to listen to (e.g. '/chatter')")
    parser.add_argument("message_type", nargs="?", help="Type of the ROS message (e.g. 'std_msgs/msg/String')")
    qos.add_qos_arguments(parser, default="what the publishers offer")
    parser.add_argument("--csv", action="store_true", help="Output all recursive fields separated by commas")
    parser.add_argument("--field", help="Echo a selected field of a message, e.g. 'header.stamp'")
    parser.add_argument("--full-length", "-f", action="store_true", help="Output all elements of arrays and strings")
    parser.add_argument(
        "--truncate-length",
        "-l",
        type=unsigned_int,
        default=_TRUNCATE_LENGTH,
        help=f"The length to truncate arrays, bytes, and strings to (default: {_TRUNCATE_LENGTH})",
    )
    parser.add_argument("--no-arr", action="store_true", help="Don't print array fields of messages")
    parser.add_argument("--no-str", action="store_true", help="Don't print string fields of messages")
    parser.add_argument("--flow-style", action="store_true", help="Print each sequence on one line")
    parser.add_argument("--lost-messages", action="store_true", help="DEPRECATED: Does nothing")
    parser.add_argument("--raw", action="store_true", help="Echo the raw binary representation")
    parser.add_argument(
        "--filter", metavar="EXPR", help="Print only messages m (or fields) for which this Python expression holds"
    )
    parser.add_argument("--once", action="store_true", help="Print the first message received and then exit")
    parser.add_argument("--timeout", metavar="N", type=float, help="Give up after N seconds without a message")


def main(args: argparse.Namespace) -> None:
    """Print messages until interrupted, or one."""
    topic = absolute(args.topic_name)
    printer = _Printer(args)
    if args.lost_messages:
        print("WARNING: '--lost-messages' is deprecated and does nothing", file=sys.stderr)
    with cli_node(args) as node:
        message_class = type_of(node, topic, args.message_type)
        default = qos.matching([]) if qos.given(args) else matching_profile(node, topic)
        node.create_subscription(message_class, topic, printer, qos.profile(args, default), raw=args.raw)
        while not printer.finished.done():
            rclpy.spin_until_future_complete(node, printer.finished, timeout_sec=args.timeout)
            if args.timeout is not None and time.monotonic() - printer.latest >= args.timeout:
                raise CommandError(f"no message on '{topic}' within {args.timeout:g} s")


class _Printer:
    """Prints messages as the arguments say."""

    def __init__(self, args: argparse.Namespace) -> None:
        self.finished = Future()
        self.latest = time.monotonic()
        self._args = args
        self._path = [] if args.field is None else [name for name in args.field.split(".") if name]
        if args.field is not None and not self._path:
            raise CommandError(f"Invalid field value '{args.field}'")
        self._holds = message_filter(args.filter)
        self._options: dict[str, Any] = {
            "truncate_length": None if args.full_length else args.truncate_length,
            "no_arr": args.no_arr,
            "no_str": args.no_str,
        }

    def __call__(self, message: Any) -> None:
        """Print a message."""
        self.latest = time.monotonic()
        if self.finished.done():
            return
        selected = self._select(message)
        if not self._holds(selected):
            return
        self._print(selected)
        if self._args.once:
            self.finished.set_result(None)

    def _select(self, message: Any) -> Any:
        selected = message
        for name in self._path:
            if not hasattr(selected, name):
                raise CommandError(f"Invalid field '{self._args.field}': {type(selected).__name__} has no '{name}'")
            selected = getattr(selected, name)
        return selected

    def _print(self, selected: Any) -> None:
        is_message = hasattr(selected, "get_fields_and_field_types")
        if self._args.csv:
            print(message_to_csv(selected, **self._options) if is_message else selected)
        elif is_message:
            print(message_to_yaml(selected, flow_style=self._args.flow_style, **self._options), end="---\n")
        else:
            print(selected, end="\n---\n")
