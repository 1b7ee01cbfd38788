"""The source text of functions that write or read a message."""

import struct
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

from roslite.cdr.format import FORMATS
from roslite.interface_types import STRINGS, Definition, FieldType


class Source:
    """Source text with what is known about the alignment of the position that it has reached.

    Attributes:
        modulus: 1, 2, 4 or 8; the position is ``offset`` plus a multiple of it.
        offset: smaller than ``modulus``.
    """

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.indent = 1
        self.modulus = 8
        self.offset = 0
        self.counter = 0
        self.names: dict[str, Any] = {}

    def line(self, text: str) -> None:
        """Add a line."""
        self.lines.append("    " * self.indent + text)

    def fresh(self, prefix: str) -> str:
        """Return a name that was not used yet."""
        self.counter += 1
        return f"{prefix}{self.counter}"

    def know(self, modulus: int, offset: int = 0) -> None:
        """Note what is known about the alignment."""
        self.modulus, self.offset = modulus, offset % modulus

    def padding(self, size: int) -> int | None:
        """Bytes to the next multiple of ``size``, if known."""
        return -self.offset % size if self.modulus >= size else None


class Generator(ABC):
    """Walks through a definition; what reading and writing have in common."""

    def __init__(self, classes: Callable[[str], Any]) -> None:
        self.source = Source()
        self.classes = classes
        self.group: list[tuple[str, str]] = []

    def message(self, definition: Definition, target: str) -> None:
        """Add all fields of a message that the expression ``target`` stands for."""
        if not definition.fields:
            self.number("B", None)
        for field in definition.fields:
            self.field(field.type, f"{target}._{field.name}")

    def field(self, type_: FieldType, target: str) -> None:
        """Add a field."""
        if type_.kind != "single":
            self.flush()
            self.several(type_, target)
        elif type_.is_message:
            self.nested(type_, target)
        elif type_.base in STRINGS:
            self.flush()
            self.string(target) if type_.base == "string" else self.wide_string(target)
        else:
            self.number(FORMATS[type_.base], target)

    def number(self, code: str, target: str | None) -> None:
        """Add a number to the group; None stands for the placeholder of an empty message."""
        size = struct.calcsize("=" + code)
        padding = self.source.padding(size)
        if padding is None:
            self.flush()
            self.align(size)
            padding = 0
        self.group.append(("x" * padding + code, target or "0"))
        self.source.know(self.source.modulus, self.source.offset + padding + size)

    def flush(self) -> None:
        """Emit the group of numbers that was collected."""
        if self.group:
            group, self.group = self.group, []
            self.emit_group("".join(code for code, _ in group), [target for _, target in group])

    def struct_name(self, codes: str, byte_order: str) -> tuple[str, int]:
        """Return the name of a compiled ``struct`` in the generated source, and its size."""
        layout = struct.Struct(byte_order + codes)
        name = "s_" + codes.replace("?", "t")
        self.source.names[name] = layout
        return name, layout.size

    @abstractmethod
    def align(self, size: int) -> None:
        """Emit the padding to the next multiple of ``size``."""

    @abstractmethod
    def nested(self, type_: FieldType, target: str) -> None:
        """Emit a message inside a message."""

    @abstractmethod
    def string(self, target: str) -> None:
        """Emit a text."""

    @abstractmethod
    def wide_string(self, target: str) -> None:
        """Emit a text of UTF-16."""

    @abstractmethod
    def several(self, type_: FieldType, target: str) -> None:
        """Emit an array or sequence."""

    @abstractmethod
    def emit_group(self, codes: str, targets: list[str]) -> None:
        """Emit numbers that go through one ``struct`` call."""


def compile_function(name: str, arguments: str, source: Source, runtime: dict[str, Any]) -> Any:
    """Return the function ``cdr`` that a source holds; ``runtime`` has what it calls by name."""
    namespace = {**runtime, **source.names}
    text = f"def cdr({arguments}):\n" + "\n".join(source.lines)
    exec(compile(text, f"<cdr of {name}>", "exec"), namespace)
    return namespace["cdr"]
