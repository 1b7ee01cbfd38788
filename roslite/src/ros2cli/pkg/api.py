"""Packages and what they hold."""

from __future__ import annotations

import os

from ament_index_python.packages import PackageNotFoundError, get_package_prefix

from ros2cli.command import CommandError


def prefix_of(package: str) -> str:
    """Return the prefix of a package.

    Raises:
        CommandError: there is no such package.
    """
    try:
        return get_package_prefix(package)
    except PackageNotFoundError as error:
        raise CommandError(f"Package '{package}' not found") from error


def executables(package: str) -> list[str]:
    """Return the paths of a package's executables.

    Raises:
        CommandError: there is no such package.
    """
    folder = os.path.join(prefix_of(package), "lib", package)
    paths = (os.path.join(root, name) for root, _, names in os.walk(folder) for name in names)
    return sorted(path for path in paths if os.access(path, os.X_OK))
