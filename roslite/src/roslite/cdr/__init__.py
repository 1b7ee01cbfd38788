"""Plain CDR, version 1: the bytes that ROS 2 messages are on the wire.

For each message class one function to write and one to read are generated, as Python source: nested messages are
inlined, neighbouring numbers go through one ``struct`` call, and number arrays are copied in one piece.

Positions count from the first byte after the 4-byte encapsulation header; a number of n bytes is aligned to n.
"""

from roslite.cdr.format import FORMATS, HEADER_SIZE, LITTLE_ENDIAN, CdrError, deserialize, serialize
from roslite.cdr.reader import generate_reader
from roslite.cdr.writer import generate_writer

__all__ = [
    "FORMATS",
    "HEADER_SIZE",
    "LITTLE_ENDIAN",
    "CdrError",
    "deserialize",
    "generate_reader",
    "generate_writer",
    "serialize",
]
