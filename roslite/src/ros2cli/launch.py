"""`ros2 launch`."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import launch as ros_launch
from ament_index_python.packages import PackageNotFoundError, get_package_share_directory
from launch.invalid_launch_file_error import InvalidLaunchFileError
from launch.launch_description_sources import (
    AnyLaunchDescriptionSource,
    get_launch_description_from_any_launch_file,
)

from .command import CommandError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "-n",
        "--noninteractive",
        action="store_true",
        default=sys.stdin is None or not sys.stdin.isatty(),
        help="Run the launch system non-interactively, with no terminal associated",
    )
    parser.add_argument(
        "-d", "--debug", action="store_true", help="Put the launch system in debug mode, with more verbose output."
    )
    instead = parser.add_mutually_exclusive_group()
    instead.add_argument(
        "-p",
        "--print",
        "--print-description",
        action="store_true",
        help="Print the launch description instead of launching it.",
    )
    instead.add_argument(
        "-s",
        "--show-args",
        "--show-arguments",
        action="store_true",
        help="Show arguments that may be given to the launch file.",
    )
    parser.add_argument(
        "-a",
        "--show-all-subprocesses-output",
        action="store_true",
        help="Show all launched subprocesses' output, whatever their output configuration.",
    )
    parser.add_argument("--launch-prefix", help="Command that goes before the executables.")
    parser.add_argument(
        "--launch-prefix-filter", help="Regular expression for the names of executables that the prefix is for."
    )
    parser.add_argument(
        "package_name", help="Name of the ROS package which contains the launch file, or path of a launch file"
    )
    parser.add_argument("launch_file_name", nargs="?", help="Name of the launch file")
    parser.add_argument(
        "launch_arguments",
        nargs="*",
        help="Arguments to the launch file; '<name>:=<value>' (for duplicates, last one wins)",
    )


def main(args: argparse.Namespace) -> int:
    """Run the launch file, or show its arguments."""
    path, given = _launch_file_and_arguments(args)
    if args.show_args or args.print:
        description = _load(path)
        if args.print:
            print(ros_launch.LaunchIntrospector().format_launch_description(description))
        else:
            _show_arguments(description)
        return 0
    arguments = _parse_arguments(given)
    if args.launch_prefix is not None:
        arguments["launch-prefix"] = args.launch_prefix
    elif args.launch_prefix_filter is not None:
        raise CommandError("--launch-prefix must be specified if --launch-prefix-filter is provided")
    if args.launch_prefix_filter is not None:
        arguments["launch-prefix-filter"] = args.launch_prefix_filter
    if args.show_all_subprocesses_output:
        os.environ["OVERRIDE_LAUNCH_PROCESS_OUTPUT"] = "both"
    service = ros_launch.LaunchService(argv=given, noninteractive=args.noninteractive, debug=args.debug)
    include = ros_launch.actions.IncludeLaunchDescription(
        AnyLaunchDescriptionSource(path), launch_arguments=arguments.items()
    )
    service.include_launch_description(ros_launch.LaunchDescription([include]))
    return service.run()


def _launch_file_and_arguments(args: argparse.Namespace) -> tuple[str, list[str]]:
    if os.path.isfile(args.package_name):
        first = [] if args.launch_file_name is None else [args.launch_file_name]
        return args.package_name, [*first, *args.launch_arguments]
    if os.sep in args.package_name or args.package_name.endswith(".py"):
        raise CommandError(f"launch file '{args.package_name}' does not exist")
    if args.launch_file_name is None:
        raise CommandError(f"which launch file of package '{args.package_name}'? Give its name behind the package's")
    return _find_launch_file(args.package_name, args.launch_file_name), args.launch_arguments


def _find_launch_file(package: str, name: str) -> str:
    try:
        share = get_package_share_directory(package)
    except PackageNotFoundError as error:
        raise CommandError(f"Package '{package}' not found: {error}") from error
    found = sorted(str(path) for path in Path(share).rglob(name) if path.is_file())
    if not found:
        there = sorted({path.name for path in Path(share).rglob("*.launch.py")})
        raise CommandError(
            f"file '{name}' was not found in the share directory of package '{package}' which is at '{share}'; "
            f"launch files there: {', '.join(there) or 'none'}"
        )
    if len(found) > 1:
        raise CommandError(
            f"file '{name}' was found more than once in the share directory of package '{package}': {found}"
        )
    return found[0]


def _parse_arguments(given: list[str]) -> dict[str, str]:
    arguments = {}
    for argument in given:
        name, separator, value = argument.partition(":=")
        if not (name and separator and value):
            raise CommandError(f"malformed launch argument '{argument}', expected format '<name>:=<value>'")
        arguments[name] = value
    return arguments


def _load(path: str) -> ros_launch.LaunchDescription:
    try:
        return get_launch_description_from_any_launch_file(path)
    except InvalidLaunchFileError as error:
        raise CommandError(str(error)) from error


def _show_arguments(description: ros_launch.LaunchDescription) -> None:
    arguments = description.get_launch_arguments()
    print("Arguments (pass arguments as '<name>:=<value>'):")
    for argument in arguments:
        print(f"\n    '{argument.name}':{'*' if argument._conditionally_included else ''}")
        print(f"        {argument.description}")
        if argument.default_value is not None:
            print(f"        (default: {' + '.join(sub.describe() for sub in argument.default_value)})")
    if not arguments:
        print("\n  No arguments.")
    elif any(argument._conditionally_included for argument in arguments):
        print("\n* argument(s) which are only used if specific conditions occur")
