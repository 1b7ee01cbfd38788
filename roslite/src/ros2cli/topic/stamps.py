"""Times that `ros2 topic pub` fills in: headers that are `auto` and times that are `now`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rosidl_runtime_py.utilities import get_message

_HEADER, _TIME = "std_msgs/Header", "builtin_interfaces/Time"

Path = tuple[str | int, ...]
"""Names of fields, and places in sequences, from a message down to a field."""


def take_stamps(message_class: Any, values: dict[str, Any], path: Path = ()) -> Iterator[Path]:
    """Find the times that are to be filled in, and replace what stands for them by an empty dictionary."""
    fields: dict[str, str] = message_class.get_fields_and_field_types()
    for name, value in values.items():
        type_name, here = fields.get(name, ""), (*path, name)
        if type_name == _HEADER and value == "auto":
            values[name] = {}
            yield (*here, "stamp")
        elif type_name == _TIME and value == "now":
            values[name] = {}
            yield here
        elif isinstance(value, dict) and "/" in type_name:
            yield from take_stamps(get_message(type_name), value, here)
        elif isinstance(value, list) and "/" in type_name:
            element = type_name.removeprefix("sequence<").partition("[")[0].partition(",")[0].rstrip(">")
            for place, item in enumerate(value):
                if isinstance(item, dict):
                    yield from take_stamps(get_message(element), item, (*here, place))


def set_stamp(message: Any, path: Path, stamp: Any) -> None:
    """Set one of these times."""
    *parents, last = path
    for part in parents:
        message = message[part] if isinstance(part, int) else getattr(message, part)
    setattr(message, str(last), stamp)
