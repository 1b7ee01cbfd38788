"""`ros2 interface show`."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from roslite.definitions import interface_names, parse_message

from ros2cli.command import CommandError

from .text import definition_text


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("type", help="Show an interface definition (e.g. 'example_interfaces/msg/String')")
    parser.add_argument("--no-comments", action="store_true", help="Show no comments nor whitespace")


def main(args: argparse.Namespace) -> None:
    """Print the definition, and below each field that is a message, indented, that message's."""
    package, _, name = args.type.partition("/")
    kind, _, short = name.rpartition("/")
    kind = kind or ("srv" if short in interface_names(package, "srv") else "msg")
    if kind not in ("msg", "srv") or short not in interface_names(package, kind):
        raise CommandError(f"Could not find the interface '{args.type}'; names are like 'package/msg/Name'")
    for line in _lines(f"{package}/{kind}/{short}", comments=not args.no_comments):
        print(line)


def _lines(full_name: str, *, comments: bool, indent: str = "") -> Iterator[str]:
    for line in definition_text(full_name).splitlines():
        stated = parse_message(full_name, "" if line == "---" else line)
        if comments or stated.fields or stated.constants or line == "---":
            yield f"{indent}{line}".rstrip()
        for field in stated.fields:
            if field.type.is_message:
                yield from _lines(field.type.base, comments=False, indent=f"{indent}\t")
