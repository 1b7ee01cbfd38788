"""Participants: a process in a DDS domain, and what it creates there."""

import ctypes
import os
import threading
from typing import Any

from cyclonedds.qos import Policy, Qos

from roslite.dds.cyclone import Entity, check, delete, function, guid, i32, pointer_t, u32, with_qos
from roslite.dds.waiting import Guard, WaitSet
from roslite.settings import cyclone_configuration

_create_domain = function("dds_create_domain", i32, u32, ctypes.c_char_p)
_create_participant = function("dds_create_participant", i32, u32, pointer_t, pointer_t)
_create_reader = function("dds_create_reader", i32, i32, i32, pointer_t, pointer_t)
_create_writer = function("dds_create_writer", i32, i32, i32, pointer_t, pointer_t)
_create_guard_condition = function("dds_create_guardcondition", i32, i32)
_create_waitset = function("dds_create_waitset", i32, i32)


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
                delete(entity)


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
            with_qos(qos, lambda cqos: _create_participant(domain_id, cqos, None)),
            f"to join domain {domain_id}" + (f" with CYCLONEDDS_URI={uri}" if uri else ""),
        )
        self.guid = guid(self.entity)
        self._topics: dict[tuple[str, type], Any] = {}

    def create_writer(self, topic: str, type_: type, qos: Qos) -> Entity:
        """Return a new writer on a DDS topic."""
        handle = self._topic(topic, type_)
        return check(
            with_qos(qos, lambda cqos: _create_writer(self.entity, handle, cqos, None)), f"to write to '{topic}'"
        )

    def create_reader(self, topic: str, type_: type, qos: Qos) -> Entity:
        """Return a new reader on a DDS topic."""
        handle = self._topic(topic, type_)
        return check(with_qos(qos, lambda cqos: _create_reader(self.entity, handle, cqos, None)), f"to read '{topic}'")

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
        delete(self.entity)
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
