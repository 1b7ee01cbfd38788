"""`ros2 node info`."""

from __future__ import annotations

import argparse
import sys

from ros2cli.command import CommandError
from ros2cli.graph import absolute, add_node_arguments, cli_node, is_hidden, node_names, settled, split, wait_for

NamesAndTypes = list[tuple[str, list[str]]]

_FEEDBACK, _FEEDBACK_TYPE = "/_action/feedback", "_FeedbackMessage"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_node_arguments(parser)
    parser.add_argument("node_name", help="Node name to request information")
    parser.add_argument("--include-hidden", action="store_true", help="Display hidden topics and services as well")


def main(args: argparse.Namespace) -> None:
    """Print the node's topics, services and actions."""
    with cli_node(args) as node:
        full_name = absolute(args.node_name)
        if not wait_for(lambda: full_name in node_names(node, hidden=True)):
            raise CommandError(f"Unable to find node '{args.node_name}'")
        name, namespace = split(full_name)
        queries = {
            "Subscribers": node.get_subscriber_names_and_types_by_node,
            "Publishers": node.get_publisher_names_and_types_by_node,
            "Service Servers": node.get_service_names_and_types_by_node,
            "Service Clients": node.get_client_names_and_types_by_node,
        }

        def ask() -> dict[str, NamesAndTypes]:
            return {title: sorted(query(name, namespace)) for title, query in queries.items()}

        found = settled(ask)
        number = node_names(node, hidden=True).count(full_name)
    if number > 1:
        print(f'{number} nodes have the name "{full_name}". This is about only one of them.', file=sys.stderr)
    print(full_name)
    for title, entries in found.items():
        _print_entries(title, entries, hidden=args.include_hidden)
    _print_entries("Action Servers", _actions(found["Publishers"]), hidden=args.include_hidden)
    _print_entries("Action Clients", _actions(found["Subscribers"]), hidden=args.include_hidden)


def _actions(topics: NamesAndTypes) -> NamesAndTypes:
    """Actions by the topic of their feedback: a server publishes on it, a client subscribes to it."""
    return [
        (topic.removesuffix(_FEEDBACK), [type_name.removesuffix(_FEEDBACK_TYPE) for type_name in types])
        for topic, types in topics
        if topic.endswith(_FEEDBACK)
    ]


def _print_entries(title: str, entries: NamesAndTypes, *, hidden: bool) -> None:
    print(f"  {title}:")
    shown = [(name, types) for name, types in entries if hidden or not is_hidden(name)]
    for name, types in shown:
        print(f"    {name}: {', '.join(types)}")
    if not shown:
        print()
