"""`ros2 bag info`."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterable
from pathlib import Path

from .api import add_bag_arguments, failure
from .contents import read_metadata
from .mcap import McapError
from .metadata import MetadataError

_NS = 1_000_000_000
_WIDTH = 19


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_bag_arguments(parser)


def main(args: argparse.Namespace) -> None:
    """Print what there is to know of the bag."""
    bag = Path(args.bag_path)
    try:
        metadata = read_metadata(bag, args.storage)
    except (MetadataError, McapError) as error:
        raise failure(str(error)) from error
    end = metadata.start_time + metadata.duration
    print()
    _print_field("Files", (file.path for file in metadata.files))
    _print_field("Bag size", [_readable(_size(bag))])
    _print_field("Storage id", [metadata.storage])
    _print_field("Duration", [f"{_seconds(metadata.duration)}s"])
    _print_field("Start", [_moment(metadata.start_time)])
    _print_field("End", [_moment(end)])
    _print_field("Messages", [str(metadata.message_count)])
    _print_field(
        "Topic information",
        (
            f"Topic: {topic.name} | Type: {topic.type} | Count: {topic.message_count} | "
            f"Serialization Format: {topic.serialization_format}"
            for topic in metadata.topics
        ),
    )
    print()


def _print_field(title: str, lines: Iterable[str]) -> None:
    start = f"{title}:".ljust(_WIDTH)
    print(start + f"\n{' ' * _WIDTH}".join(lines))


def _size(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())


def _readable(size: float) -> str:
    if size < 1024:
        return f"{size:.0f} B"
    for unit in ("KiB", "MiB", "GiB"):
        size /= 1024
        if size < 1024:
            return f"{size:.1f} {unit}"
    return f"{size / 1024:.1f} TiB"


def _seconds(nanoseconds: int) -> str:
    return f"{nanoseconds // _NS}.{nanoseconds % _NS:09}"


def _moment(nanoseconds: int) -> str:
    local = time.localtime(nanoseconds // _NS)
    fraction = f"{nanoseconds % _NS:09}"
    return f"{time.strftime('%b %e %Y %H:%M:%S', local)}.{fraction} ({_seconds(nanoseconds)})"
