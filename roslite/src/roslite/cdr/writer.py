"""Functions that write messages."""

import struct
from collections.abc import Callable
from typing import Any

import numpy as np

from roslite.cdr.format import FORMATS, HEADER_SIZE
from roslite.cdr.source import Generator, compile_function
from roslite.interface_types import STRINGS, Definition, FieldType


class _Writer(Generator):
    def align(self, size: int) -> None:
        padding = self.source.padding(size)
        if padding is None:
            # ``out`` starts with the header, and service headers are multiples of 8.
            self.source.line(f"out += PADDING[({HEADER_SIZE} - len(out)) & {size - 1}]")
            self.source.know(size)
        elif padding:
            self.source.line(f"out += PADDING[{padding}]")
            self.source.know(self.source.modulus, self.source.offset + padding)

    def emit_group(self, codes: str, targets: list[str]) -> None:
        name, _ = self.struct_name(codes, "<")
        self.source.line(f"out += {name}.pack({', '.join(targets)})")

    def nested(self, type_: FieldType, target: str) -> None:
        self.message(self.classes(type_.base)._definition, target)

    def string(self, target: str) -> None:
        self.align(4)
        name, _ = self.struct_name("I", "<")
        text = self.source.fresh("t")
        self.source.line(f"{text} = {target}.encode()")
        self.source.line(f"out += {name}.pack(len({text}) + 1) + {text} + PADDING[1]")
        self.source.know(1)

    def wide_string(self, target: str) -> None:
        self.align(4)
        name, _ = self.struct_name("I", "<")
        units = self.source.fresh("w")
        self.source.line(f"{units} = wide({target})")
        self.source.line(f"out += {name}.pack(len({units})) + {units}.tobytes()")
        self.source.know(4)

    def several(self, type_: FieldType, target: str) -> None:
        source = self.source
        items = source.fresh("v")
        source.line(f"{items} = {target}")
        if type_.kind == "sequence":
            self.align(4)
            name, _ = self.struct_name("I", "<")
            source.line(f"out += {name}.pack(len({items}))")
            source.know(4)
        if type_.is_message or type_.base in STRINGS:
            item = source.fresh("i")
            source.line(f"for {item} in {items}:")
            source.indent += 1
            source.know(1)
            self.field(type_.element, item)
            self.flush()
            source.indent -= 1
            source.know(1)
            return
        size = struct.calcsize("=" + FORMATS[type_.base])
        self._numbers(type_, items, size)
        source.know(min(size, 4))

    def _numbers(self, type_: FieldType, items: str, size: int) -> None:
        expression = items
        if type_.base == "bool":
            expression = f"bytes({items})"
        elif type_.base == "byte":
            expression = f"b''.join({items})"
        elif type_.kind == "array":
            # ``bytearray += ndarray`` would be numpy's addition.
            expression = f"{items}.tobytes()"
        if size > 4 and type_.kind == "sequence":
            self.source.line(f"if {items}:")
            self.source.indent += 1
            self.align(size)
            self.source.line(f"out += {expression}")
            self.source.indent -= 1
        else:
            self.align(size)
            self.source.line(f"out += {expression}")


def _wide(text: str) -> "np.ndarray[Any, Any]":
    """Return the UTF-16 code units of a text, each in the 4 bytes that ROS 2's middlewares give it."""
    return np.frombuffer(text.encode("utf-16-le", "surrogatepass"), "<u2").astype("<u4")


_RUNTIME: dict[str, Any] = {
    "PADDING": [b"\0" * size for size in range(8)],
    "wide": _wide,
}


def generate_writer(definition: Definition, classes: Callable[[str], Any]) -> Callable[[Any, bytearray], None]:
    """Return a function that appends the CDR of a message to a buffer."""
    writer = _Writer(classes)
    writer.message(definition, "m")
    writer.flush()
    function: Callable[[Any, bytearray], None] = compile_function(definition.name, "m, out", writer.source, _RUNTIME)
    return function
