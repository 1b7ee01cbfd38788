"""Interface classes by name."""

from typing import Any

from rosidl_parser.definition import NamespacedType

from .import_message import import_message_from_namespaced_type


def get_interface(identifier: str) -> Any:
    """Return the class of ``package/msg/Name`` or ``package/srv/Name``.

    Raises:
        ValueError: it is no name of an interface, here and below.
        ModuleNotFoundError: there is no such package, here and below.
        AttributeError: the package has no such interface, here and below.
    """
    return import_message_from_namespaced_type(get_namespaced_type(identifier))


def get_message(identifier: str) -> Any:
    """Return the class of ``package/msg/Name`` (or ``package/Name``)."""
    interface = import_message_from_namespaced_type(get_message_namespaced_type(identifier))
    if not is_message(interface):
        raise ValueError(f"Expected the full name of a message, got '{identifier}'")
    return interface


def get_service(identifier: str) -> Any:
    """Return the class of ``package/srv/Name`` (or ``package/Name``)."""
    interface = import_message_from_namespaced_type(get_service_namespaced_type(identifier))
    if not is_service(interface):
        raise ValueError(f"Expected the full name of a service, got '{identifier}'")
    return interface


def get_namespaced_type(identifier: str) -> NamespacedType:
    """Return the type that a full name stands for."""
    *namespaces, name = identifier.split("/")
    return NamespacedType(namespaces, name)


def get_message_namespaced_type(identifier: str) -> NamespacedType:
    """Return the type that the name of a message stands for; ``msg`` can be left out."""
    return _with_default(identifier, "msg")


def get_service_namespaced_type(identifier: str) -> NamespacedType:
    """Return the type that the name of a service stands for; ``srv`` can be left out."""
    return _with_default(identifier, "srv")


def is_message(interface: Any) -> bool:
    """Whether a class is a message."""
    return hasattr(interface, "SLOT_TYPES")


def is_service(interface: Any) -> bool:
    """Whether a class is a service."""
    return hasattr(interface, "Request") and hasattr(interface, "Response")


def _with_default(identifier: str, namespace: str) -> NamespacedType:
    type_ = get_namespaced_type(identifier)
    return NamespacedType([*type_.namespaces, namespace], type_.name) if len(type_.namespaces) == 1 else type_
