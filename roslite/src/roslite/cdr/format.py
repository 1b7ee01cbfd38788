"""Messages to CDR and back, by the functions that were generated for their classes."""

import struct
from typing import Any

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
