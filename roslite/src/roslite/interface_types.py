"""What messages consist of, independent of where their definitions come from."""

from dataclasses import dataclass
from typing import Any, Literal

INTEGERS = {f"{sign}int{bits}": bits for sign in ("", "u") for bits in (8, 16, 32, 64)}
"""Integer types and their width in bits."""

FLOATS = {"float32": ("float", 3.402823466e38), "float64": ("double", 1.7976931348623157e308)}
"""Floating-point types: their name in IDL and their largest finite value."""

STRINGS = frozenset({"string", "wstring"})

PRIMITIVES = frozenset({"bool", "byte", "char", *FLOATS, *STRINGS, *INTEGERS})

PLACEHOLDER = "structure_needs_at_least_one_member"
"""The one ``uint8`` that ROS 2 puts on the wire for a message without fields."""


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

    @property
    def is_packed(self) -> bool:
        """Whether it is several numbers, kept as ``array.array`` (sequence) or ``numpy.ndarray`` (fixed size)."""
        return self.kind != "single" and (self.base in INTEGERS or self.base in FLOATS or self.base == "char")

    @property
    def element(self) -> "FieldType":
        """The type of one of several."""
        return FieldType(self.base, string_bound=self.string_bound)


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


def integer_range(base: str) -> tuple[int, int]:
    """Return the least and the greatest value of an integer type; a ``char`` is a ``uint8`` in ROS 2."""
    bits = INTEGERS["uint8" if base == "char" else base]
    return (0, 2**bits - 1) if base[0] in "uc" else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
