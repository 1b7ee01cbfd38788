"""Which interfaces there are."""

import os
from collections.abc import Iterable

from ament_index_python import has_resource
from roslite.definitions import interface_names, interface_packages
from roslite.prefixes import find_in_share

KINDS = ("msg", "srv")


def get_interface_packages() -> list[str]:
    """Return the names of all packages that have interfaces."""
    return sorted({package for kind in KINDS for package in interface_packages(kind)})


def get_interfaces(package_names: Iterable[str] = ()) -> dict[str, list[str]]:
    """Return ``msg/Name`` and ``srv/Name`` of all interfaces, by package.

    Args:
        package_names: the packages to look at; all if none is named. Those without interfaces are left out.

    Raises:
        LookupError: there is no package of such a name.
    """
    return _interfaces(KINDS, list(package_names))


def get_message_interfaces(package_names: Iterable[str] = ()) -> dict[str, list[str]]:
    """Return ``msg/Name`` of all messages, by package; see :func:`get_interfaces`."""
    return _interfaces(("msg",), list(package_names))


def get_service_interfaces(package_names: Iterable[str] = ()) -> dict[str, list[str]]:
    """Return ``srv/Name`` of all services, by package; see :func:`get_interfaces`."""
    return _interfaces(("srv",), list(package_names))


def get_interface_path(interface_name: str) -> str:
    """Return the file that defines ``package/msg/Name``, with or without an extension.

    Raises:
        ValueError: the name has fewer than two parts, or an empty one.
        LookupError: there is no such file; what comes with ``rosbags`` has none.
    """
    parts = interface_name.split("/")
    if len(parts) < 2:
        raise ValueError(f"Invalid name '{interface_name}'. Expected at least two parts separated by '/'")
    if not all(parts) or ".." in parts:
        raise ValueError(f"Invalid name '{interface_name}'. Must not contain empty parts or '..'")
    package, *folders, name = parts
    extensions = ("",) if "." in name else (f".{parts[-2]}", ".idl")
    for extension in extensions:
        path = find_in_share(package, os.path.join(*folders, name + extension))
        if path is not None:
            return str(path)
    raise LookupError(f"Could not find the interface '{interface_name}'")


def _interfaces(kinds: Iterable[str], chosen: list[str]) -> dict[str, list[str]]:
    known = get_interface_packages()
    for package in chosen:
        if package not in known and not has_resource("packages", package):
            raise LookupError(f"Unknown package '{package}'")
    packages = chosen or known
    names = {
        package: [f"{kind}/{name}" for kind in kinds for name in interface_names(package, kind)] for package in packages
    }
    return {package: found for package, found in names.items() if found}
