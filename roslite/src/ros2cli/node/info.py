"""`ros2 node info`."""

from __future__ import annotations

import argparse

from ros2cli.graph import cli_node, find_node, is_hidden, settled, split

NamesAndTypes = list[tuple[str, list[str]]]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("node_name", help="Node name to request information")
    parser.add_argument("--include-hidden", action="store_true", help="Display hidden topics and services as well")


def main(args: argparse.Namespace) -> None:
    """Print the node's topics and services."""
    with cli_node() as node:
        full_name = find_node(node, args.node_name)
        name, namespace = split(full_name)
        queries = {
            "Subscribers": node.get_subscriber_names_and_types_by_node,
            "Publishers": node.get_publisher_names_and_types_by_node,
            "Service Servers": node.get_service_names_and_types_by_node,
            "Service Clients": node.get_client_names_and_types_by_node,
        }

        def ask() -> list[tuple[str, NamesAndTypes]]:
            return [(title, sorted(query(name, namespace))) for title, query in queries.items()]

        answers = settled(ask)
    print(full_name)
    for title, entries in answers:
        print(f"  {title}:")
        _print_entries(entries, hidden=args.include_hidden)
    print("  Action Servers:\n")
    print("  Action Clients:\n")


def _print_entries(entries: NamesAndTypes, *, hidden: bool) -> None:
    shown = [(name, types) for name, types in entries if hidden or not is_hidden(name)]
    for name, types in shown:
        print(f"    {name}: {', '.join(types)}")
    if not shown:
        print()
