"""The C library of Cyclone DDS: how its functions are bound, what they answer, how QoS is handed to them."""

import ctypes
from collections.abc import Callable
from typing import Any

from cyclonedds.internal import DDS, dds_c_t
from cyclonedds.qos import Qos, _CQos

cqos: Any = _CQos
library = ctypes.CDLL(DDS._dll_handle._name)

INFINITY = 2**63 - 1
"""A duration that never ends, in nanoseconds."""

Entity = int
Info = dds_c_t.sample_info
i32, u32, i64, u64, pointer_t = ctypes.c_int32, ctypes.c_uint32, ctypes.c_int64, ctypes.c_uint64, ctypes.c_void_p


class DdsError(RuntimeError):
    """The DDS library refused a call."""


class Guid(ctypes.Structure):
    """The name of an entity in the whole domain."""

    _fields_ = (("value", ctypes.c_uint8 * 16),)


def function(name: str, result: Any, *arguments: Any) -> Callable[..., Any]:
    """Return a function of the library; it lets go of Python's global lock while it runs."""
    function = getattr(library, name)
    function.restype, function.argtypes = result, arguments
    return function  # type: ignore[no-any-return]


_strerror = function("dds_strretcode", ctypes.c_char_p, i32)
_delete = function("dds_delete", i32, i32)
_get_guid = function("dds_get_guid", i32, i32, ctypes.POINTER(Guid))


def check(code: int, doing: str) -> int:
    """Return a non-negative result of the library.

    Raises:
        DdsError: the library reports an error.
    """
    if code < 0:
        raise DdsError(f"DDS failed {doing}: {_strerror(code).decode()}")
    return code


def guid(entity: Entity) -> bytes:
    """Return the 16 bytes that name an entity in the whole domain."""
    value = Guid()
    check(_get_guid(entity, ctypes.byref(value)), "to name an entity")
    return bytes(value.value)


def delete(entity: Entity) -> None:
    """Delete an entity; one that is gone already, with its participant, is left alone."""
    _delete(entity)


def with_qos(qos: Qos, create: Callable[[Any], int]) -> int:
    """Return what ``create`` makes of a QoS in the form of the library."""
    native = cqos.qos_to_cqos(qos)
    try:
        return create(native)
    finally:
        cqos.cqos_destroy(native)
