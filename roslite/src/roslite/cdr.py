"""Plain CDR, version 1: the bytes that ROS 2 messages are on the wire.

For each message class one function to write and one to read are generated, as Python source: nested messages are
inlined, neighbouring numbers go through one ``struct`` call, and number arrays are copied in one piece.

Positions count from the first byte after the 4-byte encapsulation header; a number of n bytes is aligned to n.
"""

import struct
from array import array
from collections.abc import Callable
from typing import Any

import numpy as np

from roslite.interface_types import STRINGS, Definition, FieldType

LITTLE_ENDIAN = b"\x00\x01\x00\x00"
HEADER_SIZE = 4

FORMATS = {
    "bool": "?",
    "byte": "c",
    "char": "B",
    "int8": "b",
    "uint8": "B",
    "int16": "h",
    "uint16": "H",
    "int32": "i",
    "uint32": "I",
    "int64": "q",
    "uint64": "Q",
    "float32": "f",
    "float64": "d",
}
"""Primitive types as ``struct`` knows them; ``array.array`` and numpy use the same letters."""


class CdrError(ValueError):
    """Bytes do not hold the message they should."""


def serialize(message: Any, prefix: bytes = b"") -> bytearray:
    """Return the CDR of a message, encapsulation header included.

    Args:
        message: an instance of a generated message class.
        prefix: bytes between header and message, a multiple of 8 long so that the alignment stays.
    """
    out = bytearray(LITTLE_ENDIAN + prefix)
    type(message)._write_cdr(message, out)
    return out


def deserialize(data: bytes | bytearray | memoryview, message_type: type[Any], skip: int = 0) -> Any:
    """Return the message that ``data`` holds.

    Args:
        data: CDR with its encapsulation header.
        message_type: a generated message class.
        skip: bytes between header and message to pass over, a multiple of 8.

    Raises:
        CdrError: the bytes are cut off, or are no CDR that ROS 2 sends.
    """
    start = HEADER_SIZE + skip
    if len(data) < start:
        raise CdrError(f"{message_type.__name__}: {len(data)} bytes are too short")
    if data[0] != 0 or data[1] not in (0, 1):
        raise CdrError(f"{message_type.__name__}: encapsulation {bytes(data[:2]).hex()} is not plain CDR")
    read = message_type._read_cdr if data[1] else message_type._read_cdr_big_endian
    try:
        return read(memoryview(data)[start:])
    except struct.error as error:
        raise CdrError(f"{message_type.__name__}: {error}") from error


class _Source:
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
        self.lines.append("    " * self.indent + text)

    def fresh(self, prefix: str) -> str:
        self.counter += 1
        return f"{prefix}{self.counter}"

    def know(self, modulus: int, offset: int = 0) -> None:
        self.modulus, self.offset = modulus, offset % modulus

    def padding(self, size: int) -> int | None:
        """Bytes to the next multiple of ``size``, if known."""
        return -self.offset % size if self.modulus >= size else None


class _Generator:
    """Walks through a definition; what reading and writing have in common."""

    def __init__(self, classes: Callable[[str], Any]) -> None:
        self.source = _Source()
        self.classes = classes
        self.group: list[tuple[str, str]] = []

    def message(self, definition: Definition, target: str) -> None:
        if not definition.fields:
            self.number("B", None)
        for field in definition.fields:
            self.field(field.type, f"{target}._{field.name}")

    def field(self, type_: FieldType, target: str) -> None:
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
        if self.group:
            group, self.group = self.group, []
            self.emit_group("".join(code for code, _ in group), [target for _, target in group])

    def struct_name(self, codes: str, byte_order: str) -> tuple[str, int]:
        """Return the name of a compiled ``struct`` in the generated source, and its size."""
        layout = struct.Struct(byte_order + codes)
        name = "s_" + codes.replace("?", "t")
        self.source.names[name] = layout
        return name, layout.size

    def align(self, size: int) -> None:
        raise NotImplementedError

    def nested(self, type_: FieldType, target: str) -> None:
        raise NotImplementedError

    def string(self, target: str) -> None:
        raise NotImplementedError

    def wide_string(self, target: str) -> None:
        raise NotImplementedError

    def several(self, type_: FieldType, target: str) -> None:
        raise NotImplementedError

    def emit_group(self, codes: str, targets: list[str]) -> None:
        raise NotImplementedError


class _Writer(_Generator):
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


class _Reader(_Generator):
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


def _wide(text: str) -> "np.ndarray[Any, Any]":
    """Return the UTF-16 code units of a text, each in the 4 bytes that ROS 2's middlewares give it."""
    return np.frombuffer(text.encode("utf-16-le", "surrogatepass"), "<u2").astype("<u4")


def _narrow(units: "np.ndarray[Any, Any]") -> str:
    return units.astype("<u2").tobytes().decode("utf-16-le", "replace")


def _too_short(needed: int, size: int) -> CdrError:
    return CdrError(f"{needed} bytes are announced, {size} are there")


def _too_long(length: int, bound: int) -> CdrError:
    return CdrError(f"a sequence of {length} where at most {bound} are allowed")


_RUNTIME: dict[str, Any] = {
    "PADDING": [b"\0" * size for size in range(8)],
    "new": object.__new__,
    "frombuffer": np.frombuffer,
    "numbers": _numbers,
    "swapped": _swapped,
    "wide": _wide,
    "narrow": _narrow,
    "too_short": _too_short,
    "too_long": _too_long,
}


def generate_writer(definition: Definition, classes: Callable[[str], Any]) -> Callable[[Any, bytearray], None]:
    """Return a function that appends the CDR of a message to a buffer."""
    writer = _Writer(classes)
    writer.message(definition, "m")
    writer.flush()
    function: Callable[[Any, bytearray], None] = _compile(definition.name, "m, out", writer.source)
    return function


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
    function: Callable[[memoryview], Any] = _compile(definition.name, "data", reader.source)
    return function


def _compile(name: str, arguments: str, source: _Source) -> Any:
    namespace = {**_RUNTIME, **source.names}
    text = f"def cdr({arguments}):\n" + "\n".join(source.lines)
    exec(compile(text, f"<cdr of {name}>", "exec"), namespace)
    return namespace["cdr"]
