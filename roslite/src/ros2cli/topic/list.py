"""`ros2 topic list`."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from ros2cli.graph import add_node_arguments, cli_node, settled, topics


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_node_arguments(parser)
    parser.add_argument("-t", "--show-types", action="store_true", help="Additionally show the topic type")
    parser.add_argument(
        "-c", "--count-topics", action="store_true", help="Only display the number of topics discovered"
    )
    parser.add_argument("--include-hidden-topics", action="store_true", help="Consider hidden topics as well")
    parser.add_argument("-v", "--verbose", action="store_true", help="List full details about each topic")


def main(args: argparse.Namespace) -> None:
    """Print the topics."""
    with cli_node(args) as node:
        found = settled(lambda: topics(node, hidden=args.include_hidden_topics))
        if args.count_topics:
            print(len(found))
        elif args.verbose:
            _print_ends("Published", "publisher", found, node.count_publishers)
            _print_ends("Subscribed", "subscriber", found, node.count_subscribers)
        else:
            for name, types in found:
                print(f"{name} [{', '.join(types)}]" if args.show_types else name)


def _print_ends(title: str, noun: str, found: list[tuple[str, list[str]]], count: Callable[[str], int]) -> None:
    print(f"{title} topics:")
    for name, types in found:
        number = count(name)
        if number:
            print(f" * {name} [{', '.join(types)}] {number} {noun}{'s' if number > 1 else ''}")
    print()
