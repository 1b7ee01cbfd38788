"""The text of ``.msg`` and ``.srv`` files."""

import re
from collections.abc import Iterator
from typing import Any

from roslite.interface_types import (
    FLOATS,
    PRIMITIVES,
    STRINGS,
    Definition,
    Field,
    FieldType,
    InvalidInterfaceError,
    integer_range,
)

_FIELD_NAME = re.compile(r"[a-z](?:_?[a-z0-9])*")
_CONSTANT_NAME = re.compile(r"[A-Z](?:_?[A-Z0-9])*")
_TYPE = re.compile(
    r"(?:(?P<text>w?string)<=(?P<chars>[1-9]\d*)"
    r"|(?:(?P<package>[a-z](?:_?[a-z0-9])*)/)?(?P<message>[A-Z][A-Za-z0-9]*)"
    r"|(?P<primitive>\w+))"
    r"(?P<several>\[(?:(?P<upper><=)?(?P<size>[1-9]\d*))?\])?"
)
_STRING = re.compile(r"""\s*("(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|[^,"'\s][^,]*?)\s*(?:,|$)""")
_ESCAPE = re.compile(r"""\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|[0-7]{1,3}|[abfnrtv\\'"])""")
_TRUTH = {"true": True, "1": True, "false": False, "0": False}


def parse_message(name: str, text: str, source: str | None = None, first_line: int = 1) -> Definition:
    """Parse the text of a ``.msg`` file, or of one half of a ``.srv`` file.

    Args:
        name: full name of the message.
        text: its definition.
        source: the file, for errors.
        first_line: where in the file the text begins.

    Raises:
        InvalidInterfaceError: a line is neither a field nor a constant, or two have one name.
    """
    package = name.split("/", 1)[0]
    fields: list[Field] = []
    constants: list[tuple[str, Any]] = []
    for number, whole_line in enumerate(text.splitlines(), first_line):
        line = whole_line.partition("#")[0].strip()
        if not line:
            continue
        try:
            element = _parse_line(line, package)
            if element.name in {*(field.name for field in fields), *dict(constants)}:
                raise InvalidInterfaceError(f"there is a '{element.name}' already")
        except InvalidInterfaceError as error:
            raise InvalidInterfaceError(f"{source or name}, line {number}: '{line}': {error}") from error
        if element.name[0].isupper():
            constants.append((element.name, element.default))
        else:
            fields.append(element)
    return Definition(name, tuple(fields), tuple(constants))


def parse_service(name: str, text: str, source: str | None = None) -> tuple[Definition, Definition]:
    """Parse the text of a ``.srv`` file; return request and response.

    Raises:
        InvalidInterfaceError: it is malformed.
    """
    lines = text.splitlines()
    if lines.count("---") != 1:
        raise InvalidInterfaceError(f"{source or name}: a service needs one line '---' between request and response")
    middle = lines.index("---")
    request, response = "\n".join(lines[:middle]), "\n".join(lines[middle + 1 :])
    return (
        parse_message(f"{name}_Request", request, source),
        parse_message(f"{name}_Response", response, source, middle + 2),
    )


def parse_type(text: str, package: str) -> FieldType:
    """Parse a type such as ``float64[9]``, ``string<=10[<=3]`` or ``std_msgs/Header``, as seen from ``package``.

    Raises:
        InvalidInterfaceError: it is none.
    """
    match = _TYPE.fullmatch(text)
    if match is None or (match["primitive"] and match["primitive"] not in PRIMITIVES):
        raise InvalidInterfaceError(f"'{text}' is not a type")
    base = match["text"] or match["primitive"] or f"{match['package'] or package}/msg/{match['message']}"
    chars, size = int(match["chars"] or 0), int(match["size"] or 0)
    if not match["several"]:
        return FieldType(base, string_bound=chars)
    return FieldType(base, "array" if size and not match["upper"] else "sequence", size, chars)


def _parse_line(line: str, package: str) -> Field:
    """Return a field, or a constant as a field that has its value as default."""
    type_text, _, rest = line.replace("\t", " ").partition(" ")
    name, is_constant, value = (part.strip() for part in rest.partition("="))
    type_ = parse_type(type_text, package)
    if is_constant:
        if type_ != FieldType(type_.base) or type_.is_message:
            raise InvalidInterfaceError("only a primitive type can have constants")
        if not _CONSTANT_NAME.fullmatch(name):
            raise InvalidInterfaceError(f"'{name}' is not a name for a constant: capitals, digits, single underscores")
        return Field(name, type_, _parse_value(type_, value))
    name, _, default = (part.strip() for part in rest.strip().partition(" "))
    if not _FIELD_NAME.fullmatch(name):
        raise InvalidInterfaceError(f"'{name}' is not a name for a field: small letters, digits, single underscores")
    return Field(name, type_, _parse_value(type_, default) if default else None)


def _parse_value(type_: FieldType, text: str) -> Any:
    if type_.is_message:
        raise InvalidInterfaceError("only a primitive type can have a default value")
    if type_.kind == "single":
        return parse_primitive(type_, text)
    if not (text.startswith("[") and text.endswith("]")):
        raise InvalidInterfaceError(f"'{text}' is not a list in brackets")
    content = text[1:-1].strip()
    items = _split_strings(content) if type_.base in STRINGS else content.split(",") if content else ()
    values = [parse_primitive(type_, item.strip()) for item in items]
    if type_.size and (len(values) > type_.size or (type_.kind == "array" and len(values) < type_.size)):
        raise InvalidInterfaceError(f"{len(values)} values where {type_.size} are allowed")
    return values


def _split_strings(content: str) -> Iterator[str]:
    position = 0
    while position < len(content):
        match = _STRING.match(content, position)
        if match is None:
            raise InvalidInterfaceError(f"'{content}' is not a list of strings")
        position = match.end()
        yield match[1]


def parse_primitive(type_: FieldType, text: str) -> Any:
    """Return the value that a text stands for, as a constant or default of a primitive type.

    Raises:
        InvalidInterfaceError: it stands for none.
    """
    base = type_.base
    if base in STRINGS:
        return _parse_string(text, type_.string_bound)
    if base == "bool":
        if text.lower() not in _TRUTH:
            raise InvalidInterfaceError(f"'{text}' is neither 'true' nor 'false'")
        return _TRUTH[text.lower()]
    if base in FLOATS:
        try:
            return float(text)
        except ValueError:
            raise InvalidInterfaceError(f"'{text}' is not a number") from None
    low, high = integer_range("uint8" if base == "byte" else base)
    try:
        number = int(text) if text.lstrip("+-").isdecimal() else int(text, 0)
    except ValueError:
        raise InvalidInterfaceError(f"'{text}' is not an integer") from None
    if not low <= number <= high:
        raise InvalidInterfaceError(f"{number} is not in [{low}, {high}]")
    return bytes([number]) if base == "byte" else number


def _parse_string(text: str, bound: int) -> str:
    for quote in "\"'":
        if len(text) > 1 and text[0] == text[-1] == quote:
            text = text[1:-1]
            if re.search(rf"(?<!\\){quote}", text):
                raise InvalidInterfaceError("a quote in the string needs a backslash")
            break
    value = _ESCAPE.sub(lambda match: match[0].encode().decode("unicode_escape"), text)
    if bound and len(value) > bound:
        raise InvalidInterfaceError(f"'{value}' is longer than {bound} characters")
    return value
