"""Interface classes by type."""

import importlib
from typing import Any

from rosidl_parser.definition import NamespacedType


def import_message_from_namespaced_type(message_type: NamespacedType) -> Any:
    """Return the class of a message or service.

    Raises:
        ModuleNotFoundError: there is no such package.
        AttributeError: the package has no such interface.
        ValueError: the type has no namespace.
    """
    return getattr(importlib.import_module(".".join(message_type.namespaces)), message_type.name)
