"""Definitions of messages as text, for whoever reads a bag without knowing its types (MCAP's ``ros2msg``)."""

from __future__ import annotations

import os
import re
from pathlib import Path

from rosbags.typesys import Stores, get_typestore
from rosidl_runtime_py import get_interface_path

_RULE = "=" * 80
# Type and field of a line; constants have a "=" after the name and never a nested type.
_FIELD = re.compile(r"^\s*([A-Za-z][\w/]*)(?:<=\d+)?(?:\[[^\]]*\])?\s+[a-z]\w*", re.MULTILINE)
_PRIMITIVES = re.compile(r"(bool|byte|char|w?string|float(32|64)|u?int(8|16|32|64))$")


def full_definition(type_name: str) -> str:
    """Return the definition of ``package/msg/Name``, and behind it those of all messages within.

    Raises:
        LookupError: the message, or one within it, is not installed.
    """
    texts: dict[str, str] = {}
    _collect(type_name, texts)
    first, *others = texts
    parts = [texts[first]]
    for name in others:
        package, _, short = name.split("/")
        parts.append(f"{_RULE}\nMSG: {package}/{short}\n{texts[name]}")
    return "".join(part if part.endswith("\n") else f"{part}\n" for part in parts)


def _collect(type_name: str, texts: dict[str, str]) -> None:
    if type_name in texts:
        return
    texts[type_name] = _text(type_name)
    package = type_name.split("/")[0]
    code = re.sub(r"#.*", "", texts[type_name])
    for field in _FIELD.findall(code):
        if not _PRIMITIVES.match(field):
            _collect(_full_name(field, package), texts)


def _text(type_name: str) -> str:
    """Return the definition that is installed; where standard messages come without files, that of the distribution."""
    try:
        return Path(get_interface_path(type_name)).read_text(encoding="utf-8")
    except LookupError:
        store = get_typestore(Stores(f"ros2_{os.environ.get('ROS_DISTRO', 'humble')}"))
        if type_name not in store.fielddefs:
            raise
        return store.generate_msgdef(type_name, ros_version=2)[0].partition(_RULE)[0]


def _full_name(field: str, package: str) -> str:
    if field == "Header":
        return "std_msgs/msg/Header"
    *packages, name = field.split("/")
    return f"{packages[0] if packages else package}/msg/{name}"
