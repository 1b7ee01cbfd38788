"""Fills messages from dictionaries, as the command line has them."""

import array
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
from rosidl_parser.definition import OCTET_TYPE, AbstractNestedType, BasicType, NamespacedType

from .convert import get_message_slot_types
from .import_message import import_message_from_namespaced_type

StampSetter = Callable[[Any], None]

_HEADER = NamespacedType(["std_msgs", "msg"], "Header")
_TIME = NamespacedType(["builtin_interfaces", "msg"], "Time")


def set_message_fields(
    msg: Any, values: Mapping[str, Any], expand_header_auto: bool = False, expand_time_now: bool = False
) -> list[StampSetter]:
    """Set fields of a message; single values are converted to the types of the fields where that is possible.

    Args:
        msg: the message.
        values: by the names of the fields; nested messages as dictionaries.
        expand_header_auto: whether ``auto`` for a ``std_msgs/Header`` means that its stamp is set later.
        expand_time_now: whether ``now`` for a ``builtin_interfaces/Time`` means that it is set later.

    Returns:
        Functions that take a ``Time`` message and set it, one for each ``auto`` and ``now``.

    Raises:
        TypeError: the values are no dictionary, or one is of a type that does not fit at all.
        AttributeError: the message has no such field.
        ValueError: a value cannot be converted.
        AssertionError: a value is refused by the field.
    """
    if not isinstance(values, Mapping):
        raise TypeError(f"Value '{values}' is expected to be a dictionary but is a {type(values).__name__}")
    types = get_message_slot_types(msg)
    later: list[StampSetter] = []

    def fill(message: Any, given: Any) -> Any:
        if not isinstance(given, type(message)):
            later.extend(set_message_fields(message, given, expand_header_auto, expand_time_now))
            return message
        return given

    for name, value in values.items():
        present = getattr(msg, name)
        type_ = types[name]
        if expand_header_auto and type_ == _HEADER and value == "auto":
            later.append(partial(setattr, present, "stamp"))
        elif expand_time_now and type_ == _TIME and value == "now":
            later.append(partial(setattr, msg, name))
        elif isinstance(type_, NamespacedType):
            setattr(msg, name, fill(present, value))
        elif isinstance(type_, AbstractNestedType):
            setattr(msg, name, _several(type_, present, value, fill))
        elif type_ == BasicType(OCTET_TYPE):
            setattr(msg, name, _octet(value))
        else:
            setattr(msg, name, type(present)(value))
    return later


def _several(type_: AbstractNestedType, present: Any, values: Any, fill: Callable[[Any, Any], Any]) -> Any:
    if isinstance(values, (str, Mapping)) or not hasattr(values, "__iter__"):
        raise TypeError(f"Value '{values}' is expected to be a list but is a {type(values).__name__}")
    if isinstance(present, array.array):
        return array.array(present.typecode, values)
    if isinstance(present, np.ndarray):
        return np.array(values, dtype=present.dtype)
    if isinstance(type_.value_type, NamespacedType):
        class_ = import_message_from_namespaced_type(type_.value_type)
        return [fill(class_(), value) for value in values]
    if type_.value_type == BasicType(OCTET_TYPE):
        return [_octet(value) for value in values]
    return list(values)


def _octet(value: Any) -> bytes:
    """Return a byte for itself, for a number, or for the character that it is in YAML."""
    if isinstance(value, str):
        return value.encode("latin-1")
    return value if isinstance(value, bytes) else bytes([int(value)])
