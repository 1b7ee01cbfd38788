"""Waiting for any of many things: guards that the program triggers, samples, statuses."""

import ctypes

from roslite.dds.cyclone import Entity, check, delete, function, i32, i64, u32

_create_read_condition = function("dds_create_readcondition", i32, i32, u32)
_set_guard = function("dds_set_guardcondition", i32, i32, ctypes.c_bool)
_take_guard = function("dds_take_guardcondition", i32, i32, ctypes.POINTER(ctypes.c_bool))
_attach = function("dds_waitset_attach", i32, i32, i32, ctypes.c_ssize_t)
_detach = function("dds_waitset_detach", i32, i32, i32)
_wait = function("dds_waitset_wait", i32, i32, ctypes.POINTER(ctypes.c_ssize_t), ctypes.c_size_t, i64)


NOT_READ = 2 | 12 | 112
"""State mask: samples not read yet, of any view and instance state."""


class Guard:
    """A condition that is triggered from any thread of this process and ends a wait."""

    def __init__(self, entity: Entity) -> None:
        self.entity = entity

    def trigger(self) -> None:
        """Trigger, once."""
        _set_guard(self.entity, True)

    def take(self) -> bool:
        """Return whether it was triggered, and reset it."""
        triggered = ctypes.c_bool()
        _take_guard(self.entity, ctypes.byref(triggered))
        return triggered.value

    def close(self) -> None:
        """Delete the condition."""
        delete(self.entity)


class WaitSet:
    """Waits for any of a changing set of conditions."""

    def __init__(self, entity: Entity) -> None:
        self.entity = entity
        self._attached: set[Entity] = set()
        self._triggered = (ctypes.c_ssize_t * 64)()

    def wait(self, conditions: set[Entity], timeout_ns: int) -> set[Entity]:
        """Block until a condition is triggered or the time is over; return the triggered ones."""
        for condition in self._attached - conditions:
            _detach(self.entity, condition)
        for condition in conditions - self._attached:
            _attach(self.entity, condition, condition)
        self._attached = set(conditions)
        if len(conditions) > len(self._triggered):
            self._triggered = (ctypes.c_ssize_t * (2 * len(conditions)))()
        count = _wait(self.entity, self._triggered, len(self._triggered), max(timeout_ns, 0))
        return set(self._triggered[: min(count, len(self._triggered))]) if count > 0 else set()

    def close(self) -> None:
        """Delete the wait set."""
        delete(self.entity)


def create_read_condition(reader: Entity) -> Entity:
    """Return a condition that is triggered while the reader has samples."""
    return check(_create_read_condition(reader, NOT_READ), "to create a read condition")
