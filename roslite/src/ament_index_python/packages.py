"""Where packages are installed."""

import os
import re
from pathlib import Path

from .resources import get_resources, has_resource

_PACKAGE_NAME = re.compile(r"[a-zA-Z0-9_-]+")


class PackageNotFoundError(KeyError):
    """No prefix has a package of this name."""


def get_packages_with_prefixes() -> dict[str, str]:
    """Return the names of all packages, each with its prefix."""
    return get_resources("packages")


def get_package_prefix(package_name: str) -> str:
    """Return the prefix that a package is installed in.

    Raises:
        PackageNotFoundError: the index has no such package.
        ValueError: the name is not a package name.
    """
    if _PACKAGE_NAME.fullmatch(package_name) is None:
        raise ValueError(
            f"'{package_name}' is not a valid package name: it may hold letters, digits, underscores and dashes"
        )
    prefix = has_resource("packages", package_name)
    if not isinstance(prefix, str):
        raise PackageNotFoundError(f"package '{package_name}' not found, searching: {_searched()}")
    return prefix


def get_package_share_directory(package_name: str, print_warning: bool = True) -> str:
    """Return ``<prefix>/share/<package>``.

    Raises:
        PackageNotFoundError: the index has no such package.
        ValueError: the name is not a package name.
    """
    path = os.path.join(get_package_prefix(package_name), "share", package_name)
    if print_warning and not os.path.exists(path):
        import warnings

        warnings.warn(f"Share directory for {package_name} ({path}) does not exist.", stacklevel=2)
    return path


def get_package_share_path(package_name: str, print_warning: bool = True) -> Path:
    """Return :func:`get_package_share_directory` as a path."""
    return Path(get_package_share_directory(package_name, print_warning))


def _searched() -> list[str]:
    from .search import get_search_paths

    return get_search_paths()
