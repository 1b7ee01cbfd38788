"""Which interfaces there are."""

from collections.abc import Iterable

from roslite.definitions import interface_names, interface_packages


def get_message_interfaces(package_names: Iterable[str] | None = None) -> dict[str, list[str]]:
    """Return ``msg/Name`` of all messages, by package."""
    return _interfaces("msg", package_names)


def get_service_interfaces(package_names: Iterable[str] | None = None) -> dict[str, list[str]]:
    """Return ``srv/Name`` of all services, by package."""
    return _interfaces("srv", package_names)


def _interfaces(kind: str, packages: Iterable[str] | None) -> dict[str, list[str]]:
    chosen = interface_packages(kind) if packages is None else packages
    names = {package: [f"{kind}/{name}" for name in interface_names(package, kind)] for package in chosen}
    return {package: found for package, found in names.items() if found}
