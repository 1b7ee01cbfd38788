"""`ros2 interface show`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator

from roslite.definitions import interface_names, parse_message

from ros2cli.command import CommandError

from .text import definition_text

_SEPARATOR = "---"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    comments = parser.add_mutually_exclusive_group()
    comments.add_argument(
        "--all-comments",
        action="store_true",
        help="Show all comments, including for nested interface definitions",
    )
    comments.add_argument("--no-comments", action="store_true", help="Show no comments or whitespace")
    parser.add_argument(
        "type", help="Show an interface definition (e.g. 'example_interfaces/msg/String'); '-' reads it from stdin"
    )


def main(args: argparse.Namespace) -> None:
    """Print the definition, and below each field that is a message, indented, that message's."""
    name = sys.stdin.readline().strip() if args.type == "-" else args.type
    parts = name.split("/")
    if len(parts) != 3:
        raise CommandError(f"Invalid name '{name}'. Expected three parts separated by '/'")
    package, kind, short = parts
    if kind not in ("msg", "srv", "action") or short not in interface_names(package, kind):
        raise CommandError(f"Could not find the interface '{name}'")
    for line in _lines(name, comments=not args.no_comments, inner_comments=args.all_comments):
        print(line)


def _lines(full_name: str, *, comments: bool, inner_comments: bool, indent: str = "") -> Iterator[str]:
    for line in definition_text(full_name).splitlines():
        text = line.rstrip() if comments else _statement(line)
        if comments or text:
            yield f"{indent}{text}" if text else ""
        if line.rstrip() == _SEPARATOR:
            continue
        for field in parse_message(full_name, line).fields:
            if field.type.is_message:
                yield from _lines(
                    field.type.base, comments=inner_comments, inner_comments=inner_comments, indent=f"{indent}\t"
                )


def _statement(line: str) -> str:
    """A line without its comment; `#` within quotes begins none."""
    quote = ""
    for place, char in enumerate(line):
        if quote:
            quote = "" if char == quote else quote
        elif char in "\"'":
            quote = char
        elif char == "#":
            return line[:place].rstrip()
    return line.rstrip()
