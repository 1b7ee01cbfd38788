"""The ROS graph: which nodes there are, and who publishes, subscribes and serves what.

DDS itself tells of participants, writers and readers. Which node they belong to is told by each participant on the
topic ``ros_discovery_info``, as ROS 2's middlewares do.
"""

import contextlib
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from cyclonedds.qos import Policy, Qos

from roslite import cdr, dds
from roslite.idl import dds_type, type_from_dds
from roslite.messages import message_class
from roslite.names import join

TOPIC_PREFIX, REQUEST_PREFIX, REPLY_PREFIX = "rt", "rq", "rr"
"""First part of the DDS name of a topic, of a service's requests and of its replies."""

REQUEST_SUFFIX, REPLY_SUFFIX = "Request", "Reply"

_INFO = "rmw_dds_common/msg/ParticipantEntitiesInfo"
_COMMON = (
    Policy.Reliability.Reliable(dds.INFINITY),
    Policy.Durability.TransientLocal,
    Policy.WriterDataLifecycle(False),
    Policy.DataRepresentation(use_cdrv0_representation=True),
)
_WRITER_QOS = Qos(
    *_COMMON,
    Policy.History.KeepLast(1),
    Policy.DurabilityService(0, Policy.History.KeepLast(1), -1, -1, -1),
)
_READER_QOS = Qos(*_COMMON, Policy.History.KeepAll)


@dataclass
class LocalNode:
    """A node of this process, with the GUIDs of the readers and writers that belong to it."""

    name: str
    namespace: str
    readers: set[bytes] = field(default_factory=set)
    writers: set[bytes] = field(default_factory=set)


@dataclass(frozen=True)
class RemoteNode:
    """A node somewhere in the domain."""

    name: str
    namespace: str
    readers: frozenset[bytes]
    writers: frozenset[bytes]


def topic_name(name: str, plain: bool = False) -> str:
    """Return the DDS name of a ROS topic; ``plain`` where the ROS conventions are to be avoided."""
    return name.lstrip("/") if plain else f"{TOPIC_PREFIX}{name}"


class Graph:
    """Tells others of the nodes of this process, and knows of theirs."""

    def __init__(self, participant: dds.Participant) -> None:
        self._participant = participant
        self._lock = threading.Lock()
        self._nodes: list[LocalNode] = []
        self._known: dict[bytes, list[RemoteNode]] = {}
        info = dds_type(_INFO)
        self._writer = participant.create_writer("ros_discovery_info", info, _WRITER_QOS)
        self._reader = participant.create_reader("ros_discovery_info", info, _READER_QOS)
        self.condition = dds.create_read_condition(self._reader)
        self._participants = participant.create_builtin_reader(dds.PSEUDO_TOPIC_PARTICIPANT)
        self._publications = participant.create_builtin_reader(dds.PSEUDO_TOPIC_PUBLICATION)
        self._subscriptions = participant.create_builtin_reader(dds.PSEUDO_TOPIC_SUBSCRIPTION)

    def add(self, node: LocalNode) -> None:
        """Announce a node of this process."""
        with self._lock:
            self._nodes.append(node)
            self._announce()

    def remove(self, node: LocalNode) -> None:
        """Announce that a node of this process is gone."""
        with self._lock:
            self._nodes.remove(node)
            self._announce()

    def change(self, change: Callable[[], None]) -> None:
        """Change readers or writers of a node of this process and announce it."""
        with self._lock:
            change()
            self._announce()

    def _announce(self) -> None:
        message: Any = message_class(_INFO)()
        message.gid.data = gid(self._participant.guid)
        for node in self._nodes:
            info: Any = message_class("rmw_dds_common/msg/NodeEntitiesInfo")()
            info.node_name, info.node_namespace = node.name, node.namespace
            info.reader_gid_seq = [_gid_message(guid) for guid in sorted(node.readers)]
            info.writer_gid_seq = [_gid_message(guid) for guid in sorted(node.writers)]
            message.node_entities_info_seq.append(info)
        dds.write(self._writer, cdr.serialize(message))

    def update(self) -> None:
        """Take what the others announced since the last call."""
        with self._lock:
            while (received := dds.take(self._reader)) is not None:
                # Not all that speak DDS keep to the rules; who does not stays without a name.
                with contextlib.suppress(cdr.CdrError):
                    self._learn(cdr.deserialize(received.data, message_class(_INFO)))

    def _learn(self, message: Any) -> None:
        self._known[bytes(message.gid.data)[:16]] = [
            RemoteNode(
                node.node_name,
                node.node_namespace,
                frozenset(bytes(gid.data)[:16] for gid in node.reader_gid_seq),
                frozenset(bytes(gid.data)[:16] for gid in node.writer_gid_seq),
            )
            for node in message.node_entities_info_seq
        ]

    def nodes(self) -> list[RemoteNode]:
        """Return all nodes of the domain, those of this process included."""
        self.update()
        alive = dds.read_participants(self._participants)
        with self._lock:
            for guid in self._known.keys() - alive:
                del self._known[guid]
            return [node for nodes in self._known.values() for node in nodes]

    def owners(self) -> dict[bytes, RemoteNode]:
        """Return the nodes that readers and writers belong to, by GUID, as far as they are known."""
        return {guid: node for node in self.nodes() for guid in node.readers | node.writers}

    def writers(self, topic: str | None = None) -> list[dds.EndpointInfo]:
        """Return all writers of the domain, or those of one DDS topic."""
        return dds.read_endpoints(self._publications, topic)

    def readers(self, topic: str | None = None) -> list[dds.EndpointInfo]:
        """Return all readers of the domain, or those of one DDS topic."""
        return dds.read_endpoints(self._subscriptions, topic)


