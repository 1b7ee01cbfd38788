"""What verbs of `ros2 bag` share on the command line."""

from __future__ import annotations

import argparse
import os

from ros2cli.command import CommandError

STORAGES = ("mcap", "sqlite3")


def failure(message: str) -> CommandError:
    """An error as `ros2 bag` words it."""
    return CommandError(f"[ERROR] [ros2bag]: {message}")


def add_bag_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments that name a bag."""
    parser.add_argument("bag_path", type=_existing_path, help="Bag to open")
    parser.add_argument(
        "-s",
        "--storage",
        default="",
        choices=STORAGES,
        help="Storage implementation of bag. By default it is found out.",
    )


def add_log_level_argument(parser: argparse.ArgumentParser) -> None:
    """Declare `--log-level`."""
    levels = ["debug", "info", "warn", "error", "fatal"]
    parser.add_argument("--log-level", default="info", choices=levels, help="Logging level (default: info)")


def _existing_path(text: str) -> str:
    if not os.path.exists(text):
        raise argparse.ArgumentTypeError(f"Bag path '{text}' does not exist!")
    return text
