"""`ros2 interface show`."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from rosbags.typesys import Stores, get_typestore
from roslite.definitions import distribution, interface_names, parse_message
from roslite.prefixes import find_in_share

from ros2cli.command import CommandError


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
    for line in _text(full_name).splitlines():
        stated = parse_message(full_name, "" if line == "---" else line)
        if comments or stated.fields or stated.constants or line == "---":
            yield f"{indent}{line}".rstrip()
        for field in stated.fields:
            if field.type.is_message:
                yield from _lines(field.type.base, comments=False, indent=f"{indent}\t")


def _text(full_name: str) -> str:
    package, kind, short = full_name.split("/")
    path = find_in_share(package, f"{kind}/{short}.{kind}")
    if path is not None:
        return Path(path).read_text(encoding="utf-8")
    text, _ = get_typestore(Stores(f"ros2_{distribution()}")).generate_msgdef(full_name, ros_version=2)
    return text.partition("=" * 80)[0]
