"""Interface classes by name."""

from typing import Any

from roslite.messages import interface_name, message_class, service_class


def get_message(identifier: str) -> Any:
    """Return the class of ``package/msg/Name`` (or ``package/Name``).

    Raises:
        ValueError: it is not the name of a message.
        ModuleNotFoundError: there is no such package.
        AttributeError: the package has no such message.
    """
    return _load(identifier, "msg", message_class)


def get_service(identifier: str) -> Any:
    """Return the class of ``package/srv/Name`` (or ``package/Name``).

    Raises:
        ValueError: it is not the name of a service.
        ModuleNotFoundError: there is no such package.
        AttributeError: the package has no such service.
    """
    return _load(identifier, "srv", service_class)


def get_interface(identifier: str) -> Any:
    """Return the class of ``package/msg/Name`` or ``package/srv/Name``."""
    return get_service(identifier) if "/srv/" in identifier else get_message(identifier)


def is_message(interface: Any) -> bool:
    """Whether a class is a message."""
    return _kind(interface) == "msg"


def is_service(interface: Any) -> bool:
    """Whether a class is a service."""
    return _kind(interface) == "srv"


def _kind(interface: Any) -> str | None:
    try:
        return interface_name(interface).split("/")[1]
    except AttributeError:
        return None


def _load(identifier: str, kind: str, build: Any) -> Any:
    from roslite.definitions import interface_names
    from roslite.importer import has_interfaces

    parts = identifier.split("/")
    if len(parts) == 2:
        parts.insert(1, kind)
    if len(parts) != 3 or parts[1] != kind or not all(parts):
        what = "message" if kind == "msg" else "service"
        raise ValueError(f"Expected the full name of a {what}, got '{identifier}'")
    package, _, name = parts
    if not has_interfaces(package, kind):
        raise ModuleNotFoundError(f"No module named '{package}'")
    if name not in interface_names(package, kind):
        raise AttributeError(f"module '{package}.{kind}' has no attribute '{name}'")
    return build("/".join(parts))
