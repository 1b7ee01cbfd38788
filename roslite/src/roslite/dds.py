"""A thin layer over the C library of Cyclone DDS: entities, CDR in and out, and one way to wait for all of them.

The ``cyclonedds`` package builds topics and QoS; reading, writing and waiting call the library through ctypes, because
that lets go of Python's global lock while the library works, and hands CDR over without decoding it.
"""

import ctypes
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cyclonedds.internal import DDS, dds_c_t
from cyclonedds.qos import Policy, Qos, _CQos

from roslite.settings import cyclone_configuration

_cqos: Any = _CQos
_library = ctypes.CDLL(DDS._dll_handle._name)

NOT_READ = 2 | 12 | 112
"""State mask: samples not read yet, of any view and instance state."""

ANY_STATE = 3 | 12 | 112
INFINITY = 2**63 - 1
TIMEOUT = -10
GONE = (-3, -9)
"""What the library answers about an entity that was deleted: bad parameter, already deleted."""

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

PSEUDO_TOPIC_PARTICIPANT, _, PSEUDO_TOPIC_PUBLICATION, PSEUDO_TOPIC_SUBSCRIPTION = range(0x7FFF0001, 0x7FFF0005)
"""Handles of Cyclone's built-in topics, which tell who else is there."""

Entity = int


class DdsError(RuntimeError):
    """The DDS library refused a call."""


class _Sample(ctypes.Structure):
    """The container that the sertype of the ``cyclonedds`` package takes samples in."""

    _fields_ = (("data", ctypes.c_void_p), ("size", ctypes.c_size_t))


class _Guid(ctypes.Structure):
    _fields_ = (("value", ctypes.c_uint8 * 16),)


class _Participant(ctypes.Structure):
    _fields_ = (("key", _Guid), ("qos", ctypes.c_void_p))


class _Endpoint(ctypes.Structure):
    _fields_ = (
        ("key", _Guid),
        ("participant_key", _Guid),
        ("participant_handle", ctypes.c_uint64),
        ("topic_name", ctypes.c_char_p),
        ("type_name", ctypes.c_char_p),
        ("qos", ctypes.c_void_p),
    )


class _IncompatibleQos(ctypes.Structure):
    _fields_ = (("total", ctypes.c_uint32), ("change", ctypes.c_int32), ("last_policy", ctypes.c_uint32))


_Info = dds_c_t.sample_info
_i32, _u32, _i64, _u64, _ptr = ctypes.c_int32, ctypes.c_uint32, ctypes.c_int64, ctypes.c_uint64, ctypes.c_void_p


def _function(name: str, result: Any, *arguments: Any) -> Callable[..., Any]:
    function = getattr(_library, name)
    function.restype, function.argtypes = result, arguments
    return function  # type: ignore[no-any-return]


