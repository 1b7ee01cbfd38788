"""Definitions of messages and services, by name.

A definition is looked for in the ament index first (``share/<pkg>/msg/*.msg``), then among those of ``rosbags`` for the
distribution that ``ROS_DISTRO`` names (``humble`` if unset).
"""

import os
from functools import cache
from pathlib import Path
from typing import Any

from roslite.interface_text import parse_message, parse_service, parse_type
from roslite.interface_types import (
    INTEGERS,
    PLACEHOLDER,
    PRIMITIVES,
    Definition,
    Field,
    FieldType,
    InterfaceNotFoundError,
    InvalidInterfaceError,
)
from roslite.prefixes import find_in_share, get_search_paths

__all__ = [
    "INTEGERS",
    "PLACEHOLDER",
    "PRIMITIVES",
    "Definition",
    "Field",
    "FieldType",
    "InterfaceNotFoundError",
    "InvalidInterfaceError",
    "distribution",
    "find_message",
    "find_service",
    "interface_names",
    "interface_packages",
    "parse_message",
    "parse_type",
]

DEFAULT_DISTRIBUTION = "humble"

FIELD_DEFAULTS: dict[str, dict[str, Any]] = {
    "geometry_msgs/msg/Quaternion": {"x": 0.0, "y": 0.0, "z": 0.0, "w": 1.0},
    "rcl_interfaces/msg/ParameterDescriptor": {"read_only": False, "dynamic_typing": False},
}
"""Default values that ``rosbags`` leaves out of the definitions it carries."""


def find_message(name: str) -> Definition:
    """Return the definition of ``package/msg/Name``.

    Raises:
        InterfaceNotFoundError: nobody has it.
        InvalidInterfaceError: its text is malformed.
    """
    package, _, short = name.split("/")
    path = find_in_share(package, os.path.join("msg", f"{short}.msg"))
    if path is not None:
        return parse_message(name, Path(path).read_text(encoding="utf-8"), str(path))
    try:
        constants, fields = _rosbags_definitions()[name]
    except KeyError:
        raise InterfaceNotFoundError(f"Message '{name}' not found for ROS distribution '{distribution()}'") from None
    return _from_rosbags(name, constants, fields)


def find_service(name: str) -> tuple[Definition, Definition]:
    """Return request and response of ``package/srv/Name``.

    Raises:
        InterfaceNotFoundError: nobody has it.
        InvalidInterfaceError: its text is malformed.
    """
    package, _, short = name.split("/")
    path = find_in_share(package, os.path.join("srv", f"{short}.srv"))
    if path is None:
        raise InterfaceNotFoundError(f"Service '{name}' not found, searching: {get_search_paths()}")
    return parse_service(name, Path(path).read_text(encoding="utf-8"), str(path))


def interface_names(package: str, kind: str) -> list[str]:
    """Return the short names of all messages (``msg``) or services (``srv``) of a package, sorted."""
    folder = find_in_share(package, kind)
    names = {path.stem for path in Path(folder).glob(f"*.{kind}")} if folder else set()
    if kind == "msg":
        prefix = f"{package}/msg/"
        names |= {name.removeprefix(prefix) for name in _rosbags_definitions() if name.startswith(prefix)}
    return sorted(names)


def interface_packages(kind: str) -> list[str]:
    """Return the names of all packages that have messages (``msg``) or services (``srv``), sorted."""
    shares = (Path(prefix, "share") for prefix in get_search_paths())
    names = {path.parent.name for share in shares for path in share.glob(f"*/{kind}") if any(path.glob(f"*.{kind}"))}
    if kind == "msg":
        names |= {name.split("/", 1)[0] for name in _rosbags_definitions()}
    return sorted(names)


def distribution() -> str:
    """Return the name of the ROS 2 distribution whose messages are spoken."""
    return os.environ.get("ROS_DISTRO") or DEFAULT_DISTRIBUTION


@cache
def _rosbags_definitions() -> dict[str, Any]:
    from rosbags.typesys import Stores, get_typestore

    choices = {store.value.removeprefix("ros2_"): store for store in Stores if store.value.startswith("ros2_")}
    try:
        store = choices[distribution()]
    except KeyError:
        raise InterfaceNotFoundError(
            f"ROS_DISTRO is '{distribution()}', but messages are known for: {', '.join(sorted(choices))}"
        ) from None
    return dict(get_typestore(store).fielddefs)


def _from_rosbags(name: str, constants: Any, fields: Any) -> Definition:
    defaults = FIELD_DEFAULTS.get(name, {})
    return Definition(
        name,
        tuple(
            Field(field, _type_from_rosbags(node), defaults.get(field))
            for field, node in fields
            if field != PLACEHOLDER
        ),
        tuple((constant, bytes([value]) if base == "byte" else value) for constant, base, value in constants),
    )


def _type_from_rosbags(node: Any) -> FieldType:
    kind, content = node
    if kind.name == "NAME":
        return FieldType(content)
    if kind.name == "BASE":
        base, bound = content
        return FieldType(base, string_bound=bound)
    element, size = content
    item = _type_from_rosbags(element)
    return FieldType(item.base, "array" if kind.name == "ARRAY" else "sequence", size, item.string_bound)
