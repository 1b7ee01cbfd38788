"""Samples, as CDR: written and taken."""

import ctypes
from dataclasses import dataclass

from roslite.dds.cyclone import Entity, Info, check, function, i32, i64, pointer_t, u32


class _Sample(ctypes.Structure):
    """The container that the sertype of the ``cyclonedds`` package takes samples in."""

    _fields_ = (("data", ctypes.c_void_p), ("size", ctypes.c_size_t))


_write = function("dds_write", i32, i32, ctypes.POINTER(_Sample))
_take_cdr = function("dds_takecdr", i32, i32, ctypes.POINTER(pointer_t), u32, ctypes.POINTER(Info), u32)
_serdata_size = function("ddsi_serdata_size", u32, pointer_t)
_serdata_to_bytes = function("ddsi_serdata_to_ser", None, pointer_t, ctypes.c_size_t, ctypes.c_size_t, pointer_t)
_serdata_unref = function("ddsi_serdata_unref", None, pointer_t)
_wait_for_acks = function("dds_wait_for_acks", i32, i32, i64)
_assert_liveliness = function("dds_assert_liveliness", i32, i32)


ANY_STATE = 3 | 12 | 112
TIMEOUT = -10
GONE = (-3, -9)
"""What the library answers about an entity that was deleted: bad parameter, already deleted."""


@dataclass(frozen=True)
class Received:
    """A sample taken from a reader.

    Attributes:
        data: CDR with its encapsulation header.
        source_timestamp: when it was written, in nanoseconds since the Unix epoch.
        writer: instance handle of the writer.
    """

    data: bytearray
    source_timestamp: int
    writer: int


def write(writer: Entity, data: bytearray) -> None:
    """Write CDR; pads it to a multiple of 4 bytes in place.

    Raises:
        DdsError: the bytes are not CDR of the writer's type, or the writer is gone.
    """
    data += bytes(-len(data) % 4)
    buffer = (ctypes.c_char * len(data)).from_buffer(data)
    sample = _Sample(ctypes.addressof(buffer), len(data))
    check(_write(writer, ctypes.byref(sample)), "to write a sample")


def take(reader: Entity) -> Received | None:
    """Take the oldest sample; None if there is none, it only tells that a writer left, or the reader is gone."""
    pointer, info = pointer_t(), Info()
    count = _take_cdr(reader, ctypes.byref(pointer), 1, ctypes.byref(info), ANY_STATE)
    if count in GONE or check(count, "to take a sample") == 0:
        return None
    try:
        if not info.valid_data:
            return None
        data = bytearray(_serdata_size(pointer))
        _serdata_to_bytes(pointer, 0, len(data), (ctypes.c_char * len(data)).from_buffer(data))
        return Received(data, info.source_timestamp, info.publication_handle)
    finally:
        _serdata_unref(pointer)


def wait_for_acks(writer: Entity, timeout_ns: int) -> bool:
    """Block until all matched reliable readers have everything; return False if the time is over before."""
    code = _wait_for_acks(writer, timeout_ns)
    return code != TIMEOUT and check(code, "to wait for acknowledgements") == 0


def assert_liveliness(writer: Entity) -> None:
    """Show that a writer is alive."""
    check(_assert_liveliness(writer), "to assert liveliness")