def topics_of(endpoints: Iterable[dds.EndpointInfo], demangle: bool = True) -> dict[str, set[str]]:
    """Return the names of the topics that writers or readers are on, each with its types."""
    topics: dict[str, set[str]] = {}
    for endpoint in endpoints:
        if not demangle:
            topics.setdefault(endpoint.topic_name, set()).add(endpoint.type_name)
        elif endpoint.topic_name.startswith(f"{TOPIC_PREFIX}/"):
            name = endpoint.topic_name.removeprefix(TOPIC_PREFIX)
            topics.setdefault(name, set()).add(type_from_dds(endpoint.type_name))
    return topics


def services_of(endpoints: Iterable[dds.EndpointInfo], prefixes: tuple[str, ...]) -> dict[str, set[str]]:
    """Return the names of the services that endpoints belong to, each with its types.

    Args:
        endpoints: readers or writers.
        prefixes: which of ``rq`` and ``rr`` count. A server reads ``rq``; a client reads ``rr``.
    """
    services: dict[str, set[str]] = {}
    for endpoint in endpoints:
        prefix, slash, rest = endpoint.topic_name.partition("/")
        suffix = REQUEST_SUFFIX if prefix == REQUEST_PREFIX else REPLY_SUFFIX
        if prefix in prefixes and rest.endswith(suffix):
            type_ = type_from_dds(endpoint.type_name).removesuffix("_Request").removesuffix("_Response")
            services.setdefault(slash + rest.removesuffix(suffix), set()).add(type_)
    return services


def full_name(node: RemoteNode) -> str:
    """Return the absolute name of a node."""
    return join(node.namespace, node.name)


def gid(guid: bytes) -> bytes:
    """Return a GUID as the distribution that is spoken writes it in messages: with zeros after it up to Iron."""
    size = message_class("rmw_dds_common/msg/Gid")._definition.fields[0].type.size
    return guid.ljust(size, b"\0")


def _gid_message(guid: bytes) -> Any:
    message: Any = message_class("rmw_dds_common/msg/Gid")()
    message.data = gid(guid)
    return message
