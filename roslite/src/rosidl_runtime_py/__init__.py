"""Interfaces by name, and messages as text, as ROS 2's package of the same name has them."""

from .convert import (
    get_message_slot_types,
    message_to_csv,
    message_to_ordereddict,
    message_to_yaml,
)
from .get_interfaces import get_message_interfaces, get_service_interfaces
from .set_message import set_message_fields

__all__ = [
    "get_message_interfaces",
    "get_message_slot_types",
    "get_service_interfaces",
    "message_to_csv",
    "message_to_ordereddict",
    "message_to_yaml",
    "set_message_fields",
]
