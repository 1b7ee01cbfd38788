"""Statuses: what DDS tells of a reader or writer beside its samples."""

import ctypes
from collections.abc import Iterable
from enum import IntEnum
from functools import reduce
from operator import or_
from typing import Any

from roslite.dds.cyclone import Entity, check, function, i32, u32, u64


class Status(IntEnum):
    """What can happen to a reader or writer; each is a bit of a mask."""

    OFFERED_DEADLINE_MISSED = 1 << 1
    REQUESTED_DEADLINE_MISSED = 1 << 2
    OFFERED_INCOMPATIBLE_QOS = 1 << 3
    REQUESTED_INCOMPATIBLE_QOS = 1 << 4
    SAMPLE_LOST = 1 << 5
    LIVELINESS_LOST = 1 << 9
    LIVELINESS_CHANGED = 1 << 10
    PUBLICATION_MATCHED = 1 << 11
    SUBSCRIPTION_MATCHED = 1 << 12


TYPE_CONSISTENCY_POLICY = 24
"""The policy that two ends disagree on, as DDS sees it, where they have different types."""


class _Count(ctypes.Structure):
    _fields_ = (("total_count", u32), ("total_count_change", i32))


class _CountWithHandle(ctypes.Structure):
    _fields_ = (*_Count._fields_, ("handle", u64))


class _CountWithPolicy(ctypes.Structure):
    _fields_ = (*_Count._fields_, ("last_policy", u32))


class _Matches(ctypes.Structure):
    _fields_ = (*_Count._fields_, ("current_count", u32), ("current_count_change", i32), ("handle", u64))


class _Liveliness(ctypes.Structure):
    _fields_ = (
        ("alive_count", u32),
        ("not_alive_count", u32),
        ("alive_count_change", i32),
        ("not_alive_count_change", i32),
        ("handle", u64),
    )


_STRUCTURES: dict[Status, Any] = {
    Status.OFFERED_DEADLINE_MISSED: _CountWithHandle,
    Status.REQUESTED_DEADLINE_MISSED: _CountWithHandle,
    Status.OFFERED_INCOMPATIBLE_QOS: _CountWithPolicy,
    Status.REQUESTED_INCOMPATIBLE_QOS: _CountWithPolicy,
    Status.SAMPLE_LOST: _Count,
    Status.LIVELINESS_LOST: _Count,
    Status.LIVELINESS_CHANGED: _Liveliness,
    Status.PUBLICATION_MATCHED: _Matches,
    Status.SUBSCRIPTION_MATCHED: _Matches,
}
_set_status_mask = function("dds_set_status_mask", i32, i32, u32)
_take_flags = function("dds_take_status", i32, i32, ctypes.POINTER(u32), u32)
_GETTERS = {
    status: function(f"dds_get_{status.name.lower()}_status", i32, i32, ctypes.POINTER(structure))
    for status, structure in _STRUCTURES.items()
}


def watch_statuses(entity: Entity, statuses: Iterable[Status]) -> int:
    """Let a wait for a reader or writer end when one of these happens to it; return their mask."""
    mask = reduce(or_, statuses, 0)
    check(_set_status_mask(entity, mask), "to watch the statuses of an entity")
    return mask


def take_flags(entity: Entity, mask: int) -> int:
    """Return which of the watched statuses changed since the last call; a deleted entity has none."""
    flags = u32()
    _take_flags(entity, ctypes.byref(flags), mask)
    return flags.value


def take_status(entity: Entity, status: Status) -> Any:
    """Return a status, a structure of counts; the next call counts the changes from here on."""
    counts = _STRUCTURES[status]()
    _GETTERS[status](entity, ctypes.byref(counts))
    return counts
