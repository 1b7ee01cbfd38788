"""Statuses: what DDS tells of a reader or writer beside its samples."""

import ctypes

from roslite.dds.library import Entity, check, function, i32, u32


class _IncompatibleQos(ctypes.Structure):
    _fields_ = (("total", ctypes.c_uint32), ("change", ctypes.c_int32), ("last_policy", ctypes.c_uint32))


_set_status_mask = function("dds_set_status_mask", i32, i32, u32)
_requested_incompatible = function(
    "dds_get_requested_incompatible_qos_status", i32, i32, ctypes.POINTER(_IncompatibleQos)
)
_offered_incompatible = function("dds_get_offered_incompatible_qos_status", i32, i32, ctypes.POINTER(_IncompatibleQos))


REQUESTED_INCOMPATIBLE_QOS, OFFERED_INCOMPATIBLE_QOS = 1 << 4, 1 << 3
POLICIES = {
    2: "DURABILITY",
    4: "DEADLINE",
    8: "LIVELINESS",
    11: "RELIABILITY",
    12: "DESTINATION_ORDER",
    23: "DATA_REPRESENTATION",
    24: "TYPE_CONSISTENCY_ENFORCEMENT",
}
"""Policies that two ends can disagree on, by the number that DDS gives them."""


def watch_incompatible_qos(entity: Entity, is_reader: bool) -> None:
    """Let a wait for this reader or writer end when it meets one that it cannot talk to."""
    mask = REQUESTED_INCOMPATIBLE_QOS if is_reader else OFFERED_INCOMPATIBLE_QOS
    check(_set_status_mask(entity, mask), "to watch the quality of service")


def take_incompatible_policy(entity: Entity, is_reader: bool) -> str | None:
    """Return the policy that a reader or writer and another end disagreed on since the last call, None if none."""
    status = _IncompatibleQos()
    (_requested_incompatible if is_reader else _offered_incompatible)(entity, ctypes.byref(status))
    return POLICIES.get(status.last_policy, f"number {status.last_policy}") if status.change > 0 else None
