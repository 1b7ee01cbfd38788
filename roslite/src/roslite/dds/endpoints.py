"""Who else is in the domain: Cyclone's built-in topics, and the ends that a reader or writer is matched with."""

import ctypes
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cyclonedds.qos import Qos

from roslite.dds.cyclone import Entity, Guid, Info, check, cqos, function, i32, pointer_t, u32, u64


class _Participant(ctypes.Structure):
    _fields_ = (("key", Guid), ("qos", ctypes.c_void_p))


class _Endpoint(ctypes.Structure):
    _fields_ = (
        ("key", Guid),
        ("participant_key", Guid),
        ("participant_handle", ctypes.c_uint64),
        ("topic_name", ctypes.c_char_p),
        ("type_name", ctypes.c_char_p),
        ("qos", ctypes.c_void_p),
    )


_read_mask = function(
    "dds_read_mask", i32, i32, ctypes.POINTER(pointer_t), ctypes.POINTER(Info), ctypes.c_size_t, u32, u32
)
_return_loan = function("dds_return_loan", i32, i32, ctypes.POINTER(pointer_t), i32)
_matched_readers = function("dds_get_matched_subscriptions", i32, i32, ctypes.POINTER(u64), ctypes.c_size_t)
_matched_writers = function("dds_get_matched_publications", i32, i32, ctypes.POINTER(u64), ctypes.c_size_t)
_matched_reader = function("dds_get_matched_subscription_data", ctypes.POINTER(_Endpoint), i32, u64)
_matched_writer = function("dds_get_matched_publication_data", ctypes.POINTER(_Endpoint), i32, u64)
_free_endpoint = function("dds_builtintopic_free_endpoint", None, ctypes.POINTER(_Endpoint))


PSEUDO_TOPIC_PARTICIPANT, _, PSEUDO_TOPIC_PUBLICATION, PSEUDO_TOPIC_SUBSCRIPTION = range(0x7FFF0001, 0x7FFF0005)
"""Handles of Cyclone's built-in topics, which tell who else is there."""


@dataclass(frozen=True)
class EndpointInfo:
    """A writer or reader somewhere in the domain, as discovery tells of it."""

    guid: bytes
    participant: bytes
    topic_name: str
    type_name: str
    qos: Qos


def count_matched_readers(writer: Entity) -> int:
    """Return how many readers a writer is connected to."""
    return int(_matched_readers(writer, None, 0))


def count_matched_writers(reader: Entity) -> int:
    """Return how many writers a reader is connected to."""
    return int(_matched_writers(reader, None, 0))


def participant_of_writer(reader: Entity, writer: int) -> bytes | None:
    """Return the GUID of the participant that a matched writer belongs to, None if it left."""
    return _participant_of(_matched_writer(reader, writer))


def participants_reading(writer: Entity) -> set[bytes]:
    """Return the GUIDs of all participants that a writer has matched readers in."""
    handles = (u64 * 256)()
    count = min(max(_matched_readers(writer, handles, len(handles)), 0), len(handles))
    found = (_participant_of(_matched_reader(writer, handle)) for handle in handles[:count])
    return {participant for participant in found if participant is not None}


def _participant_of(endpoint: Any) -> bytes | None:
    if not endpoint:
        return None
    try:
        return bytes(endpoint.contents.participant_key.value)
    finally:
        _free_endpoint(endpoint)


def read_participants(reader: Entity) -> set[bytes]:
    """Return the GUIDs of all participants of the domain."""
    return set(_read_builtin(reader, _Participant, lambda sample: bytes(sample.key.value)))


def read_endpoints(reader: Entity, topic: str | None = None) -> list[EndpointInfo]:
    """Return all writers, or all readers, of the domain, or those of one DDS topic; no other's QoS is unpacked."""
    wanted = None if topic is None else topic.encode()

    def convert(sample: Any) -> EndpointInfo | None:
        if wanted is not None and sample.topic_name != wanted:
            return None
        return EndpointInfo(
            bytes(sample.key.value),
            bytes(sample.participant_key.value),
            sample.topic_name.decode(errors="replace"),
            sample.type_name.decode(errors="replace"),
            cqos.cqos_to_qos(ctypes.c_void_p(sample.qos)),
        )

    return [endpoint for endpoint in _read_builtin(reader, _Endpoint, convert) if endpoint is not None]


def _read_builtin(reader: Entity, structure: Any, convert: Callable[[Any], Any]) -> list[Any]:
    """Read without taking, so that the reader always holds the present state."""
    size = 256
    while True:
        samples, infos = (pointer_t * size)(), (Info * size)()
        samples[0] = None
        count = check(_read_mask(reader, samples, infos, size, size, 3 | 12 | 16), "to read a built-in topic")
        try:
            if count < size:
                pointer = ctypes.POINTER(structure)
                return [
                    convert(ctypes.cast(pointer_t(samples[i]), pointer).contents)
                    for i in range(count)
                    if infos[i].valid_data
                ]
        finally:
            if count > 0:
                _return_loan(reader, samples, count)
        size *= 4
