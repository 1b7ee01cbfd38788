"""`ros2 run`."""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import sys
from typing import NoReturn

from .command import CommandError
from .pkg.api import executables, prefix_of


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--prefix", default="", help="Command that goes before the executable, e.g. a debugger")
    parser.add_argument("package_name", help="Name of the ROS package")
    parser.add_argument("executable_name", help="Name of the executable")
    parser.add_argument("argv", nargs=argparse.REMAINDER, help="Pass arbitrary arguments to the executable")


def main(args: argparse.Namespace) -> NoReturn:
    """Become the executable, so that signals and its exit code are its own."""
    folder = os.path.join(prefix_of(args.package_name), "lib", args.package_name)
    path = shutil.which(args.executable_name, path=folder)
    if path is None:
        there = ", ".join(os.path.basename(executable) for executable in executables(args.package_name))
        raise CommandError(
            f"No executable found: '{args.executable_name}' is not in {folder}; there: {there or 'none'}"
        )
    command = [*shlex.split(args.prefix), path, *args.argv]
    sys.stdout.flush()
    try:
        os.execvp(command[0], command)
    except OSError as error:
        raise CommandError(f"cannot run '{command[0]}': {error.strerror}") from error