_create_domain = _function("dds_create_domain", _i32, _u32, ctypes.c_char_p)
_create_participant = _function("dds_create_participant", _i32, _u32, _ptr, _ptr)
_create_reader = _function("dds_create_reader", _i32, _i32, _i32, _ptr, _ptr)
_create_writer = _function("dds_create_writer", _i32, _i32, _i32, _ptr, _ptr)
_create_read_condition = _function("dds_create_readcondition", _i32, _i32, _u32)
_create_guard_condition = _function("dds_create_guardcondition", _i32, _i32)
_create_waitset = _function("dds_create_waitset", _i32, _i32)
_delete = _function("dds_delete", _i32, _i32)
_get_guid = _function("dds_get_guid", _i32, _i32, ctypes.POINTER(_Guid))
_set_guard = _function("dds_set_guardcondition", _i32, _i32, ctypes.c_bool)
_take_guard = _function("dds_take_guardcondition", _i32, _i32, ctypes.POINTER(ctypes.c_bool))
_attach = _function("dds_waitset_attach", _i32, _i32, _i32, ctypes.c_ssize_t)
_detach = _function("dds_waitset_detach", _i32, _i32, _i32)
_wait = _function("dds_waitset_wait", _i32, _i32, ctypes.POINTER(ctypes.c_ssize_t), ctypes.c_size_t, _i64)
_write = _function("dds_write", _i32, _i32, ctypes.POINTER(_Sample))
_take_cdr = _function("dds_takecdr", _i32, _i32, ctypes.POINTER(_ptr), _u32, ctypes.POINTER(_Info), _u32)
_read_mask = _function(
    "dds_read_mask", _i32, _i32, ctypes.POINTER(_ptr), ctypes.POINTER(_Info), ctypes.c_size_t, _u32, _u32
)
_return_loan = _function("dds_return_loan", _i32, _i32, ctypes.POINTER(_ptr), _i32)
_serdata_size = _function("ddsi_serdata_size", _u32, _ptr)
_serdata_to_bytes = _function("ddsi_serdata_to_ser", None, _ptr, ctypes.c_size_t, ctypes.c_size_t, _ptr)
_serdata_unref = _function("ddsi_serdata_unref", None, _ptr)
_matched_readers = _function("dds_get_matched_subscriptions", _i32, _i32, ctypes.POINTER(_u64), ctypes.c_size_t)
_matched_writers = _function("dds_get_matched_publications", _i32, _i32, ctypes.POINTER(_u64), ctypes.c_size_t)
_matched_reader = _function("dds_get_matched_subscription_data", ctypes.POINTER(_Endpoint), _i32, _u64)
_matched_writer = _function("dds_get_matched_publication_data", ctypes.POINTER(_Endpoint), _i32, _u64)
_free_endpoint = _function("dds_builtintopic_free_endpoint", None, ctypes.POINTER(_Endpoint))
_wait_for_acks = _function("dds_wait_for_acks", _i32, _i32, _i64)
_assert_liveliness = _function("dds_assert_liveliness", _i32, _i32)
_set_status_mask = _function("dds_set_status_mask", _i32, _i32, _u32)
_requested_incompatible = _function(
    "dds_get_requested_incompatible_qos_status", _i32, _i32, ctypes.POINTER(_IncompatibleQos)
)
_offered_incompatible = _function(
    "dds_get_offered_incompatible_qos_status", _i32, _i32, ctypes.POINTER(_IncompatibleQos)
)
_strerror = _function("dds_strretcode", ctypes.c_char_p, _i32)


def check(code: int, doing: str) -> int:
    """Return a non-negative result of the library.

    Raises:
        DdsError: the library reports an error.
    """
    if code < 0:
        raise DdsError(f"DDS failed {doing}: {_strerror(code).decode()}")
    return code


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


@dataclass(frozen=True)
class EndpointInfo:
    """A writer or reader somewhere in the domain, as discovery tells of it."""

    guid: bytes
    participant: bytes
    topic_name: str
    type_name: str
    qos: Qos


class _Domains:
    """The domains that this process configured, each for as long as it has a participant there."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: dict[int, tuple[Entity, int]] = {}

    def enter(self, domain_id: int) -> None:
        with self._lock:
            configuration = cyclone_configuration()
            entity, count = self._open.get(domain_id, (-1, 0))
            if count == 0 and configuration is not None:
                entity = check(_create_domain(domain_id, configuration.encode()), f"to configure domain {domain_id}")
            self._open[domain_id] = (entity, count + 1)

    def leave(self, domain_id: int) -> None:
        with self._lock:
            entity, count = self._open.pop(domain_id)
            if count > 1:
                self._open[domain_id] = (entity, count - 1)
            elif entity >= 0:
                _delete(entity)


_domains = _Domains()


class Participant:
    """This process in one DDS domain.

    Raises:
        DdsError: the participant cannot be created (a broken ``CYCLONEDDS_URI``, no free participant index).
    """

    def __init__(self, domain_id: int) -> None:
        _domains.enter(domain_id)
        self.domain_id = domain_id
        qos = Qos(Policy.Userdata(b"enclave=/;"))
        uri = os.environ.get("CYCLONEDDS_URI")
        self.entity = check(
            _with_qos(qos, lambda cqos: _create_participant(domain_id, cqos, None)),
            f"to join domain {domain_id}" + (f" with CYCLONEDDS_URI={uri}" if uri else ""),
        )
        self.guid = guid(self.entity)
        self._topics: dict[tuple[str, type], Any] = {}

    def create_writer(self, topic: str, type_: type, qos: Qos) -> Entity:
        """Return a new writer on a DDS topic."""
        handle = self._topic(topic, type_)
        return check(
            _with_qos(qos, lambda cqos: _create_writer(self.entity, handle, cqos, None)), f"to write to '{topic}'"
        )

    def create_reader(self, topic: str, type_: type, qos: Qos) -> Entity:
        """Return a new reader on a DDS topic."""
        handle = self._topic(topic, type_)
        return check(_with_qos(qos, lambda cqos: _create_reader(self.entity, handle, cqos, None)), f"to read '{topic}'")

    def create_builtin_reader(self, pseudo_topic: int) -> Entity:
        """Return a new reader of one of Cyclone's built-in topics."""
        return check(_create_reader(self.entity, pseudo_topic, None, None), "to read a built-in topic")

    def create_guard(self) -> "Guard":
        """Return a condition that this process triggers itself."""
        return Guard(check(_create_guard_condition(self.entity), "to create a guard condition"))

    def create_waitset(self) -> "WaitSet":
        """Return a new wait set."""
        return WaitSet(check(_create_waitset(self.entity), "to create a wait set"))

    def close(self) -> None:
        """Leave the domain; all entities go with it, and other processes are told at once."""
        self._topics.clear()
        _delete(self.entity)
        _domains.leave(self.domain_id)

    def _topic(self, name: str, type_: type) -> Entity:
        from cyclonedds._clayer import ddspy_topic_create

        key = (name, type_)
        if key not in self._topics:
            type_.__idl__.populate()  # type: ignore[attr-defined]
            type_.__idl__.fill_type_data()  # type: ignore[attr-defined]
            self._topics[key] = check(
                ddspy_topic_create(self.entity, name, type_, None, None), f"to create the topic '{name}'"
            )
        entity: Entity = self._topics[key]
        return entity


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
        _delete(self.entity)


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
        _delete(self.entity)


