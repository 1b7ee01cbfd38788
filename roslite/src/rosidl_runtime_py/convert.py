"""Messages as YAML, CSV and dictionaries."""

import array
from collections import OrderedDict, UserList
from collections.abc import Set
from typing import Any

import numpy as np
import yaml
from rosidl_parser import definition

_SEVERAL = (list, tuple, array.array, np.ndarray, Set, UserList)


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
        no_arr: tell type and length of sequences in place of their contents.
        no_str: tell the length of strings in place of their contents.
        flow_style: sequences on one line.
    """
    text: str = yaml.dump(
        message_to_ordereddict(msg, truncate_length=truncate_length, no_arr=no_arr, no_str=no_str),
        Dumper=_Dumper,
        allow_unicode=True,
        width=2**31,
        default_flow_style=flow_style,
    )
    return text


class _Dumper(yaml.SafeDumper):
    """Writes messages over several lines, whatever is asked for sequences."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _represent(dumper: _Dumper, message: "OrderedDict[str, Any]") -> yaml.MappingNode:
    pairs = [(dumper.represent_data(key), dumper.represent_data(value)) for key, value in message.items()]
    return yaml.MappingNode("tag:yaml.org,2002:map", pairs, flow_style=False)


_Dumper.add_representer(OrderedDict, _represent)
_Dumper.add_representer(tuple, yaml.SafeDumper.represent_list)


def message_to_csv(msg: Any, *, truncate_length: int | None = None, no_arr: bool = False, no_str: bool = False) -> str:
    """Return the values of a message, separated by commas; arguments as of :func:`message_to_yaml`."""

    def text(value: Any, type_: definition.AbstractType | None = None) -> str:
        if isinstance(value, _SEVERAL):
            if no_arr and isinstance(type_, definition.AbstractNestedType):
                return _abbreviate(value, type_)
            shown = list(value)[:truncate_length]
            return ",".join([*map(text, shown), *([] if len(shown) == len(value) else ["..."])])
        if isinstance(value, str) and no_str:
            return f"<string length: <{len(value)}>>"
        if isinstance(value, (str, bytes)) and truncate_length is not None and len(value) > truncate_length:
            return str(value[:truncate_length] + (b"..." if isinstance(value, bytes) else "..."))  # type: ignore[operator]
        if hasattr(value, "SLOT_TYPES"):
            return message_to_csv(value, truncate_length=truncate_length, no_arr=no_arr, no_str=no_str)
        return str(value)

    return ",".join(text(getattr(msg, slot), type_) for slot, type_ in zip(msg.__slots__, msg.SLOT_TYPES, strict=True))


def message_to_ordereddict(
    msg: Any, *, truncate_length: int | None = None, no_arr: bool = False, no_str: bool = False
) -> "OrderedDict[str, Any]":
    """Return the fields of a message, nested messages as dictionaries too; arguments as of :func:`message_to_yaml`."""

    def convert(value: Any, type_: definition.AbstractType | None = None) -> Any:
        if isinstance(value, bytes):
            value = value.decode("latin-1")
        elif isinstance(value, str) and no_str:
            return f"<string length: <{len(value)}>>"
        if isinstance(value, str):
            return _cut(value, truncate_length)
        if isinstance(value, _SEVERAL):
            if no_arr and isinstance(type_, definition.AbstractNestedType):
                return _abbreviate(value, type_)
            return _several(value)
        if hasattr(value, "SLOT_TYPES"):
            return message_to_ordereddict(value, truncate_length=truncate_length, no_arr=no_arr, no_str=no_str)
        return value.item() if isinstance(value, np.number) else value

    def _several(values: Any) -> Any:
        if isinstance(values, (array.array, np.ndarray)):
            shown = values[:truncate_length].tolist()
        else:
            shown = [convert(value) for value in list(values)[:truncate_length]]
        if len(shown) < len(values):
            shown.append("...")
        return tuple(shown) if isinstance(values, tuple) else shown

    fields = zip(msg.__slots__, msg.SLOT_TYPES, strict=True)
    return OrderedDict((slot[1:], convert(getattr(msg, slot), type_)) for slot, type_ in fields)


def get_message_slot_types(msg: Any) -> "OrderedDict[str, definition.AbstractType]":
    """Return the fields of a message, each with its type."""
    return OrderedDict(zip((slot[1:] for slot in msg.__slots__), msg.SLOT_TYPES, strict=True))


def _abbreviate(values: Any, type_: definition.AbstractNestedType) -> str:
    name = _type_name(type_.value_type)
    if isinstance(type_, definition.Array):
        return f"<array type: {name}[{type_.size}]>"
    bound = f"[{type_.maximum_size}]" if isinstance(type_, definition.BoundedSequence) else ""
    return f"<sequence type: {name}{bound}, length: {len(values)}>"


def _type_name(type_: definition.AbstractNestableType) -> str:
    if isinstance(type_, definition.BasicType):
        return type_.typename
    if isinstance(type_, definition.NamespacedType):
        return "/".join(type_.namespaced_name())
    return "wstring" if isinstance(type_, definition.AbstractWString) else "string"


def _cut(text: str, length: int | None) -> str:
    return text if length is None or len(text) <= length else f"{text[:length]}..."
