"""What messages consist of: definitions parsed from ``.msg`` and ``.srv`` text or taken from ``rosbags``.

A definition is looked for in the ament index first (``share/<pkg>/msg/*.msg``), then among those of ``rosbags`` for the
distribution that ``ROS_DISTRO`` names (``humble`` if unset).
"""

import ast
import os
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from roslite.prefixes import find_in_share, get_search_paths

DEFAULT_DISTRIBUTION = "humble"

INTEGERS = {f"{sign}int{bits}": bits for sign in ("", "u") for bits in (8, 16, 32, 64)}
"""Integer types and their width in bits."""

PRIMITIVES = frozenset({"bool", "byte", "char", "float32", "float64", "string", "wstring", *INTEGERS})

PLACEHOLDER = "structure_needs_at_least_one_member"
"""The one ``uint8`` that ROS 2 puts on the wire for a message without fields."""

FIELD_DEFAULTS: dict[str, dict[str, Any]] = {"geometry_msgs/msg/Quaternion": {"w": 1.0}}
"""Default values that ``rosbags`` leaves out of the definitions it carries."""

_CONSTANT = re.compile(r"(?P<type>[\w<>=]+)\s+(?P<name>[A-Z][A-Z0-9_]*)\s*=\s*(?P<value>.*)")
_FIELD = re.compile(r"(?P<type>[\w/<>=\[\]]+)\s+(?P<name>[a-z][a-z0-9_]*)(?:\s+(?P<default>.+))?")
_TYPE = re.compile(r"(?P<base>[\w/]+)(?:<=(?P<chars>\d+))?(?:\[(?P<upper><=)?(?P<size>\d*)\])?")


class InterfaceNotFoundError(LookupError):
    """No package found has an interface of this name."""


class InvalidInterfaceError(ValueError):
    """The text of a definition breaks the rules of ``.msg`` or ``.srv`` files."""


@dataclass(frozen=True)
class FieldType:
    """The type of a field: ``base`` alone, a fixed array of it, or a sequence.

    Attributes:
        base: a primitive such as ``float64``, or a full name such as ``std_msgs/msg/Header``.
        kind: how many of them.
        size: length of an array; bound of a sequence, 0 for none.
        string_bound: longest string allowed, 0 for no bound.
    """

    base: str
    kind: Literal["single", "array", "sequence"] = "single"
    size: int = 0
    string_bound: int = 0

    @property
    def is_message(self) -> bool:
        """Whether ``base`` is another message."""
        return self.base not in PRIMITIVES


@dataclass(frozen=True)
class Field:
    """A field of a message; ``default`` is None where the type's own default holds."""

    name: str
    type: FieldType
    default: Any = None


@dataclass(frozen=True)
class Definition:
    """A message, or one half of a service.

    Attributes:
        name: full name, ``package/msg/Name``; ``package/srv/Name_Request`` for half a service.
        fields: in the order of the wire.
        constants: name and value.
    """

    name: str
    fields: tuple[Field, ...]
    constants: tuple[tuple[str, Any], ...] = ()


def find_message(name: str) -> Definition:
    """Return the definition of ``package/msg/Name``.

    Raises:
        InterfaceNotFoundError: nobody has it.
        InvalidInterfaceError: its text is malformed.
    """
    package, _, short = name.split("/")
    path = find_in_share(package, os.path.join("msg", f"{short}.msg"))
    if path is not None:
        return parse_message(name, Path(path).read_text(encoding="utf-8"))
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
    request, separator, response = ("\n" + Path(path).read_text(encoding="utf-8")).partition("\n---")
    if not separator:
        raise InvalidInterfaceError(f"{path}: a service needs a line '---' between request and response")
    return parse_message(f"{name}_Request", request), parse_message(f"{name}_Response", response)


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


def parse_message(name: str, text: str) -> Definition:
    """Parse the text of a ``.msg`` file, or of one half of a ``.srv`` file.

    Raises:
        InvalidInterfaceError: a line is neither a field nor a constant.
    """
    package = name.split("/", 1)[0]
    fields: list[Field] = []
    constants: list[tuple[str, Any]] = []
    for line in text.splitlines():
        line = _without_comment(line).strip()
        if not line:
            continue
        if match := _CONSTANT.fullmatch(line):
            constants.append((match["name"], _parse_value(parse_type(match["type"], package), match["value"].strip())))
        elif match := _FIELD.fullmatch(line):
            type_ = parse_type(match["type"], package)
            default = None if match["default"] is None else _parse_value(type_, match["default"].strip())
            fields.append(Field(match["name"], type_, default))
        else:
            raise InvalidInterfaceError(f"{name}: '{line}' is neither a field nor a constant")
    return Definition(name, tuple(fields), tuple(constants))


def parse_type(text: str, package: str) -> FieldType:
    """Parse a type such as ``float64[9]``, ``string<=10[<=3]`` or ``std_msgs/Header``, as seen from ``package``."""
    match = _TYPE.fullmatch(text)
    if match is None:
        raise InvalidInterfaceError(f"'{text}' is not a type")
    base = match["base"]
    if base not in PRIMITIVES:
        *owner, short = base.split("/")
        base = f"{owner[0] if owner else package}/msg/{short}"
        if text.startswith("Header"):
            base = "std_msgs/msg/Header"
    chars = int(match["chars"] or 0)
    if match["size"] is None:
        return FieldType(base, string_bound=chars)
    if match["size"] and not match["upper"]:
        return FieldType(base, "array", int(match["size"]), chars)
    return FieldType(base, "sequence", int(match["size"] or 0), chars)


def _without_comment(line: str) -> str:
    quote = ""
    for index, char in enumerate(line):
        if quote:
            quote = "" if char == quote and line[index - 1] != "\\" else quote
        elif char in "\"'":
            quote = char
        elif char == "#":
            return line[:index]
    return line


def _parse_value(type_: FieldType, text: str) -> Any:
    if type_.kind != "single":
        items = ast.literal_eval(re.sub(r"\b(true|false)\b", lambda match: match[0].capitalize(), text))
        return [_convert(type_.base, item) for item in items]
    if type_.base in ("string", "wstring"):
        return ast.literal_eval(text) if text[:1] in ("'", '"') else text
    return _convert(type_.base, text)


def _convert(base: str, value: Any) -> Any:
    if base in ("string", "wstring"):
        return str(value)
    if base == "bool":
        return str(value).lower() in ("true", "1")
    if base.startswith("float"):
        return float(value)
    number = int(value, 0) if isinstance(value, str) else int(value)
    return bytes([number]) if base == "byte" else number


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
        tuple((constant, _convert(base, value)) for constant, base, value in constants),
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
