"""Functions that read messages."""

import struct
from array import array
from collections.abc import Callable
from typing import Any

import numpy as np

from roslite.cdr.format import FORMATS, CdrError
from roslite.cdr.source import Generator, compile_function
from roslite.interface_types import STRINGS, Definition, FieldType


class _Reader(Generator):
    def __init__(self, classes: Callable[[str], Any], byte_order: str) -> None:
        super().__init__(classes)
        self.byte_order = byte_order

    def align(self, size: int) -> None:
        padding = self.source.padding(size)
        if padding is None:
            self.source.line(f"p = (p + {size - 1}) & -{size}")
            self.source.know(size)
        elif padding:
            self.source.line(f"p += {padding}")
            self.source.know(self.source.modulus, self.source.offset + padding)

    def emit_group(self, codes: str, targets: list[str]) -> None:
        name, size = self.struct_name(codes, self.byte_order)
        names = ", ".join("_" if target == "0" else target for target in targets)
        self.source.line(f"{names}, = {name}.unpack_from(data, p)")
        self.source.line(f"p += {size}")

    def create(self, type_name: str) -> str:
        """Emit the creation of an empty message; return the name of the variable that holds it."""
        class_ = self.classes(type_name)
        class_name = "C_" + type_name.replace("/", "_")
        self.source.names[class_name] = class_
        name = self.source.fresh("m")
        self.source.line(f"{name} = new({class_name})")
        return name

    def nested(self, type_: FieldType, target: str) -> None:
        name = self.create(type_.base)
        self.source.line(f"{target} = {name}")
        self.message(self.classes(type_.base)._definition, name)

    def string(self, target: str) -> None:
        length = self._length()
        self._end(length)
        self.source.line(f"{target} = str(data[p : e - 1], 'utf-8', 'replace') if {length} else ''")
        self.source.line("p = e")
        self.source.know(1)

    def wide_string(self, target: str) -> None:
        self._end(self._length(), 4)
        self.source.line(f"{target} = narrow(frombuffer(data[p:e], '{self.byte_order}u4'))")
        self.source.line("p = e")
        self.source.know(4)

    def several(self, type_: FieldType, target: str) -> None:
        length = self._length() if type_.kind == "sequence" else str(type_.size)
        if type_.kind == "sequence" and type_.size:
            self.source.line(f"if {length} > {type_.size}: raise too_long({length}, {type_.size})")
        if type_.is_message or type_.base in STRINGS:
            self._loop(type_, length, target)
            return
        size = struct.calcsize("=" + FORMATS[type_.base])
        if size > 4 and type_.kind == "sequence":
            self.source.line(f"if {length}: p = (p + {size - 1}) & -{size}")
        else:
            self.align(size)
        self._end(length, size)
        self.source.line(f"{target} = {self._numbers(type_, length)}")
        self.source.line("p = e")
        self.source.know(min(size, 4))

    def _loop(self, type_: FieldType, length: str, target: str) -> None:
        source = self.source
        items, item = source.fresh("l"), source.fresh("i")
        source.line(f"{target} = {items} = []")
        source.line(f"for {item} in range({length}):")
        source.indent += 1
        source.know(1)
        if type_.is_message:
            name = self.create(type_.base)
            self.message(self.classes(type_.base)._definition, name)
            self.flush()
            source.line(f"{items}.append({name})")
        else:
            self.field(type_.element, item)
            source.line(f"{items}.append({item})")
        source.indent -= 1
        source.know(1)

    def _numbers(self, type_: FieldType, length: str) -> str:
        code = FORMATS[type_.base]
        swap = self.byte_order == ">" and code not in "?cBb"
        if type_.base == "bool":
            return "list(map(bool, data[p:e]))"
        if type_.base == "byte":
            return "list(map(bytes, zip(data[p:e])))"
        if type_.kind == "array":
            return f"frombuffer(data, '{self.byte_order}{code}', {length}, p).astype('={code}')"
        return f"{'swapped' if swap else 'numbers'}('{code}', data[p:e])"

    def _length(self) -> str:
        self.align(4)
        name, _ = self.struct_name("I", self.byte_order)
        length = self.source.fresh("n")
        self.source.line(f"{length}, = {name}.unpack_from(data, p)")
        self.source.line("p += 4")
        self.source.know(4)
        return length

    def _end(self, length: str, size: int = 1) -> None:
        self.source.line(f"e = p + {length}" + (f" * {size}" if size > 1 else ""))
        self.source.line("if e > size: raise too_short(e, size)")


def _numbers(code: str, data: memoryview) -> "array[Any]":
    numbers: array[Any] = array(code)
    numbers.frombytes(data)
    return numbers


def _swapped(code: str, data: memoryview) -> "array[Any]":
    numbers = _numbers(code, data)
    numbers.byteswap()
    return numbers


def _narrow(units: "np.ndarray[Any, Any]") -> str:
    return units.astype("<u2").tobytes().decode("utf-16-le", "replace")


def _too_short(needed: int, size: int) -> CdrError:
    return CdrError(f"{needed} bytes are announced, {size} are there")


def _too_long(length: int, bound: int) -> CdrError:
    return CdrError(f"a sequence of {length} where at most {bound} are allowed")


_RUNTIME: dict[str, Any] = {
    "new": object.__new__,
    "frombuffer": np.frombuffer,
    "numbers": _numbers,
    "swapped": _swapped,
    "narrow": _narrow,
    "too_short": _too_short,
    "too_long": _too_long,
}


def generate_reader(
    definition: Definition, classes: Callable[[str], Any], byte_order: str
) -> Callable[[memoryview], Any]:
    """Return a function that builds a message from CDR without its header."""
    reader = _Reader(classes, byte_order)
    reader.source.line("size = len(data)")
    reader.source.line("p = 0")
    name = reader.create(definition.name)
    reader.message(definition, name)
    reader.flush()
    reader.source.line(f"return {name}")
    function: Callable[[memoryview], Any] = compile_function(definition.name, "data", reader.source, _RUNTIME)
    return function