def guid(entity: Entity) -> bytes:
    """Return the 16 bytes that name an entity in the whole domain."""
    value = _Guid()
    check(_get_guid(entity, ctypes.byref(value)), "to name an entity")
    return bytes(value.value)


def delete(entity: Entity) -> None:
    """Delete an entity; one that is gone already, with its participant, is left alone."""
    _delete(entity)


def create_read_condition(reader: Entity) -> Entity:
    """Return a condition that is triggered while the reader has samples."""
    return check(_create_read_condition(reader, NOT_READ), "to create a read condition")


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
    pointer, info = _ptr(), _Info()
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


def watch_incompatible_qos(entity: Entity, is_reader: bool) -> None:
    """Let a wait for this reader or writer end when it meets one that it cannot talk to."""
    mask = REQUESTED_INCOMPATIBLE_QOS if is_reader else OFFERED_INCOMPATIBLE_QOS
    check(_set_status_mask(entity, mask), "to watch the quality of service")


def take_incompatible_policy(entity: Entity, is_reader: bool) -> str | None:
    """Return the policy that a reader or writer and another end disagreed on since the last call, None if none."""
    status = _IncompatibleQos()
    (_requested_incompatible if is_reader else _offered_incompatible)(entity, ctypes.byref(status))
    return POLICIES.get(status.last_policy, f"number {status.last_policy}") if status.change > 0 else None


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
    handles = (_u64 * 256)()
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


def read_endpoints(reader: Entity) -> list[EndpointInfo]:
    """Return all writers, or all readers, of the domain."""

    def convert(sample: Any) -> EndpointInfo:
        return EndpointInfo(
            bytes(sample.key.value),
            bytes(sample.participant_key.value),
            sample.topic_name.decode(errors="replace"),
            sample.type_name.decode(errors="replace"),
            _cqos.cqos_to_qos(ctypes.c_void_p(sample.qos)),
        )

    return _read_builtin(reader, _Endpoint, convert)


def _read_builtin(reader: Entity, structure: Any, convert: Callable[[Any], Any]) -> list[Any]:
    """Read without taking, so that the reader always holds the present state."""
    size = 256
    while True:
        samples, infos = (_ptr * size)(), (_Info * size)()
        samples[0] = None
        count = check(_read_mask(reader, samples, infos, size, size, 3 | 12 | 16), "to read a built-in topic")
        try:
            if count < size:
                pointer = ctypes.POINTER(structure)
                return [
                    convert(ctypes.cast(_ptr(samples[i]), pointer).contents)
                    for i in range(count)
                    if infos[i].valid_data
                ]
        finally:
            if count > 0:
                _return_loan(reader, samples, count)
        size *= 4


def _with_qos(qos: Qos, create: Callable[[Any], int]) -> int:
    cqos = _cqos.qos_to_cqos(qos)
    try:
        return create(cqos)
    finally:
        _cqos.cqos_destroy(cqos)
