"""`ros2 topic info`."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from rclpy.duration import Duration
from rclpy.qos import HistoryPolicy
from rclpy.topic_endpoint_info import TopicEndpointInfo

from ros2cli.command import CommandError
from ros2cli.graph import absolute, add_node_arguments, cli_node, settled, topic_types

_INFINITE_NS = 2**63 - 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_node_arguments(parser)
    parser.add_argument("topic_name", help="Name of the ROS topic to get info (e.g. '/chatter')")
    parser.add_argument(
        "-v",
        "--verbose",
        action="store_true",
        help="Prints node name, namespace, type, GID and QoS profile of each publisher and subscription",
    )


def main(args: argparse.Namespace) -> None:
    """Print type and numbers of publishers and subscriptions, or all about each."""
    topic = absolute(args.topic_name)
    with cli_node(args) as node:
        types = topic_types(node, topic)
        if not types:
            raise CommandError(f"Unknown topic '{args.topic_name}'")
        ends: list[tuple[str, Callable[[str], list[Any]]]] = [
            ("Publisher count", node.get_publishers_info_by_topic),
            ("Subscription count", node.get_subscriptions_info_by_topic),
        ]
        found = settled(lambda: [(title, sorted(map(_describe, query(topic)))) for title, query in ends])
    line_end = "\n\n" if args.verbose else "\n"
    print(f"Type: {types[0] if len(types) == 1 else types}", end=line_end)
    for title, endpoints in found:
        print(f"{title}: {len(endpoints)}", end=line_end)
        if args.verbose:
            for endpoint in endpoints:
                print(endpoint, end=line_end)


def _describe(endpoint: TopicEndpointInfo) -> str:
    qos = endpoint.qos_profile
    depth = f" ({qos.depth})" if qos.history == HistoryPolicy.KEEP_LAST else ""
    return "\n".join(
        [
            f"Node name: {endpoint.node_name}",
            f"Node namespace: {endpoint.node_namespace}",
            f"Topic type: {endpoint.topic_type}",
            f"Endpoint type: {endpoint.endpoint_type.name}",
            f"GID: {'.'.join(f'{byte:02x}' for byte in endpoint.endpoint_gid)}",
            "QoS profile:",
            f"  Reliability: {qos.reliability.name}",
            f"  History (Depth): {qos.history.name}{depth}",
            f"  Durability: {qos.durability.name}",
            f"  Lifespan: {_duration(qos.lifespan)}",
            f"  Deadline: {_duration(qos.deadline)}",
            f"  Liveliness: {qos.liveliness.name}",
            f"  Liveliness lease duration: {_duration(qos.liveliness_lease_duration)}",
        ]
    )


def _duration(duration: Duration) -> str:
    return "Infinite" if duration.nanoseconds >= _INFINITE_NS else f"{duration.nanoseconds} nanoseconds"
