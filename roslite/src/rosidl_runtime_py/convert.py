"""Messages as YAML, CSV and dictionaries."""

import array
from collections import OrderedDict
from typing import Any

import numpy as np
import yaml
from roslite.definitions import FieldType
from roslite.messages import Message, fields_of

DEFAULT_TRUNCATE_LENGTH = 128


def message_to_yaml(
    msg: Any,
    *,
    truncate_length: int | None = None,
    no_arr: bool = False,
    no_str: bool = False,
    flow_style: bool = False,
) -> str:
    """Return a message as YAML.

    Args:
        msg: the message.
        truncate_length: strings and sequences longer than this are cut off.
        no_arr: leave the contents of sequences out.
        no_str: leave the contents of strings out.
        flow_style: everything on one line.
    """
    text: str = yaml.dump(
        _plain(message_to_ordereddict(msg, truncate_length=truncate_length, no_arr=no_arr, no_str=no_str)),
        allow_unicode=True,
        sort_keys=False,
        width=2**31,
        default_flow_style=flow_style,
    )
    return text


def message_to_csv(msg: Any, *, truncate_length: int | None = None, no_arr: bool = False, no_str: bool = False) -> str:
    """Return the values of a message, separated by commas."""
    values = message_to_ordereddict(msg, truncate_length=truncate_length, no_arr=no_arr, no_str=no_str)
    return ",".join(_flat(values))


def message_to_ordereddict(
    msg: Any, *, truncate_length: int | None = None, no_arr: bool = False, no_str: bool = False
) -> "OrderedDict[str, Any]":
    """Return the fields of a message, nested messages as dictionaries too."""

    def convert(value: Any, type_: FieldType) -> Any:
        if isinstance(value, Message):
            return message_to_ordereddict(value, truncate_length=truncate_length, no_arr=no_arr, no_str=no_str)
        if isinstance(value, str):
            return f"<string length: <{len(value)}>>" if no_str else _cut(value, truncate_length)
        if isinstance(value, bytes):
            return value[0]
        if isinstance(value, (list, tuple, array.array, np.ndarray)):
            return _convert_several(value, type_)
        return value

    def _convert_several(values: Any, type_: FieldType) -> Any:
        if no_arr:
            return f"<{type_.kind} type: {_name(type_)}, length: {len(values)}>"
        shown = values if truncate_length is None else values[:truncate_length]
        plain = shown.tolist() if isinstance(shown, (array.array, np.ndarray)) else [convert(v, type_) for v in shown]
        return plain if len(shown) == len(values) else [*plain, "..."]

    return OrderedDict((field.name, convert(value, field.type)) for field, value in fields_of(msg))


def get_message_slot_types(msg: Any) -> "OrderedDict[str, str]":
    """Return the fields of a message, each with its type."""
    return OrderedDict(msg.get_fields_and_field_types())


def _name(type_: FieldType) -> str:
    return type_.base.replace("/msg/", "/")


def _cut(text: str, length: int | None) -> str:
    return text if length is None or len(text) <= length else f"{text[:length]}..."


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value


def _flat(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for item in value.values() for text in _flat(item)]
    if isinstance(value, list):
        return [text for item in value for text in _flat(item)]
    return [str(value)]
