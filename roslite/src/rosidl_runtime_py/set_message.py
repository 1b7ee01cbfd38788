"""Fills messages from dictionaries, as the command line has them."""

import array
from collections.abc import Mapping
from typing import Any

import numpy as np
from roslite.definitions import INTEGERS, Field, FieldType
from roslite.messages import message_class


def set_message_fields(msg: Any, values: Mapping[str, Any]) -> None:
    """Set fields of a message; values are converted to the types of the fields where that is possible.

    Raises:
        TypeError: the values are no dictionary.
        AttributeError: the message has no such field.
        ValueError: a value cannot be converted.
        AssertionError: a value is out of range.
    """
    if not isinstance(values, Mapping):
        raise TypeError(f"Value '{values}' is expected to be a dictionary but is a {type(values).__name__}")
    fields: dict[str, Field] = {field.name: field for field in msg._definition.fields}
    for name, value in values.items():
        if name not in fields:
            raise AttributeError(f"'{type(msg).__name__}' object has no attribute '{name}'")
        setattr(msg, name, _convert(fields[name].type, value))


def _convert(type_: FieldType, value: Any) -> Any:
    if type_.kind == "single":
        return _convert_one(type_.base, value)
    if isinstance(value, (array.array, np.ndarray, bytes)):
        return value
    if isinstance(value, str) or not hasattr(value, "__iter__"):
        raise ValueError(f"'{value}' is not a list")
    return [_convert_one(type_.base, item) for item in value]


def _convert_one(base: str, value: Any) -> Any:
    if base in INTEGERS or base == "char":
        return int(value)
    if base.startswith("float"):
        return float(value)
    if base == "bool":
        return bool(value)
    if base == "byte":
        return value if isinstance(value, bytes) else bytes([int(value)])
    if base == "string":
        return str(value)
    if isinstance(value, message_class(base)):
        return value
    message = message_class(base)()
    set_message_fields(message, value)
    return message
