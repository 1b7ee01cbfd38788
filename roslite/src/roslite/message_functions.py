"""The constructor and the setters of a message class, generated as Python source because they run so often."""

import array
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from roslite import cdr
from roslite.interface_types import FLOATS, INTEGERS, STRINGS, Definition, Field, integer_range
from roslite.message_checks import Classes, assignment_check, to_array, to_ndarray


@dataclass(frozen=True)
class MessageFunctions:
    """What a message class is made of.

    Attributes:
        construct: the constructor.
        setters: by the name of the field.
        defaults: return the default value, by the name of the field, for those whose definition gives one.
    """

    construct: Callable[..., None]
    setters: dict[str, Callable[[Any, Any], None]]
    defaults: dict[str, Callable[[], Any]]


def generate_functions(definition: Definition, classes: Classes) -> MessageFunctions:
    """Return constructor, setters and defaults of a message class.

    Args:
        definition: the message.
        classes: returns the classes of nested messages.
    """
    fields = definition.fields
    names: dict[str, Any] = {
        **{f"check_{field.name}": assignment_check(field, classes) for field in fields},
        **{f"Class_{field.name}": classes(field.type.base) for field in fields if field.type.is_message},
        **{f"default_{field.name}": _given_default(field) for field in fields if field.default is not None},
        "NAMES": frozenset(field.name for field in fields),
        "array": array.array,
        "ndarray": np.ndarray,
        "zeros": np.zeros,
        "to_array": to_array,
        "to_ndarray": to_ndarray,
        "refuse": _refuse_arguments,
    }
    lines = [*_constructor(fields), *(line for field in fields for line in _setter(field))]
    exec(compile("\n".join(lines), f"<class of {definition.name}>", "exec"), names)
    return MessageFunctions(
        names["__init__"],
        {field.name: names[f"set_{field.name}"] for field in fields},
        {field.name: names[f"default_{field.name}"] for field in fields if field.default is not None},
    )


def _refuse_arguments(given: set[str], known: frozenset[str]) -> None:
    raise AssertionError(f"Invalid arguments passed to constructor: {', '.join(sorted(given - known))}")


def _given_default(field: Field) -> Callable[[], Any]:
    """Return a function that returns the default of the definition; several values are new objects each time."""
    default, type_ = field.default, field.type
    if type_.kind == "single":
        return lambda: default
    if not type_.is_packed:
        return lambda: list(default)
    code = cdr.FORMATS[type_.base]
    return lambda: np.array(default, dtype=code) if type_.kind == "array" else array.array(code, default)


def _constructor(fields: tuple[Field, ...]) -> list[str]:
    lines = ["def __init__(self, **kwargs):", "    if not kwargs:"]
    lines += [f"        self._{field.name} = {_default(field)}" for field in fields]
    lines += ["        return", "    if not kwargs.keys() <= NAMES: refuse(kwargs.keys(), NAMES)"]
    for field in fields:
        name = field.name
        lines += [
            f"    if {name!r} in kwargs: set_{name}(self, {_given(field)})",
            f"    else: self._{name} = {_default(field)}",
        ]
    return lines


def _given(field: Field) -> str:
    """Return an expression for what a field is set to that the constructor is given a value for.

    Constructors are more generous than assignments, except where a field has a default; that is ROS 2's way.
    """
    value = f"kwargs[{field.name!r}]"
    if not field.type.is_packed or field.default is not None:
        return value
    code = cdr.FORMATS[field.type.base]
    if field.type.kind == "array":
        return f"to_ndarray({field.name!r}, {code!r}, {field.type.size}, {value})"
    return f"to_array({code!r}, {value})"


def _default(field: Field) -> str:
    """Return an expression for the value of a field that nothing is said about."""
    type_ = field.type
    if field.default is not None:
        return f"default_{field.name}()"
    if type_.is_packed:
        code = cdr.FORMATS[type_.base]
        return f"zeros({type_.size}, {code!r})" if type_.kind == "array" else f"array({code!r})"
    if type_.kind == "sequence":
        return "[]"
    one = f"Class_{field.name}()" if type_.is_message else repr(_zero(type_.base))
    return f"[{one} for _ in range({type_.size})]" if type_.kind == "array" else one


def _zero(base: str) -> Any:
    if base in FLOATS:
        return 0.0
    return 0 if base in INTEGERS or base == "char" else {"bool": False, "byte": b"\0"}.get(base, "")


def _setter(field: Field) -> list[str]:
    return [
        f"def set_{field.name}(self, value):",
        f"    self._{field.name} = value if {_surely_fits(field)} else check_{field.name}(value)",
    ]


def _surely_fits(field: Field) -> str:
    """Return an expression that is true for most values that fit, and cheap; others are looked at closely."""
    type_, base = field.type, field.type.base
    if type_.is_packed:
        code = cdr.FORMATS[base]
        if type_.kind == "array":
            return f"type(value) is ndarray and value.dtype == {code!r} and value.size == {type_.size}"
        return f"type(value) is array and value.typecode == {code!r}" + _at_most(type_.size)
    if type_.kind == "sequence":
        return "type(value) is list and not value"
    if type_.kind == "array":
        return "False"
    if type_.is_message:
        return f"type(value) is Class_{field.name}"
    if base in STRINGS:
        return "type(value) is str" + _at_most(type_.string_bound)
    if base == "byte":
        return "type(value) is bytes and len(value) == 1"
    if base == "bool":
        return "type(value) is bool"
    if base in FLOATS:
        limit = FLOATS[base][1]
        return "type(value) is float" + (f" and {-limit} <= value <= {limit}" if base == "float32" else "")
    low, high = integer_range(base)
    return f"type(value) is int and {low} <= value <= {high}"


def _at_most(bound: int) -> str:
    return f" and len(value) <= {bound}" if bound else ""
